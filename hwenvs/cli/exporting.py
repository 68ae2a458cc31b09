"""``hwenvs export``: the network of a design as a file, beside what the environment predicts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from hwenvs.cli import options, outputs
from hwenvs.cli.calibrate import (
    FAMILIES,
    CriterionOption,
    DataOption,
    DatasetOption,
    LevelsOption,
    MethodOption,
    PointsOption,
    RowsOption,
    WeightsOption,
    choose_plan,
    family_called,
    parse_rows,
)
from hwenvs.cli.console import output
from hwenvs.errors import ArgumentError, DesignError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hwenvs.export.designs import Exported
    from hwenvs.problems import Problem

RECORDS = ".jsonl"
"""Ending of run records."""


def export(
    design: Annotated[
        str,
        typer.Option(
            help="24,48,… or @file.json or runs.jsonl (its best design) or uniform or optimum."
        ),
    ],
    network: Annotated[
        str | None,
        typer.Argument(help="Network of the zoo, e.g. resnet56; default: that of the records."),
    ] = None,
    kind: Annotated[str, typer.Option("--format", help="onnx or safetensors.")] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(help="The file; default: the network's name.", callback=outputs.file),
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(help=f"{FAMILIES} Default: channel-pruning, or that of the records."),
    ] = None,
    weights: WeightsOption = None,
    data: DataOption = None,
    dataset: DatasetOption = None,
    calibration_rows: RowsOption = None,
    evaluation_rows: RowsOption = None,
    budget: Annotated[
        float | None, typer.Option(help="Cost of uniform and optimum, as a fraction; default: 0.5.")
    ] = None,
    cost: options.CostOption = None,
    hardware: options.HardwareOption = None,
    points: PointsOption = None,
    method: MethodOption = None,
    criterion: CriterionOption = None,
    levels: LevelsOption = None,
    proxy: Annotated[
        str | None, typer.Option(help="What predicts; default: the network's table, or measured.")
    ] = None,
    repetitions: Annotated[int, typer.Option(min=1, help="Timed runs of each model.")] = 100,
) -> None:
    """Write a design's real network, and try the file in onnxruntime.

    Weights are re-fitted on the calibration rows, nothing is fine-tuned.  Accuracy is measured on
    the evaluation rows, latency with one image and one thread, in turns with the full network.

    Example: hwenvs export resnet20 --design optimum --out resnet20.onnx
    """
    from hwenvs.calibration.bench import open_bench
    from hwenvs.cli.designs import choose_design
    from hwenvs.compression.channel_pruning import check_design
    from hwenvs.export.designs import check_format, export_design
    from hwenvs.networks import get_network
    from hwenvs.problems import make_problem

    check_format(kind)
    if budget is not None and design.endswith(RECORDS):
        raise ArgumentError(
            f"--budget is what uniform and optimum may cost: {design} holds designs already, so "
            "leave it out"
        )
    recorded = _recorded(design) if network is None else None
    priced = options.environment_arguments(cost=cost, hardware=hardware)
    if recorded is None:
        family = family_called(family or "channel-pruning")
        arguments: dict[str, Any] = {"problem": family, "network": network}
        arguments["budget"] = 0.5 if budget is None else budget
        arguments |= priced | proxy_arguments(str(network), family, proxy, data, weights)
    else:
        arguments = recorded | priced | ({} if proxy is None else {"proxy": proxy})
        if family is not None and (named := family_called(family)) != arguments["problem"]:
            own = str(arguments["problem"]).replace("_", "-")
            raise ArgumentError(
                f"--family {named.replace('_', '-')}: the records of {design} are of {own}"
            )
    network, family = str(arguments["network"]), str(arguments["problem"])
    path = out or Path(f"{network}.{kind}")
    outputs.file(path)
    recipe = {"method": method, "criterion": criterion, "levels": levels, "points": points}
    rows = {
        "calibration_images": parse_rows(calibration_rows),
        "evaluation_images": parse_rows(evaluation_rows),
    }
    plan = choose_plan(network, rows, {**recipe, "precision": "float32"}, family)
    problem = make_problem(**arguments)
    best = f"best:{design.removeprefix('best:')}"
    chosen = choose_design(problem, best if design.endswith(RECORDS) else design)
    if family == "channel_pruning":
        check_design(get_network(network), chosen)
    calibrated, evaluated = range(*plan.calibration_images), range(*plan.evaluation_images)
    bench = open_bench(
        network, calibrated, evaluated, plan.recipe, data, weights, "cpu", family, dataset
    )
    exported = export_design(bench, chosen, path, kind, repetitions)
    title = f"{bench.network.title} on rows {evaluated.start} to {evaluated.stop - 1}"
    output().print(_table(title, exported, problem, chosen))
    output().print(f"wrote {path}", markup=False, soft_wrap=True)


def _recorded(design: str) -> dict[str, Any]:
    """Arguments of the environment that the records of ``design`` come from.

    Raises:
        ArgumentError: if the design is not one of records, or the records cannot be read.
    """
    from hwenvs.registration import ALL_ENVIRONMENTS
    from hwenvs.solving.records import read_runs

    path = Path(design.removeprefix("best:"))
    if path.suffix != RECORDS:
        raise ArgumentError(f"name the network: the design {design!r} does not say which it is")
    runs = read_runs(path)
    found = [run for run in runs if run.environment in ALL_ENVIRONMENTS]
    if not found:
        raise ArgumentError(f"{path} holds no run of an environment with a network of the zoo")
    return {**ALL_ENVIRONMENTS[found[0].environment], **found[0].arguments}


def proxy_arguments(
    network: str, family: str, proxy: str | None, data: Path | None, weights: Path | None
) -> dict[str, Any]:
    """What predicts: the table where there is one, else the real network as the digits ids do."""
    from hwenvs.networks import get_network
    from hwenvs.proxies import table_path

    if proxy is None:
        proxy = "surrogate" if table_path(get_network(network), family).is_file() else "measured"
    given = {"data": data, "weights": weights} if proxy == "measured" else {}
    return {"proxy": proxy, **{name: str(path) for name, path in given.items() if path}}


def _table(title: str, exported: Exported, problem: Problem, design: tuple[int, ...]) -> Table:
    accuracy = ""
    costs: Mapping[str, NDArray[np.float64]] = {}
    try:
        outcome = problem.evaluate([design])
    except DesignError:  # outside the table's options: measured without a prediction
        pass
    else:
        accuracy, costs = f"{outcome.accuracy[0]:.2%}", outcome.costs
    full, file = exported.full, exported.file
    table = Table(title=title)
    for heading in ("", "full network", "environment", "real network", "file in onnxruntime"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row(
        "top-1",
        f"{full.accuracy:.2%}",
        accuracy,
        f"{exported.measured:.2%}",
        f"{file.accuracy:.2%}",
    )
    for name, values in costs.items():
        whole = problem.full_costs[name]
        cost = f"{values[0]:,.4g} ({values[0] / whole:.1%})"
        table.add_row(f"predicted {name}", f"{whole:,.4g}", cost, "", "")
    share = f"{file.latency_s * 1e3:.3f} ({file.latency_s / full.latency_s:.1%})"
    table.add_row("milliseconds", f"{full.latency_s * 1e3:.3f}", "", "", share)
    size = f"{file.size:,} ({file.size / full.size:.1%})"
    table.add_row("bytes of the file", f"{full.size:,}", "", "", size)
    return table
