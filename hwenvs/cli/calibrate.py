"""``hwenvs calibrate`` and ``hwenvs verify-design``: real networks on real images."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from hwenvs.errors import ArgumentError, unknown_name

if TYPE_CHECKING:
    from hwenvs.calibration.measuring import Progress as Report
    from hwenvs.calibration.plan import Plan

app = typer.Typer(no_args_is_help=True, help="Measure tables on real networks and real images.")

DataOption = Annotated[
    Path | None, typer.Option(help="Folder with the data sets; default: $HWENVS_DATA.")
]
WeightsOption = Annotated[
    Path | None, typer.Option(help="Weights (.safetensors or .pt); default: the data folder's.")
]
RowsOption = Annotated[
    str | None, typer.Option(help="Rows FIRST:LAST (LAST excluded); default: the network's plan.")
]
DeviceOption = Annotated[str, typer.Option(help="Where to compute, e.g. cpu or cuda.")]


@app.command("channel-pruning")
def channel_pruning(
    network: Annotated[str, typer.Argument(help="Network of the zoo, e.g. resnet56.")],
    out: Annotated[Path, typer.Option(help="Folder for the journal, the table and the card.")],
    data: DataOption = None,
    weights: WeightsOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = 1,
    device: DeviceOption = "cpu",
    calibration_rows: RowsOption = None,
    evaluation_rows: RowsOption = None,
    fitted: Annotated[int | None, typer.Option(min=4, help="Joint designs to fit on.")] = None,
    heldout: Annotated[int | None, typer.Option(min=6, help="Held-out joint designs.")] = None,
    method: Annotated[str | None, typer.Option(help="sequential, independent or none.")] = None,
    criterion: Annotated[str | None, typer.Option(help="Which channels are kept.")] = None,
    precision: Annotated[str | None, typer.Option(help="float32 or bfloat16.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of designs and sampled pixels.")] = 0,
) -> None:
    """Measure a channel-pruning table and its card.

    Sweeps every decision alone, measures joint designs, fits the table, and judges it on designs
    held out from the fit.  Stop it at any time: the same command continues where it stopped.

    Example: hwenvs calibrate channel-pruning resnet20 --out tables --workers 2
    """
    from hwenvs.calibration.channel_pruning import ChannelPruningCalibration, about
    from hwenvs.calibration.table import write_table

    recipe = {"method": method, "criterion": criterion, "precision": precision, "seed": seed}
    changes: dict[str, Any] = {
        "calibration_images": _rows(calibration_rows),
        "evaluation_images": _rows(evaluation_rows),
        "fitted": fitted,
        "seed": seed,
    }
    if heldout is not None:
        third = heldout // 3
        changes |= {
            "heldout_spread": third,
            "heldout_random": heldout - 2 * third,
            "heldout_guided": third,
        }
    plan = _plan(network, changes, recipe)
    with _progress() as report:
        calibration = ChannelPruningCalibration(
            network, plan, out, data, weights, workers, report, device
        )
        result = calibration.run()
    command = "hwenvs " + " ".join(_portable(sys.argv[1:]))
    facts = {**about(plan, network, command), "weights_sha256": calibration.digest}
    paths = write_table(result, facts, out)
    console = Console()
    for key, value in result.fidelity().items():
        console.print(f"{key.replace('_', ' ')}: {value}")
    for path in paths:
        console.print(f"wrote {path}")


def verify_design(
    network: Annotated[str, typer.Argument(help="Network of the zoo, e.g. resnet56.")],
    design: Annotated[
        list[str],
        typer.Option(
            help="24,48,… or @file.json or best:runs.jsonl or uniform or optimum; "
            "repeat for several designs; LABEL=… names one."
        ),
    ],
    data: DataOption = None,
    weights: WeightsOption = None,
    calibration_rows: RowsOption = None,
    evaluation_rows: RowsOption = None,
    budget: Annotated[
        float, typer.Option(help="MACs of uniform and optimum, as a fraction.")
    ] = 0.5,
    points: Annotated[int | None, typer.Option(min=1, help="Sampled pixels per image.")] = None,
    method: Annotated[str | None, typer.Option(help="sequential, independent or none.")] = None,
    criterion: Annotated[str | None, typer.Option(help="Which channels are kept.")] = None,
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    device: DeviceOption = "cpu",
    out: Annotated[Path | None, typer.Option(help="Write the figures as JSON too.")] = None,
) -> None:
    """Apply designs to the real network; print measured beside predicted accuracy.

    Nothing is fine-tuned.  Weights are re-fitted on the calibration rows, accuracy is measured on
    the evaluation rows.

    Example: hwenvs verify-design resnet56 --design uniform --design best:report/runs.jsonl
    --evaluation-rows 5000:10000
    """
    from hwenvs.calibration.bench import open_bench
    from hwenvs.calibration.verification import verify_designs
    from hwenvs.cli.designs import parse_designs, predict
    from hwenvs.problems import make_problem

    recipe = {"method": method, "criterion": criterion, "precision": precision, "points": points}
    rows = {
        "calibration_images": _rows(calibration_rows),
        "evaluation_images": _rows(evaluation_rows),
    }
    plan = _plan(network, rows, recipe)
    problem = make_problem("channel_pruning", network=network, budget=budget)
    designs = parse_designs(design, problem)
    bench = open_bench(
        network,
        range(*plan.calibration_images),
        range(*plan.evaluation_images),
        plan.recipe,
        data,
        weights,
        device,
    )
    verdicts = verify_designs(bench, designs)
    guesses = predict(problem, [verdict.design for verdict in verdicts])
    table = Table(
        title=f"{bench.network.title}: rows {_shown(plan.evaluation_images)}, weights re-fitted on "
        f"rows {_shown(plan.calibration_images)}, no fine-tuning"
    )
    for heading in ("design", "MACs", "predicted", "top-1", "top-5", "divergence", "seconds"):
        table.add_column(heading, justify="left" if heading == "design" else "right")
    records = []
    for verdict, guess in zip(verdicts, guesses, strict=True):
        measured = verdict.measured
        table.add_row(
            verdict.label,
            f"{verdict.macs:.1%}",
            "" if guess is None else f"{guess:.1%}",
            f"{measured.top1:.2%}",
            f"{measured.top5:.2%}",
            f"{measured.divergence:.3f}",
            f"{verdict.seconds:.1f}",
        )
        records.append(
            {
                "label": verdict.label,
                "design": verdict.design,
                "macs": verdict.macs,
                "predicted_top1": guess,
                "top1": measured.top1,
                "top5": measured.top5,
                "divergence": measured.divergence,
                "seconds": verdict.seconds,
            }
        )
    Console().print(table)
    if out is not None:
        from hwenvs.calibration.table import write_atomically

        write_atomically(out, (json.dumps(records, indent=2) + "\n").encode())


def _plan(network: str, changes: dict[str, Any], recipe: dict[str, Any]) -> Plan:
    from hwenvs.calibration.plan import PLANS

    if network not in PLANS:
        raise unknown_name("network with a calibration plan", network, PLANS)
    plan = PLANS[network]
    given = {key: value for key, value in recipe.items() if value is not None}
    plan = replace(plan, recipe=replace(plan.recipe, **given))
    return replace(plan, **{key: value for key, value in changes.items() if value is not None})


def _rows(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    first, _, last = text.partition(":")
    if not (first.isdigit() and last.isdigit() and int(first) < int(last)):
        raise ArgumentError(f"rows must look like 0:500 (first:last), not {text!r}")
    return int(first), int(last)


def _shown(rows: tuple[int, int]) -> str:
    return f"{rows[0]} to {rows[1] - 1}"


def _portable(arguments: list[str]) -> list[str]:
    """Arguments with folders reduced to their last part: a card names no machine's paths."""
    return [Path(part).name if "/" in part else part for part in arguments]


@contextmanager
def _progress() -> Iterator[Report]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def report(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(label, total=total)
            bars.update(tasks[label], completed=done)

        yield report
