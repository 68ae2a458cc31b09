"""Tables of ``hwenvs profile``: the seconds of a machine's layers over their channels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import HardwareError
from hwenvs.hardware.figures import is_count, is_number
from hwenvs.hardware.workload import FloatArray, IntArray
from hwenvs.networks import SPACES
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
        reads, writes = (_axis(row, key) for key in ("in_channels", "out_channels"))
        seconds = np.array(row["median_ms"], np.float64) / 1e3
        if seconds.shape != (len(reads), len(writes)):
            raise ValueError(
                f"layer {row['name']!r}: times of shape {seconds.shape} for {len(reads)} x "
                f"{len(writes)} widths"
            )
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

    def lacks(self, layer: Layer, reads: IntArray, writes: IntArray) -> tuple[int, int] | None:
        """The first pair of channels [B] that was not measured itself, or None.

        A depthwise layer is told by the channels that it writes.
        """
        known = np.isin(writes, self.writes)
        if layer.kind != "depthwise":
            known &= np.isin(reads, self.reads)
        if known.all():
            return None
        at = int(np.argmin(known))
        return int(reads[at]), int(writes[at])

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


def _axis(row: Mapping[str, Any], key: str) -> IntArray:
    """The channels along one side of a row's grid."""
    channels = row[key]
    if not (
        isinstance(channels, Sequence)
        and channels
        and all(is_count(one) for one in channels)
        and all(one < other for one, other in pairwise(channels))
    ):
        raise ValueError(
            f"layer {row['name']!r}: {key} must be whole numbers that ascend from 1 or more, not "
            f"{channels!r}"
        )
    return np.array(channels, np.int64)


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
        overhead: seconds that measuring a layer took beside the layer, to be subtracted; below 0
            where whole networks take longer than their layers.
        exact: whether only the measured channels are known, as in the table of a search space: its
            operators have these and no others, and two widths tell nothing about pruned ones.
        grids: of the layers, by :func:`key_of`.
        check: how predictions agreed with measurements, where that was tried.
    """

    name: str
    source: str
    network: str
    block: int
    factor: float
    overhead: float
    exact: bool
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
            block, factor = content["block"], content["factor"]
            overhead = content.get("overhead_us", 0.0)
            if not is_count(block):
                raise ValueError(f"block must be positive and a whole number, not {block!r}")
            if not is_number(factor) or factor <= 0:
                raise ValueError(f"factor must be positive and finite, not {factor!r}")
            if not is_number(overhead):
                raise ValueError(f"overhead_us must be a number, not {overhead!r}")
            name, source, network = (str(content[key]) for key in ("name", "source", "network"))
            exact = network in SPACES or "sightings" in content.get("settings", {})
            grids, check = _grids(content["layers"]), content.get("check")
            figures = int(block), float(factor), float(overhead) * 1e-6
            return cls(name, source, network, *figures, exact, grids, check)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise HardwareError(
                f"device table {label}: not a table of hwenvs profile ({what}); {HINT}"
            ) from error

    def grid(self, layer: Layer) -> Grid | None:
        """The grid of ``layer``, or None if it was not measured."""
        grid = self.grids.get(key_of(layer))
        return grid if grid is not None and grid.holds(layer) else None


def _grids(rows: Sequence[Mapping[str, Any]]) -> dict[Key, Grid]:
    """The grids of a table's rows."""
    grids: dict[Key, Grid] = {}
    for row in rows:
        key = (str(row["name"]), *(row[attribute] for attribute in GEOMETRY))
        odd = [name for name in GEOMETRY[1:] if not is_count(row[name])]
        if odd:
            raise ValueError(
                f"layer {row['name']!r}: {odd[0]} must be a whole number above 0, not "
                f"{row[odd[0]]!r}"
            )
        if key in grids:
            raise ValueError(f"layer {row['name']!r}: in the table twice with the same geometry")
        grids[key] = Grid.of(row)
    if not grids:
        raise ValueError("no layers")
    return grids


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
