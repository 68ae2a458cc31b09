"""``hwenvs train``: a network of the zoo on real images, where no weights can be had."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hwenvs.cli.calibrate import DataOption, DeviceOption
from hwenvs.cli.console import output
from hwenvs.cli.progress import portable_command, steps

TeacherOption = Annotated[
    str | None,
    typer.Option(help="Network with weights in the data folder to learn from as well."),
]


def train(
    network: Annotated[str, typer.Argument(help="Network of the zoo, e.g. resnet50.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights and the checkpoint.")],
    data: DataOption = None,
    resolution: Annotated[
        int | None,
        typer.Option(
            min=8, help="Pixels; smaller images are enlarged. Default: the network's, at most 32."
        ),
    ] = None,
    first_resolution: Annotated[
        int | None, typer.Option(min=8, help="Pixels in the first epoch, growing from there.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 30,
    batch_size: Annotated[int, typer.Option(min=2, help="Images per step.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="At its peak.")] = 0.1,
    teacher: TeacherOption = None,
    precision: Annotated[
        str, typer.Option(help="float32, or bfloat16 for mixed precision.")
    ] = "float32",
    device: DeviceOption = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
    until: Annotated[int | None, typer.Option(min=1, help="Stop after this epoch.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 0,
    half: Annotated[bool, typer.Option("--half", help="Write weights in half precision.")] = False,
) -> None:
    """Train a network of the zoo from scratch.

    Random crops, flips and erased squares (digits: shifts alone); Nesterov's gradient descent with
    a cosine schedule.
    Stop it at any time: the same command continues after the last finished epoch.

    Example: hwenvs train resnet50 --out weights --resolution 64 --epochs 30 --device cuda

    Example without any data: hwenvs train digits_mobilenet --out weights --epochs 60
    """
    import torch

    from hwenvs.calibration.images import find_dataset
    from hwenvs.networks import get_network
    from hwenvs.training.settings import SUITED, Settings
    from hwenvs.training.zoo import train_network

    torch.set_num_threads(threads)
    settings = Settings(
        epochs=epochs,
        resolution=resolution or min(32, get_network(network).resolution),
        first_resolution=first_resolution,
        batch_size=batch_size,
        learning_rate=learning_rate,
        precision=precision,
        seed=seed,
        **SUITED.get(find_dataset(network)[0], {}),
    )
    facts = {"command": portable_command(sys.argv[1:])}
    with steps() as progress:
        trained = train_network(
            network,
            settings,
            out,
            data,
            teacher,
            device,
            progress,
            until,
            facts,
            torch.float16 if half else torch.float32,
        )
    output().print(
        f"{trained.epochs} epochs, last loss {trained.loss:.4f}, "
        f"test accuracy {trained.accuracy:.2%}\nwrote {trained.path}",
        soft_wrap=True,
    )


def train_supernet(
    space: Annotated[str, typer.Argument(help="Search space, e.g. proxyless_cifar.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights and the checkpoint.")],
    data: DataOption = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 40,
    batch_size: Annotated[int, typer.Option(min=2, help="Images per step, hence per path.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="At its peak.")] = 0.1,
    teacher: TeacherOption = None,
    start: Annotated[
        Path | None,
        typer.Option(help="Weights of an earlier run to begin with, instead of random ones."),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32, or bfloat16 for mixed precision.")
    ] = "float32",
    device: DeviceOption = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
    until: Annotated[int | None, typer.Option(min=1, help="Stop after this epoch.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, paths, order and images.")] = 0,
    half: Annotated[bool, typer.Option("--half", help="Write weights in half precision.")] = False,
) -> None:
    """Train the supernet of a search space: all its architectures in one set of weights.

    Every step trains a random path on its own, so that one path is in memory at a time.
    Stop it at any time: the same command continues after the last finished epoch.
    The digits need no data folder.
    """
    import torch

    from hwenvs.training.supernet import settings_of, train_supernet

    torch.set_num_threads(threads)
    settings = settings_of(space, epochs, batch_size, learning_rate, seed, precision)
    facts = {"command": portable_command(sys.argv[1:])}
    dtype = torch.float16 if half else torch.float32
    with steps() as progress:
        trained, others = train_supernet(
            space, settings, out, data, device, progress, until, facts, dtype, teacher, start
        )
    middle = sorted(others)[len(others) // 2]
    output().print(
        f"{trained.epochs} epochs, last loss {trained.loss:.4f}, test accuracy of the largest "
        f"architecture {trained.accuracy:.2%}, of {len(others)} random ones {min(others):.2%} to "
        f"{max(others):.2%}, median {middle:.2%}\nwrote {trained.path}",
        soft_wrap=True,
    )


def train_architectures(
    space: Annotated[str, typer.Argument(help="Search space, e.g. proxyless_cifar.")],
    out: Annotated[Path, typer.Option(help="Folder for results and checkpoints.")],
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
    seed: Annotated[int, typer.Option(help="Seed of the architectures and of training.")] = 0,
    card: Annotated[
        Path | None, typer.Option(help="Card (.json) of the table, to add the comparison to.")
    ] = None,
) -> None:
    """Train architectures from scratch, and compare with what a table says of them.

    Stop it at any time: the same command continues where it stopped.
    """
    import json

    from hwenvs.errors import ArgumentError
    from hwenvs.files import replacing
    from hwenvs.networks import get_space
    from hwenvs.proxies import architecture_proxy
    from hwenvs.proxies.card import Card, add_entry
    from hwenvs.training.architectures import Task, across_the_range, report, train_all
    from hwenvs.training.supernet import settings_of
    from hwenvs.training.zoo import load_teacher

    judge = architecture_proxy(proxy, get_space(space))
    settings = settings_of(space, epochs, batch_size, learning_rate, seed)
    if card is not None and (about := Card.read(card).network) != space:
        raise ArgumentError(f"the card {card} is of {about}, not of {space}")
    designs = across_the_range(space, judge.evaluate, count, seed)
    if teacher is not None:
        load_teacher(teacher, data)  # says at once if there is none
    tasks = [
        Task(space, tuple(map(int, design)), settings, out, data, teacher) for design in designs
    ]
    with steps() as progress:
        trained = train_all(tasks, workers, progress)
    found = report(judge.evaluate(designs), trained, settings)
    found = {
        **found,
        "teacher": teacher or "none",
        "designs": designs.tolist(),
        "command": portable_command(sys.argv[1:]),
    }
    path = out / f"{space}.trained.json"
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if card is not None:
        add_entry(card, "trained_from_scratch", found)
    for predicted, right in zip(found["predicted"], trained, strict=True):
        output().print(f"predicted {predicted:.2%}, trained {right:.2%}")
    output().print(f"Spearman {found['spearman']}\nwrote {path}", soft_wrap=True)
