"""``hwenvs verify-design``: designs on the real network, measured beside predicted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from hwenvs.cli import options, outputs
from hwenvs.cli.calibrate import (
    BudgetOption,
    CriterionOption,
    DataOption,
    DatasetOption,
    DeviceOption,
    FamilyOption,
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
from hwenvs.cli.exporting import proxy_arguments
from hwenvs.files import write_json

if TYPE_CHECKING:
    from hwenvs.calibration.verification import Verdict

DesignsOption = Annotated[
    list[str],
    typer.Option(
        help="24,48,… or mb3_k5,zero,… or @file.json or best:runs.jsonl or uniform or optimum; "
        "repeat for several designs; LABEL=… names one."
    ),
]
PredictorOption = Annotated[
    str, typer.Option(help="What predicts: surrogate, or the path of a table (.npz).")
]
FiguresOption = Annotated[
    Path | None, typer.Option(help="Write the figures as JSON too.", callback=outputs.file)
]


def verify_design(
    network: Annotated[str, typer.Argument(help="Network of the zoo, e.g. resnet56.")],
    design: DesignsOption,
    data: DataOption = None,
    dataset: DatasetOption = None,
    weights: WeightsOption = None,
    calibration_rows: RowsOption = None,
    evaluation_rows: RowsOption = None,
    budget: BudgetOption = 0.5,
    cost: options.CostOption = None,
    hardware: options.HardwareOption = None,
    points: PointsOption = None,
    method: MethodOption = None,
    criterion: CriterionOption = None,
    levels: LevelsOption = None,
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    device: DeviceOption = "cpu",
    family: FamilyOption = "channel-pruning",
    proxy: Annotated[
        str | None,
        typer.Option(
            help="What predicts: surrogate, measured, or the path of a table (.npz); default: the "
            "network's table, or measured where there is none."
        ),
    ] = None,
    out: FiguresOption = None,
) -> None:
    """Apply designs to the real network; print measured beside predicted accuracy.

    Nothing is fine-tuned.  Weights are re-fitted on the calibration rows, accuracy is measured on
    the evaluation rows.  The designs uniform and optimum are those of the family at --budget; for
    those of an environment, give its --budget, and its --cost and --hardware where it has others.

    Example: hwenvs verify-design resnet56 --design uniform --design best:report/runs.jsonl
    --evaluation-rows 5000:10000
    """
    from hwenvs.calibration.bench import open_bench
    from hwenvs.calibration.verification import verify_designs
    from hwenvs.cli.designs import parse_designs, predict
    from hwenvs.compression.channel_pruning import check_design
    from hwenvs.networks import get_network
    from hwenvs.problems import make_problem

    family = family_called(family)
    recipe = {
        "method": method,
        "criterion": criterion,
        "levels": levels,
        "precision": precision,
        "points": points,
    }
    rows = {
        "calibration_images": parse_rows(calibration_rows),
        "evaluation_images": parse_rows(evaluation_rows),
    }
    plan = choose_plan(network, rows, recipe, family)
    priced = options.environment_arguments(cost=cost, hardware=hardware)
    priced |= proxy_arguments(network, family, proxy, data, weights)
    problem = make_problem(family, network=network, budget=budget, **priced)
    designs = parse_designs(design, problem)
    for chosen in designs.values() if family == "channel_pruning" else ():
        check_design(get_network(network), chosen)
    calibrated, evaluated = range(*plan.calibration_images), range(*plan.evaluation_images)
    bench = open_bench(
        network, calibrated, evaluated, plan.recipe, data, weights, device, family, dataset
    )
    verdicts = verify_designs(bench, designs)
    guesses = predict(problem, [verdict.design for verdict in verdicts])
    output().print(
        _table(
            f"{bench.network.title} on rows {_span(evaluated)}, weights re-fitted on rows "
            f"{_span(calibrated)}, no fine-tuning",
            f"cost: fraction of the full network's {bench.family.cost}",
            verdicts,
            guesses,
        )
    )
    if out is not None:
        records = [_record(v, g) for v, g in zip(verdicts, guesses, strict=True)]
        write_json(out, records)


def _table(
    title: str, caption: str, verdicts: Sequence[Verdict], guesses: Sequence[float | None]
) -> Table:
    table = Table(title=title, caption=caption)
    for heading in ("design", "cost", "predicted", "top-1", "top-5", "divergence", "seconds"):
        table.add_column(heading, justify="left" if heading == "design" else "right")
    for verdict, guess in zip(verdicts, guesses, strict=True):
        measured = verdict.measured
        table.add_row(
            verdict.label,
            f"{verdict.cost:.1%}",
            "" if guess is None else f"{guess:.1%}",
            f"{measured.top1:.2%}",
            f"{measured.top5:.2%}",
            f"{measured.divergence:.3f}",
            f"{verdict.seconds:.1f}",
        )
    return table


def _record(verdict: Verdict, guess: float | None) -> dict[str, Any]:
    return {
        "label": verdict.label,
        "design": verdict.design,
        "cost": verdict.cost,
        "predicted_top1": guess,
        "top1": verdict.measured.top1,
        "top5": verdict.measured.top5,
        "divergence": verdict.measured.divergence,
        "seconds": verdict.seconds,
    }


def _span(rows: range) -> str:
    return f"{rows.start} to {rows.stop - 1}"
