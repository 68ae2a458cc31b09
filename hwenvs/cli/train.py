"""``hwenvs train``: a network of the zoo on real images, where no weights can be had."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hwenvs.cli import outputs
from hwenvs.cli.calibrate import DataOption, DeviceOption
from hwenvs.cli.console import output
from hwenvs.cli.progress import portable_command, steps
from hwenvs.text import counted

OutOption = Annotated[
    Path,
    typer.Option(help="Folder for the weights and the checkpoint.", callback=outputs.folder),
]
TeacherOption = Annotated[
    str | None,
    typer.Option(help="Network with weights in the data folder to learn from as well."),
]


def train(
    network: Annotated[str, typer.Argument(help="Network of the zoo, e.g. resnet50.")],
    out: OutOption,
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
        f"{counted(trained.epochs, 'epoch')}, last loss {trained.loss:.4f}, "
        f"test accuracy {trained.accuracy:.2%}\nwrote {trained.path}",
        soft_wrap=True,
    )


def train_supernet(
    space: Annotated[str, typer.Argument(help="Search space, e.g. proxyless_cifar.")],
    out: OutOption,
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
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, paths, order and images.")] = 0,
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
        f"{counted(trained.epochs, 'epoch')}, last loss {trained.loss:.4f}, test accuracy of the "
        f"largest architecture {trained.accuracy:.2%}, of {len(others)} random ones "
        f"{min(others):.2%} to {max(others):.2%}, median {middle:.2%}\nwrote {trained.path}",
        soft_wrap=True,
    )
