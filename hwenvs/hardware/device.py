"""Latency on a machine of one's own: a table that ``hwenvs profile`` measured there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import HardwareError
from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.workload import FloatArray, IntArray, Workload
from hwenvs.networks.base import Layer

FORMAT = 1
"""Version of the tables' format."""

GEOMETRY = ("kind", "kernel", "stride", "in_size", "size")
"""What a layer of a table must share with the layer that it is asked about, beside the name."""

HINT = "measure one with: hwenvs profile NETWORK --out FILE.json"


@dataclass(frozen=True, eq=False)
class Grid:
    """Seconds of a layer over the channels that it reads and writes.

    Attributes:
        geometry: kind, kernel, stride, input size and output size.
        reads: [I] channels read, ascending; one value where it makes no difference.
        writes: [O] channels written, ascending.
        seconds: [I, O] measured seconds.
    """

    geometry: tuple[Any, ...]
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
        return cls(tuple(row[key] for key in GEOMETRY), reads, writes, seconds)

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


def _place(knots: IntArray, channels: IntArray, block: int) -> tuple[NDArray[np.intp], FloatArray]:
    """The knot below each count, and how far [0, 1] the count lies towards the next."""
    filled = np.clip(-(-channels // block) * block, knots[0], knots[-1])
    if len(knots) == 1:
        return np.zeros(len(filled), np.intp), np.zeros(len(filled))
    below = np.clip(np.searchsorted(knots, filled, side="right") - 1, 0, len(knots) - 2)
    return below, (filled - knots[below]) / (knots[below + 1] - knots[below])


class DeviceModel(HardwareModel):
    """Latency of a network's layers as measured where they stand in it, on one machine.

    Every layer has a table over the channels that it reads and writes, with linear interpolation
    in between.  Runtimes work on blocks of channels: a layer takes the time of as many channels as
    fill its blocks.  The times of the layers are multiplied by one factor, measured whole networks
    over the sums of their layers.  Time may fall when channels are added, as it does on machines.
    Bits and densities make no difference: it is a dense float32 runtime.

    The table's figures are those of one machine at one time, so results rest on it.  Reading them
    is deterministic; measuring again is not.

    Args:
        table: a JSON file written by ``hwenvs profile``, or its content.

    Raises:
        HardwareError: if the table cannot be read.
    """

    quantities = ("latency",)
    platform_dependent = True

    def __init__(self, table: str | Path | Mapping[str, Any]) -> None:
        content = table if isinstance(table, Mapping) else read_table(table)
        label = "given" if isinstance(table, Mapping) else repr(str(table))
        try:
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']!r} instead of {FORMAT}")
            self.name, self.source = str(content["name"]), str(content["source"])
            self.network = str(content["network"])
            self.block, self.factor = int(content["block"]), float(content["factor"])
            self._grids = {str(row["name"]): Grid.of(row) for row in content["layers"]}
            if self.block < 1 or not 0 < self.factor < np.inf:
                raise ValueError("block and factor must be positive")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HardwareError(
                f"device table {label}: not a table of hwenvs profile ({error!r}); {HINT}"
            ) from error

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Latency of every layer in seconds, [B, L].

        Raises:
            HardwareError: if a layer was not measured.
        """
        columns = []
        for index, layer in enumerate(workload.layers):
            grid = self._grid(layer)
            reads, writes = workload.in_channels[:, index], workload.out_channels[:, index]
            columns.append(grid(reads, writes, self.block) * self.factor)
        return {"latency": np.stack(columns, axis=1)}

    def _grid(self, layer: Layer) -> Grid:
        grid = self._grids.get(layer.name)
        geometry = tuple(getattr(layer, key) for key in GEOMETRY)
        if grid is None or grid.geometry != geometry:
            raise HardwareError(
                f"hardware {self.name!r} was measured on {self.network}, which has no layer "
                f"{layer.name!r} of {layer.kind} {layer.kernel} x {layer.kernel}, stride "
                f"{layer.stride}, {layer.in_size} pixels; {HINT}"
            )
        return grid

    def describe(self) -> str:
        """Where and when the table was measured."""
        return (
            f"{self.name}: latency (s) of {self.network}, interpolated between measured channel "
            f"counts of every layer; of one machine, so not for comparing results between "
            f"machines. {self.source}"
        )


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
