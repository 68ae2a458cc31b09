"""Measured layers as CSV files: what a lookup table is fitted on.

A CSV has one row per layer of one or more networks with the columns of ``COLUMNS`` and one or more
columns ``run<N>_ms``; the median of the runs counts.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwenvs.errors import DataError
from hwenvs.hardware.figures import is_count
from hwenvs.networks.base import Layer

NUMBERS = ("in_channels", "out_channels", "kernel", "stride", "in_size")
COLUMNS = ("network", "layer", "type", *NUMBERS)
TYPES = {"conv": "conv", "pointwise": "conv", "depthwise": "depthwise", "linear": "linear"}
POOL = "average_pool"

Row = dict[str, str]


@dataclass(frozen=True)
class Measurement:
    """One measured layer.

    Attributes:
        network: the network it was measured in.
        layer: its row in a layer table.
        seconds: median of its runs, with the average pool in front of it.
    """

    network: str
    layer: Layer
    seconds: float


def read_measurements(*paths: Path) -> list[Measurement]:
    """The layers of all ``paths``.

    An average pool is added to the layer of the same network that follows it.

    Raises:
        DataError: if a file, a column or a row is not as described above, with the file and the
            line, or there are no layers.
    """
    measured = [one for path in paths for one in _read(path)]
    if not measured:
        raise DataError(f"no measured layers in {', '.join(map(str, paths)) or 'no file'}")
    return measured


def _read(path: Path) -> Iterator[Measurement]:
    rows, runs = _rows(path)
    # The pool that waits for the layer behind it: its line, network and seconds.
    pool: tuple[int, str, float] | None = None
    for number, row in rows:
        try:
            network, seconds = row["network"], _seconds(row, runs)
            if pool is not None and pool[1] != network:
                break
            if row["type"] == POOL:
                pool = number, network, seconds + (0.0 if pool is None else pool[2])
                continue
            layer = _layer(row)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: {error}") from error
        yield Measurement(network, layer, seconds + (0.0 if pool is None else pool[2]))
        pool = None
    if pool is not None:
        raise DataError(
            f"{path}, line {pool[0]}: no layer of {pool[1]!r} follows this {POOL}, whose time "
            "counts with the layer behind it"
        )


def _rows(path: Path) -> tuple[list[tuple[int, Row]], list[str]]:
    """The rows with their line numbers, and the names of the columns of runs."""
    if not path.is_file():
        raise DataError(f"no file with measured layers at {str(path)!r}")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a CSV: {error}") from error
    names = list(reader.fieldnames or ())
    runs = [name for name in names if name.startswith("run") and name.endswith("_ms")]
    missing = [name for name in COLUMNS if name not in names]
    if missing or not runs:
        lacking = ", ".join(missing) or "run1_ms (at least one run)"
        raise DataError(f"{path}: columns missing: {lacking}")
    return rows, runs


def _seconds(row: Row, runs: Sequence[str]) -> float:
    """The median of the runs.

    Raises:
        ValueError: if one of them is no time.
    """
    times = []
    for run in runs:
        try:
            time = float(row[run])
        except (TypeError, ValueError):
            time = math.nan
        if not 0 < time < math.inf:
            raise ValueError(f"{run} must be milliseconds above 0, not {row[run]!r}")
        times.append(time)
    return statistics.median(times) / 1000.0


def _layer(row: Row) -> Layer:
    """A CSV row as a row of a layer table; a 1 x 1 convolution of one pixel is a linear layer.

    Raises:
        ValueError: if it makes no layer.
    """
    if row["type"] not in TYPES:
        raise ValueError(
            f"{row['type']!r} is no type of layer (types: {', '.join((*TYPES, POOL))})"
        )
    read, written, kernel, stride, in_size = (_count(row, name) for name in NUMBERS)
    kind = TYPES[row["type"]]
    if kind == "conv" and kernel == in_size == 1:
        kind = "linear"
    if kind == "depthwise" and read != written:
        raise ValueError(
            f"a depthwise layer writes what it reads, not {read} -> {written} channels"
        )
    return Layer(
        row["layer"],
        (),
        channels=written,
        size=-(-in_size // stride),
        kind=kind,
        in_channels=read,
        in_size=in_size,
        kernel=kernel,
        stride=stride,
    )


def _count(row: Row, name: str) -> int:
    text = row[name]
    # A short row lacks its last columns.
    if not (text and text.strip().isdecimal() and is_count(int(text))):
        raise ValueError(f"{name} must be a whole number above 0, not {text!r}")
    return int(text)
