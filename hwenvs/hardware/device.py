"""Latency on a machine by tables that ``hwenvs profile`` measured there: one's own, or shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hwenvs.errors import HardwareError
from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.grids import HINT, DeviceTable, Grid
from hwenvs.hardware.lookup import DATA
from hwenvs.hardware.workload import FloatArray, IntArray, Workload
from hwenvs.networks.base import Layer

CPU_TABLES = ("cpu_proxyless", "cpu_proxyless_cifar")
"""Shipped tables of the search spaces on one machine."""


class DeviceModel(HardwareModel):
    """Latency of a network's layers as measured where they stand in it, on one machine.

    Every layer has a table over the channels that it reads and writes, with linear interpolation
    in between.  Runtimes work on blocks of channels: a layer takes the time of as many channels as
    fill its blocks.  The times of the layers are multiplied by one factor, measured whole networks
    over the sums of their layers; or what the profiler itself took is subtracted from each, where
    that fits better.  Time may fall when channels are added, as it does on machines.
    Bits and densities make no difference: it is a dense float32 runtime.  In the table of a search
    space a layer is told by its name and its geometry, since operators differ in kernels, and only
    the channels that its operators have are known: nothing is interpolated.

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
        own = DeviceTable.of(table)
        self._tables: tuple[DeviceTable, ...] = (own,)
        self.name, self.source, self.network = own.name, own.source, own.network

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Latency of every layer in seconds, [B, L].

        Raises:
            HardwareError: if a layer was not measured; of a search space, in just these channels.
        """
        columns = []
        for index, layer in enumerate(workload.layers):
            table, grid = self._find(layer)
            reads, writes = workload.in_channels[:, index], workload.out_channels[:, index]
            if table.exact:
                self._refuse_other_widths(table, grid, layer, reads, writes)
            seconds = grid(reads, writes, table.block) * table.factor - table.overhead
            columns.append(np.maximum(seconds, 0.0))
        return {"latency": np.stack(columns, axis=1)}

    def _find(self, layer: Layer) -> tuple[DeviceTable, Grid]:
        for table in self._tables:
            grid = table.grid(layer)
            if grid is not None:
                return table, grid
        raise HardwareError(
            f"hardware {self.name!r} was measured on {self.network}, without a layer "
            f"{layer.name!r} of {layer.kind} {layer.kernel} x {layer.kernel}, stride "
            f"{layer.stride}, {layer.in_size} pixels and {layer.in_channels} -> {layer.channels} "
            f"channels; {HINT}"
        )

    def _refuse_other_widths(
        self, table: DeviceTable, grid: Grid, layer: Layer, reads: IntArray, writes: IntArray
    ) -> None:
        pair = grid.lacks(layer, reads, writes)
        if pair is None:
            return
        sides = grid.writes if layer.kind == "depthwise" else grid.reads, grid.writes
        known = " -> ".join(" or ".join(map(str, side.tolist())) for side in sides)
        raise HardwareError(
            f"hardware {self.name!r} was measured on {table.network}, whose layer {layer.name!r} "
            f"has {known} channels, not {pair[0]} -> {pair[1]}: nothing is interpolated between "
            f"the operators of a search space; {HINT}"
        )

    def describe(self) -> str:
        """Where and when the table was measured."""
        where = "in the" if self._tables[0].exact else "interpolated between"
        return (
            f"{self.name}: latency (s) of {self.network}, {where} measured channel counts of every "
            f"layer; of one machine, so not for comparing results between machines. {self.source}"
        )


class SharedDevice(DeviceModel):
    """A machine whose tables come with hwenvs, so that everybody has the same figures.

    Args:
        name: of the hardware.
        tables: names of the shipped tables; a layer is looked up in one after the other.
    """

    platform_dependent = False

    def __init__(self, name: str, tables: Sequence[str]) -> None:
        self._tables = tuple(DeviceTable.of(DATA / f"{table}.json") for table in tables)
        self.name = name
        self.network = " and ".join(table.network for table in self._tables)
        self.source = "; ".join(f"{table.network}: {table.source}" for table in self._tables)

    def describe(self) -> str:
        """Where and when the tables were measured, and how well they predict whole networks."""
        checks = "; ".join(f"{table.network}: {_checked(table)}" for table in self._tables)
        return (
            f"{self.name}: latency (s) of networks of the search spaces {self.network}, by shipped "
            f"measurements of every layer of every operator on one machine. {self.source}. "
            f"Random architectures, predicted and measured as a whole: {checks}"
        )


def _checked(table: DeviceTable) -> str:
    """How a table's predictions agreed with measurements."""
    check = table.check
    if check is None:
        return "not tried"
    rank = "undefined" if check["spearman"] is None else f"{check['spearman']:.3f}"
    return (
        f"{len(check['designs'])} with Spearman {rank}, mean error {check['mean_error']:.1%}, "
        f"largest {check['largest_error']:.1%}"
    )
