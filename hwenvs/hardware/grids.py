"""Tables of ``hwenvs profile``: the seconds of a machine's layers over their channels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import HardwareError
from hwenvs.hardware.workload import FloatArray, IntArray
from hwenvs.networks.base import Layer

FORMAT = 1
"""Version of the tables' format."""

GEOMETRY = ("kind", "kernel", "stride", "in_size", "size")
"""What a layer of a table must share with the layer that it is asked about, beside the name."""

HINT = "measure one with: hwenvs profile NETWORK --out FILE.json"

Key = tuple[Any, ...]
"""Name and geometry of a layer: all but its channels."""


def key_of(layer: Layer) -> Key:
    """The row of a table that ``layer`` belongs to."""
    return (layer.name, *(getattr(layer, attribute) for attribute in GEOMETRY))


@dataclass(frozen=True, eq=False)
class Grid:
    """Seconds of a layer over the channels that it reads and writes.

    Attributes:
        reads: [I] channels read, ascending; one value where it makes no difference.
        writes: [O] channels written, ascending.
        seconds: [I, O] measured seconds.
    """

    reads: IntArray
    writes: IntArray
    seconds: FloatArray

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Grid:
        """The grid of a row of the table.

        Raises:
            ValueError: if its numbers make no sense.
        """
        reads, writes = (np.array(row[key], np.int64) for key in ("in_channels", "out_channels"))
        seconds = np.array(row["median_ms"], np.float64) / 1e3
        rising = all(len(axis) and (np.diff(axis) > 0).all() for axis in (reads, writes))
        if not rising or seconds.shape != (len(reads), len(writes)):
            raise ValueError(f"layer {row['name']!r}: no grid of channels and times")
        if not (np.isfinite(seconds) & (seconds >= 0)).all():
            raise ValueError(f"layer {row['name']!r}: times must be finite and not negative")
        return cls(reads, writes, seconds)

    def holds(self, layer: Layer) -> bool:
        """Whether the channels of ``layer``, unpruned, are within what was measured.

        An axis of one value tells nothing about others: a classifier of 10 classes is none of
        1,000.
        """
        return (layer.kind == "depthwise" or _reaches(self.reads, layer.in_channels)) and _reaches(
            self.writes, layer.channels
        )

    def __call__(self, reads: IntArray, writes: IntArray, block: int) -> FloatArray:
        """Seconds [B], interpolated linearly in both directions; never below the smallest width.

        Args:
            reads: [B] channels read.
            writes: [B] channels written.
            block: channels that the runtime works on together: as many as fill whole blocks count.
        """
        row, down = _place(self.reads, reads, block)
        column, right = _place(self.writes, writes, block)
        below = np.minimum(row + 1, len(self.reads) - 1)
        beside = np.minimum(column + 1, len(self.writes) - 1)
        table = self.seconds
        upper = table[row, column] * (1.0 - right) + table[row, beside] * right
        lower = table[below, column] * (1.0 - right) + table[below, beside] * right
        between: FloatArray = upper * (1.0 - down) + lower * down
        return between


def _reaches(knots: IntArray, channels: int) -> bool:
    last = int(knots[-1])
    return channels <= last if len(knots) > 1 else channels == last


def _place(knots: IntArray, channels: IntArray, block: int) -> tuple[NDArray[np.intp], FloatArray]:
    """The knot below each count, and how far [0, 1] the count lies towards the next."""
    filled = np.clip(-(-channels // block) * block, knots[0], knots[-1])
    if len(knots) == 1:
        return np.zeros(len(filled), np.intp), np.zeros(len(filled))
    below = np.clip(np.searchsorted(knots, filled, side="right") - 1, 0, len(knots) - 2)
    return below, (filled - knots[below]) / (knots[below + 1] - knots[below])


@dataclass(frozen=True, eq=False)
class DeviceTable:
    """A table as it is read.

    Attributes:
        name: of the hardware.
        source: machine, runtime and date.
        network: network or search space that was measured.
        block: channels that the runtime works on together.
        factor: seconds of whole networks over the sums of their layers.
        overhead: seconds that measuring a layer took beside the layer; to be subtracted.
        grids: of the layers, by :func:`key_of`.
        check: how predictions agreed with measurements, where that was tried.
    """

    name: str
    source: str
    network: str
    block: int
    factor: float
    overhead: float
    grids: Mapping[Key, Grid]
    check: Mapping[str, Any] | None

    @classmethod
    def of(cls, table: str | Path | Mapping[str, Any]) -> DeviceTable:
        """The table in a file, or given as its content.

        Raises:
            HardwareError: if it is none.
        """
        content = table if isinstance(table, Mapping) else read_table(table)
        label = "given" if isinstance(table, Mapping) else repr(str(table))
        try:
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']!r} instead of {FORMAT}")
            block, factor = int(content["block"]), float(content["factor"])
            overhead = float(content.get("overhead_us", 0.0)) * 1e-6
            if block < 1 or not 0 < factor < np.inf:
                raise ValueError("block and factor must be positive")
            if not np.isfinite(overhead):
                raise ValueError("overhead_us must be a number")
            name, source, network = (str(content[key]) for key in ("name", "source", "network"))
            grids = {
                (str(row["name"]), *(row[key] for key in GEOMETRY)): Grid.of(row)
                for row in content["layers"]
            }
            check = content.get("check")
            return cls(name, source, network, block, factor, overhead, grids, check)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HardwareError(
                f"device table {label}: not a table of hwenvs profile ({error!r}); {HINT}"
            ) from error

    def grid(self, layer: Layer) -> Grid | None:
        """The grid of ``layer``, or None if it was not measured."""
        grid = self.grids.get(key_of(layer))
        return grid if grid is not None and grid.holds(layer) else None


def read_table(path: str | Path) -> Mapping[str, Any]:
    """The JSON object in a file.

    Raises:
        HardwareError: if there is none.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HardwareError(
            f"hardware table {str(path)!r} cannot be read ({error}); {HINT}"
        ) from error
    if not isinstance(content, Mapping):
        raise HardwareError(f"hardware table {str(path)!r} holds no JSON object; {HINT}")
    return content
