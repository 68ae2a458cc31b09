"""``hwenvs calibrate``: tables measured on real networks and real images."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from hwenvs.cli import outputs
from hwenvs.cli.progress import portable_command, steps
from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.problems.base import spelled

if TYPE_CHECKING:
    from hwenvs.calibration.plan import Plan

DataOption = Annotated[
    Path | None, typer.Option(help="Folder with the data sets; default: $HWENVS_DATA.")
]
WeightsOption = Annotated[
    Path | None, typer.Option(help="Weights (.safetensors or .pt); default: the data folder's.")
]
RowsOption = Annotated[
    str | None, typer.Option(help="Rows FIRST:LAST (LAST excluded); default: the network's plan.")
]


def _device(name: str) -> str:
    """Refuses a device that is not there, before anything is computed."""
    if name != "cpu":  # which is always there: torch need not be loaded to know
        from hwenvs.calibration.devices import check_device

        check_device(name)
    return name


DeviceOption = Annotated[
    str, typer.Option(help="Where to compute, e.g. cpu or cuda.", callback=_device)
]


DatasetOption = Annotated[
    str | None,
    typer.Option(
        help="FOLDER:EVALUATION[:CALIBRATION] under the data folder, e.g. imagenet:val:train; "
        "each split FOLDER/SPLIT-*.parquet or class folders in FOLDER/SPLIT."
    ),
]
OutOption = Annotated[
    Path,
    typer.Option(help="Folder for the journal, the table and the card.", callback=outputs.folder),
]
WorkersOption = Annotated[int, typer.Option(min=1, help="Processes, one thread each.")]
FittedOption = Annotated[int | None, typer.Option(min=4, help="Joint designs to fit on.")]
HeldoutOption = Annotated[int | None, typer.Option(min=6, help="Held-out joint designs.")]
PrecisionOption = Annotated[str | None, typer.Option(help="float32 or bfloat16.")]
SeedOption = Annotated[int, typer.Option(help="Seed of designs and sampled pixels.")]
NetworkArgument = Annotated[str, typer.Argument(help="Network of the zoo, e.g. resnet56.")]
MeasuredArgument = Annotated[
    str, typer.Argument(help="Network of the zoo, e.g. resnet56, or a search space.")
]


FAMILIES = "channel-pruning, fine-grained-pruning, bit-allocation or deep-compression."
FamilyArgument = Annotated[
    str, typer.Argument(help=f"{FAMILIES.replace(' or', ',')[:-1]}, or operator-selection.")
]
FamilyOption = Annotated[str, typer.Option(help=FAMILIES)]
BudgetOption = Annotated[float, typer.Option(help="Cost of uniform and optimum, as a fraction.")]
PointsOption = Annotated[int | None, typer.Option(min=1, help="Sampled pixels per image.")]
MethodOption = Annotated[str | None, typer.Option(help="sequential, independent or none.")]
CriterionOption = Annotated[str | None, typer.Option(help="Which channels are kept.")]
LevelsOption = Annotated[
    str | None, typer.Option(help="What few bits round weights to: linear or codebook.")
]


def calibrate(
    family: FamilyArgument,
    network: MeasuredArgument,
    out: OutOption,
    data: DataOption = None,
    dataset: DatasetOption = None,
    weights: WeightsOption = None,
    workers: WorkersOption = 1,
    device: DeviceOption = "cpu",
    calibration_rows: RowsOption = None,
    evaluation_rows: RowsOption = None,
    fitted: FittedOption = None,
    heldout: HeldoutOption = None,
    method: MethodOption = None,
    criterion: CriterionOption = None,
    levels: LevelsOption = None,
    precision: PrecisionOption = None,
    seed: SeedOption = 0,
    heldout_rows: Annotated[
        str | None,
        typer.Option(help="Of a search space: rows that held-out architectures are measured on."),
    ] = None,
    zero_cost: Annotated[
        int, typer.Option(min=0, help="Of a search space: architectures to score without training.")
    ] = 0,
) -> None:
    """Measure a table on a real network and real images, and its card.

    Sweeps every decision alone, measures joint designs, fits the table, and judges it on designs
    held out from the fit.  Of a search space, measures architectures of a supernet (--weights).
    Stop it at any time: the same command continues where it stopped.
    """
    from hwenvs.calibration.calibration import Calibration, about
    from hwenvs.calibration.table import write_table

    if family.startswith("operator"):
        unused = {
            "--device": device != "cpu",
            **{f"--{k}": v for k, v in {"method": method, "criterion": criterion}.items()},
            **{f"--{k}": v for k, v in {"levels": levels, "precision": precision}.items()},
        }
        refuse(unused, "operator-selection")
        asked = {
            "norm_images": parse_rows(calibration_rows),
            "evaluation_images": parse_rows(evaluation_rows),
            "heldout_images": parse_rows(heldout_rows),
            "fitted": fitted,
            "heldout": heldout,
            "seed": seed,
        }
        from hwenvs.cli.spaces import calibrate_space

        calibrate_space(network, out, asked, data, dataset, weights, workers, zero_cost)
        return
    refuse({"--zero-cost": zero_cost, "--heldout-rows": heldout_rows}, family)
    family = family_called(family, "operator_selection")
    recipe = {
        "method": method,
        "criterion": criterion,
        "levels": levels,
        "precision": precision,
        "seed": seed,
    }
    changes: dict[str, Any] = {
        "calibration_images": parse_rows(calibration_rows),
        "evaluation_images": parse_rows(evaluation_rows),
        "fitted": fitted,
        "seed": seed,
        **_heldout(heldout),
    }
    plan = choose_plan(network, changes, recipe, family)
    with steps() as report:
        calibration = Calibration(
            network, plan, out, data, weights, workers, report, device, family, dataset
        )
        result = calibration.run()
    command = portable_command(sys.argv[1:])
    facts = about(plan, network, command, calibration.bench.family, dataset)
    paths = write_table(result, {**facts, "weights_sha256": calibration.digest}, out)
    console = Console()
    for key, value in result.fidelity().items():
        console.print(f"{key.replace('_', ' ')}: {value}")
    for path in paths:
        console.print(f"wrote {path}", markup=False)


def refuse(given: dict[str, Any], family: str) -> None:
    """Says which options a family does not take.

    Raises:
        ArgumentError: if one of them was given.
    """
    found = [name for name, value in given.items() if value]
    if found:
        raise ArgumentError(f"{', '.join(found)} means nothing in {family}")


def _heldout(designs: int | None) -> dict[str, int]:
    """``designs`` held-out designs, a third of each kind."""
    if designs is None:
        return {}
    third = designs // 3
    return {
        "heldout_spread": third,
        "heldout_random": designs - 2 * third,
        "heldout_guided": third,
    }


def family_called(words: str, *others: str) -> str:
    """The family that ``words`` begin: ``fine-grained`` is ``fine_grained_pruning``.

    Args:
        words: with hyphens or underscores.
        *others: families that would be valid as well, for the message.

    Raises:
        UnknownNameError: if none or several do.
    """
    from hwenvs.calibration.plans import FAMILY_PLANS

    found = [name for name in FAMILY_PLANS if name.startswith(words.replace("-", "_"))]
    if len(found) != 1:
        known = [name.replace("_", "-") for name in (*FAMILY_PLANS, *others)]
        raise unknown_name("family to measure", words.replace("_", "-"), known)
    return found[0]


def choose_plan(
    network: str,
    changes: dict[str, Any],
    recipe: dict[str, Any],
    family: str = "channel_pruning",
) -> Plan:
    """The network's plan with what was given on the command line (not None) replaced.

    Raises:
        UnknownNameError: if there is no such network; the message suggests the nearest with a plan.
        ArgumentError: if the network has no plan in the family; the message says what to do.
    """
    from hwenvs.calibration.plans import FAMILY_PLANS
    from hwenvs.networks import ZOO

    plans = FAMILY_PLANS[family]
    if network not in ZOO:
        raise unknown_name("network", network, plans)
    if network not in plans:
        raise ArgumentError(
            f"{network} has no calibration plan for {spelled(family)}: name one of "
            f"{', '.join(plans)}, or measure it from Python with "
            "hwenvs.calibration.own.calibrate_module (docs/own-network.md)"
        )
    plan = plans[network]
    given = {key: value for key, value in recipe.items() if value is not None}
    plan = replace(plan, recipe=replace(plan.recipe, **given))
    return replace(plan, **{key: value for key, value in changes.items() if value is not None})


def parse_rows(text: str | None) -> tuple[int, int] | None:
    """``"0:500"`` as first and last (exclusive) row."""
    if text is None:
        return None
    first, _, last = text.partition(":")
    if not (first.isdigit() and last.isdigit() and int(first) < int(last)):
        raise ArgumentError(f"rows must look like 0:500 (first:last), not {text!r}")
    return int(first), int(last)
