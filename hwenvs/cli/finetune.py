"""``hwenvs finetune``: a final design's network, trained on for a few epochs."""

from __future__ import annotations

import sys
from dataclasses import replace
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
    MethodOption,
    NetworkArgument,
    PointsOption,
    RowsOption,
    WeightsOption,
    choose_plan,
    family_called,
    parse_rows,
)
from hwenvs.cli.console import notes, output
from hwenvs.cli.exporting import proxy_arguments
from hwenvs.cli.progress import portable_command, steps
from hwenvs.text import counted

if TYPE_CHECKING:
    from hwenvs.training.finetuning import Tuned


def finetune(
    network: NetworkArgument,
    design: Annotated[
        str,
        typer.Option(help="24,48,… or @file.json or best:runs.jsonl or uniform or optimum."),
    ],
    out: Annotated[
        Path,
        typer.Option(help="Folder for the weights and the checkpoint.", callback=outputs.folder),
    ],
    family: Annotated[
        str, typer.Option(help="channel-pruning or fine-grained-pruning.")
    ] = "channel-pruning",
    budget: BudgetOption = 0.5,
    cost: options.CostOption = None,
    hardware: options.HardwareOption = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 10,
    learning_rate: Annotated[float, typer.Option(help="At its peak.")] = 0.01,
    batch_size: Annotated[int, typer.Option(min=2, help="Images per step.")] = 128,
    teacher: Annotated[
        bool, typer.Option(help="Learn from the full network's answers besides the labels.")
    ] = True,
    training_rows: Annotated[
        str | None,
        typer.Option(help="Training images FIRST:LAST (LAST excluded); default: all."),
    ] = None,
    calibration_rows: RowsOption = None,
    evaluation_rows: RowsOption = None,
    data: DataOption = None,
    dataset: DatasetOption = None,
    weights: WeightsOption = None,
    points: PointsOption = None,
    method: MethodOption = None,
    criterion: CriterionOption = None,
    precision: Annotated[
        str, typer.Option(help="float32, or bfloat16 for mixed precision.")
    ] = "float32",
    device: DeviceOption = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
    until: Annotated[int | None, typer.Option(min=1, help="Stop after this epoch.")] = None,
    seed: Annotated[int, typer.Option(help="Of the order of images and of augmentation.")] = 0,
) -> None:
    """Fine-tune the network of a final design, and write its weights.

    The design is applied as by verify-design: pruned, re-fitted on the calibration rows.  What
    comes out is trained on the training images and measured on the evaluation rows.
    Stop it at any time: the same command continues after the last finished epoch.

    Example: hwenvs finetune resnet56 --design optimum --out tuned --evaluation-rows 5000:10000
    """
    import torch

    from hwenvs.calibration.bench import open_bench, open_network
    from hwenvs.networks import get_network
    from hwenvs.training.finetuning import (
        check_tunable,
        finetune_design,
        tuning_settings,
    )
    from hwenvs.training.lessons import load_lesson

    torch.set_num_threads(threads)
    family = family_called(family)
    check_tunable(family)
    recipe = {"method": method, "criterion": criterion, "points": points, "precision": "float32"}
    rows = {
        "calibration_images": parse_rows(calibration_rows),
        "evaluation_images": parse_rows(evaluation_rows),
    }
    plan, span = choose_plan(network, rows, recipe, family), parse_rows(training_rows)
    priced = {"budget": budget, **options.environment_arguments(cost=cost, hardware=hardware)}
    priced |= proxy_arguments(network, family, None, data, weights)
    chosen = _chosen(network, design, family, priced)
    calibrated, evaluated = range(*plan.calibration_images), range(*plan.evaluation_images)
    _, preprocessing = open_network(get_network(network), data, weights)
    settings = replace(
        tuning_settings(network, preprocessing, epochs, dataset),
        learning_rate=learning_rate,
        batch_size=batch_size,
        precision=precision,
        seed=seed,
    )
    trained = None if span is None else range(*span)
    lesson = load_lesson(network, preprocessing, evaluated, trained, data, dataset)
    bench = open_bench(
        network, calibrated, evaluated, plan.recipe, data, weights, device, family, dataset
    )
    facts = {"command": portable_command(sys.argv[1:]), "evaluation_rows": plan.evaluation_images}
    with steps() as progress:
        tuned = finetune_design(
            bench, chosen, lesson, settings, out, teacher, until, progress, facts
        )
    where = f"rows {evaluated.start} to {evaluated.stop - 1}"
    output().print(_table(f"{bench.network.title} on {where}", tuned))
    if tuned.after.top1 < tuned.before.top1:
        notes().print(
            "[yellow]fine-tuning cost accuracy:[/] "
            "try a lower --learning-rate, more epochs or more images",
            soft_wrap=True,
        )
    loss = f", last loss {tuned.losses[-1]:.4f}" if tuned.losses else ""
    output().print(f"{tuned.epochs} of {counted(epochs, 'epoch')}{loss}")
    output().print(f"wrote {tuned.path}", markup=False, soft_wrap=True)


def _chosen(network: str, design: str, family: str, priced: dict[str, Any]) -> tuple[int, ...]:
    """The design that was typed; channel counts are checked before anything is computed."""
    from hwenvs.cli.designs import choose_design
    from hwenvs.compression.channel_pruning import check_design
    from hwenvs.networks import get_network
    from hwenvs.problems import make_problem

    problem = make_problem(family, network=network, **priced)
    chosen = choose_design(problem, design)
    return check_design(get_network(network), chosen) if family == "channel_pruning" else chosen


def _table(title: str, tuned: Tuned) -> Table:
    table = Table(title=title)
    for heading in ("", "top-1", "top-5", "divergence"):
        table.add_column(heading, justify="right" if heading else "left")
    for label, measured in (
        ("full network", tuned.full),
        ("design, not fine-tuned", tuned.before),
        ("design, fine-tuned", tuned.after),
    ):
        table.add_row(
            label, f"{measured.top1:.2%}", f"{measured.top5:.2%}", f"{measured.divergence:.3f}"
        )
    return table
