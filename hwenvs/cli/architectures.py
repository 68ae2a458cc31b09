"""Architectures of a search space, out of its supernet or trained from scratch."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from hwenvs.cli import options, outputs
from hwenvs.cli.calibrate import BudgetOption, DataOption, RowsOption, WeightsOption, parse_rows
from hwenvs.cli.console import output
from hwenvs.cli.progress import portable_command, steps
from hwenvs.cli.train import TeacherOption
from hwenvs.cli.verify import DesignsOption, FiguresOption, PredictorOption
from hwenvs.errors import ArgumentError
from hwenvs.files import write_json


def verify_architecture(
    space: Annotated[str, typer.Argument(help="Search space, e.g. proxyless_cifar.")],
    design: DesignsOption,
    hardware: options.HardwareOption = "cpu",
    budget: BudgetOption = 0.5,
    data: DataOption = None,
    weights: WeightsOption = None,
    norm_rows: RowsOption = None,
    evaluation_rows: RowsOption = None,
    proxy: PredictorOption = "surrogate",
    out: FiguresOption = None,
) -> None:
    """Take architectures out of the supernet; print measured beside predicted accuracy.

    Batch norms are estimated on rows of the training images; default: those of the space's table.
    Accuracy is measured on evaluation rows; default: those that the table was judged on, which it
    was not fitted on.

    Example: hwenvs verify-architecture proxyless_cifar --design uniform --design optimum
    --design best:runs/NAS-ProxylessCIFAR-v0.reinforce.jsonl
    """
    import torch

    from hwenvs.calibration.spaces.bench import open_supernet_bench
    from hwenvs.calibration.spaces.calibration import PLANS, SpacePlan
    from hwenvs.cli.designs import parse_designs
    from hwenvs.problems import make_problem

    problem = make_problem(
        "operator_selection", space=space, hardware=hardware, budget=budget, proxy=proxy
    )
    designs = parse_designs(design, problem)
    expected = [problem.evaluate([chosen]) for chosen in designs.values()]
    plan = PLANS.get(space, SpacePlan())
    judged = parse_rows(evaluation_rows) or plan.heldout_images or plan.evaluation_images
    seen = parse_rows(norm_rows) or plan.norm_images
    torch.set_num_threads(1)
    bench = open_supernet_bench(space, range(*seen), range(*judged), data, weights)
    count = len(bench.labels)
    table = Table(title=f"{space} on {count:,} images (rows {judged[0]} to {judged[1] - 1})")
    for heading in ("design", "latency", "predicted", "top-1", "+-"):
        table.add_column(heading, justify="left" if heading == "design" else "right")
    records: list[dict[str, Any]] = []
    for (label, chosen), outcome in zip(designs.items(), expected, strict=True):
        found, guess = bench.measure(chosen), float(outcome.accuracy[0])
        share = float(problem.fractions(outcome.costs)["latency"][0])
        record = {
            "label": label,
            "design": list(chosen),
            "latency_fraction": share,
            "predicted_top1": guess,
            "top1": found.top1,
            "standard_error": math.sqrt(found.top1 * (1 - found.top1) / count),
        }
        records.append(record)
        table.add_row(
            label,
            f"{share:.1%}",
            f"{guess:.2%}",
            f"{found.top1:.2%}",
            f"{record['standard_error']:.2%}",
        )
    output().print(table)
    if out is not None:
        write_json(out, records)


def train_architectures(
    space: Annotated[str, typer.Argument(help="Search space, e.g. proxyless_cifar.")],
    out: Annotated[
        Path,
        typer.Option(help="Folder for results and checkpoints.", callback=outputs.folder),
    ],
    proxy: Annotated[
        str, typer.Option(help="Whose predictions are checked: surrogate, or a table (.npz).")
    ] = "surrogate",
    count: Annotated[int, typer.Option(min=3, help="Architectures, across the range.")] = 12,
    data: DataOption = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 20,
    batch_size: Annotated[int, typer.Option(min=2, help="Images per step.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="At its peak.")] = 0.1,
    teacher: TeacherOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = 1,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the architectures and of training.")
    ] = 0,
    card: Annotated[
        Path | None, typer.Option(help="Card (.json) of the table, to add the comparison to.")
    ] = None,
) -> None:
    """Train architectures from scratch, and compare with what a table says of them.

    Stop it at any time: the same command continues where it stopped.
    """
    from hwenvs.calibration.images import find_dataset
    from hwenvs.networks import get_space
    from hwenvs.proxies import architecture_proxy
    from hwenvs.proxies.card import Card, add_entry
    from hwenvs.training.architectures import Task, across_the_range, report, train_all
    from hwenvs.training.supernet import settings_of

    judge = architecture_proxy(proxy, get_space(space))
    settings = settings_of(space, epochs, batch_size, learning_rate, seed)
    if card is not None and (about := Card.read(card).network) != space:
        raise ArgumentError(f"the card {card} is of {about}, not of {space}")
    designs = across_the_range(space, judge.evaluate, count, seed)
    tasks = [
        Task(space, tuple(map(int, design)), settings, out, data, teacher) for design in designs
    ]
    with steps() as progress:
        trained = train_all(tasks, workers, progress)
    found = report(judge.evaluate(designs), trained, settings)
    found = {
        **found,
        "teacher": teacher or "none",
        "designs": [",".join(map(str, design)) for design in designs],
        "data": find_dataset(space)[0],
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": portable_command(sys.argv[1:]),
    }
    path = out / f"{space}.trained.json"
    write_json(path, found)
    if card is not None:
        add_entry(card, "trained_from_scratch", found)
    for predicted, right in zip(found["predicted"], trained, strict=True):
        output().print(f"predicted {predicted:.2%}, trained {right:.2%}")
    output().print(f"Spearman {found['spearman']}\nwrote {path}", markup=False, soft_wrap=True)
