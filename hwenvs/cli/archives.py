"""``hwenvs compress`` and ``hwenvs decompress``: networks as Deep Compression stores them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hwenvs.cli import outputs
from hwenvs.cli.calibrate import DataOption, WeightsOption
from hwenvs.cli.console import output
from hwenvs.cli.progress import steps
from hwenvs.errors import ArgumentError
from hwenvs.files import replacing

if TYPE_CHECKING:
    from hwenvs.compression.deep import Compressed


def compress(
    network: Annotated[str, typer.Argument(help="Network of the zoo, e.g. resnet20.")],
    out: Annotated[Path, typer.Option(help="The compressed file.", callback=outputs.file)],
    density: Annotated[float, typer.Option(help="Fraction of every layer's weights that stay.")],
    layer: Annotated[
        list[str] | None,
        typer.Option(help="NAME=DENSITY or NAME=DENSITY:BITS for one layer; repeat."),
    ] = None,
    weights: WeightsOption = None,
    data: DataOption = None,
) -> None:
    """Prune by magnitude, share weights by k-means, and write the encoded network.

    Convolutions get 8-bit codebooks and linear layers 5-bit ones, as in the paper.  Nothing is
    retrained: what the accuracy becomes is up to the densities.
    """
    from hwenvs.calibration.bench import find_weights
    from hwenvs.compression.deep import changed_storage, default_storage
    from hwenvs.compression.deep import compress as compress_state
    from hwenvs.networks import get_network
    from hwenvs.networks.modules import read_weights

    table = get_network(network)
    changes = dict(_pair(text) for text in layer or [])
    storage = changed_storage(default_storage(table, density), changes)
    state, facts = read_weights(find_weights(network, weights, data))
    compressed = compress_state(state, storage, {**facts, "network": network})
    with replacing(out) as temporary:
        temporary.write_bytes(compressed.data)
    output().print(_table(table.title, compressed))
    output().print(
        f"{compressed.full:,} bytes of float32 became {len(compressed.data):,}: "
        f"{compressed.ratio:.1f}x\nwrote {out}",
        soft_wrap=True,
    )


def decompress(
    file: Annotated[Path, typer.Argument(help="A file of 'hwenvs compress'.")],
    out: Annotated[Path, typer.Option(help="The weights (.safetensors).", callback=outputs.file)],
) -> None:
    """Write the weights of a compressed network, bit for bit as they were encoded."""
    from safetensors.numpy import save_file

    from hwenvs.compression.coding import read_archive

    if out.exists() and out.samefile(file):
        raise ArgumentError(f"--out {out} is the file to decompress: name another")
    archive = read_archive(file)
    facts = {key: str(value) for key, value in archive.metadata.items()}
    with replacing(out) as temporary:
        save_file(dict(archive.tensors), temporary, facts)
    output().print(f"{len(archive.tensors)} tensors; wrote {out}", markup=False, soft_wrap=True)


def deep_compression(
    network: Annotated[str, typer.Argument(help="lenet_300_100 or lenet5.")],
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for checkpoints and the compressed file.", callback=outputs.folder
        ),
    ],
    data: DataOption = None,
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
) -> None:
    """Train on MNIST, prune, share weights, encode: Deep Compression with retraining.

    Every stage is judged on the test images.  Stop it at any time: the same command continues
    after the last finished epoch.
    """
    import torch

    from hwenvs.training.deep_compression import PUBLISHED, DeepCompression

    torch.set_num_threads(threads)
    with steps() as progress:
        stages = DeepCompression(network, out, data=data, progress=progress).run()
    table = Table(title=f"{network}, test images")
    for heading in ("stage", "accuracy", "bytes", "ratio"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage in stages:
        small = stage.compressed
        size = ("", "") if small is None else (f"{len(small.data):,}", f"{small.ratio:.1f}x")
        table.add_row(stage.name, f"{stage.accuracy:.2%}", *size)
    ratio, before, after = PUBLISHED[network]
    table.add_row("Han et al., ICLR 2016", f"{before} -> {after} %", "", f"{ratio}x")
    output().print(table)
    last = stages[-1].compressed
    assert last is not None
    with replacing(out / f"{network}.hwnz") as temporary:
        temporary.write_bytes(last.data)
    output().print(_table(network, last))
    output().print(f"wrote {out / f'{network}.hwnz'}", markup=False, soft_wrap=True)


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise ArgumentError(f"a layer looks like NAME=DENSITY or NAME=DENSITY:BITS, not {text!r}")
    return name, value


def _table(title: str, compressed: Compressed) -> Table:
    table = Table(title=title)
    for heading in ("layer", "weights", "kept", "codebook", "codes", "indexes", "bytes", "ratio"):
        table.add_column(heading, justify="left" if heading == "layer" else "right")
    for row in compressed.layers:
        table.add_row(
            row.name,
            f"{row.weights:,}",
            f"{row.kept / row.weights:.1%}",
            *(f"{size:,}" for size in vars(row.sizes).values()),
            f"{row.stored:,}",
            f"{4 * row.weights / row.stored:.1f}x",
        )
    return table
