"""Compiled tables: what every option of every decision costs, given the decision before it.

A layer is shaped by at most two decisions that follow one another (its input and its output
channels).  Its costs belong to the later of the two, as a table over pairs of options; layers that
no decision shapes add a constant.  Walking a design is then one look-up a decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import CouplingError
from hwenvs.hardware import MAXIMA, CheckedHardware, Workload, get_hardware
from hwenvs.hardware.workload import FULL_BITS
from hwenvs.networks import ChannelGroup, Layer, Network
from hwenvs.problems.decision import Decision

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 1 << 18
"""Pairs of options that a hardware model is asked about at once."""


@dataclass(frozen=True, eq=False)
class Tables:
    """Costs and divergences of a chain of decisions.

    The row of options (i, j) in the table of decision t, with i the option of decision t - 1 (0 for
    the first), is ``i * width[t] + j``.

    Attributes:
        quantities: names of the costs that add up, in the order of the ledger's columns.
        width: [T] numbers of options.
        ledger: per decision [rows, Q + 1]: the costs, and last the divergence.
        constant: [Q + 1] costs of the layers that no decision shapes; the divergence 0.
        peaks: per decision [rows] peak memory in bytes, or None if the hardware does not say.
        peak_constant: peak memory of the layers that no decision shapes, in bytes.
    """

    quantities: tuple[str, ...]
    width: tuple[int, ...]
    ledger: tuple[Floats, ...]
    constant: Floats
    peaks: tuple[Floats, ...] | None = None
    peak_constant: float = 0.0

    @property
    def horizon(self) -> int:
        """Number of decisions T."""
        return len(self.width)

    def cost(self, quantity: str, decision: int) -> Floats:
        """Costs [K of the decision before (1 for the first), K] in SI units."""
        column = self.quantities.index(quantity)
        return self.ledger[decision][:, column].reshape(-1, self.width[decision])

    def divergence(self, decision: int) -> Floats:
        """What a pair of options adds to the divergence, shaped like :meth:`cost`."""
        return self.ledger[decision][:, -1].reshape(-1, self.width[decision])

    def constant_cost(self, quantity: str) -> float:
        """Cost of the layers that no decision shapes, in SI units."""
        return float(self.constant[self.quantities.index(quantity)])

    def rows(self, options: Ints) -> Iterator[Ints]:
        """Per decision the rows [B] that ``options`` [T, B] select."""
        previous = np.zeros(options.shape[1], dtype=np.int64)
        for width, current in zip(self.width, options, strict=False):
            yield previous * width + current
            previous = current

    def totals(self, rows: Iterable[Ints], batch: int) -> tuple[Floats, Floats | None]:
        """Sums [B, Q + 1] over the decisions, in order, and peak memory [B] in bytes.

        Args:
            rows: per decision the rows [B] of its table.
            batch: number of designs B.
        """
        total = np.broadcast_to(self.constant, (batch, len(self.constant))).copy()
        peak = np.full(batch, self.peak_constant)
        for t, row in enumerate(rows):
            total += self.ledger[t].take(row, axis=0)
            if self.peaks is not None:
                np.maximum(peak, self.peaks[t].take(row), out=peak)
        return total, None if self.peaks is None else peak


@dataclass(frozen=True)
class Shaping:
    """Which decisions shape a layer.

    Attributes:
        layer: the layer.
        reads, writes: decisions on its input and its output channels.
        density: the decision on the density of its weights.
        weight_bits, activation_bits: decisions on its bits.
        bits: bits of what no decision is about.
    """

    layer: Layer
    reads: int | None = None
    writes: int | None = None
    density: int | None = None
    weight_bits: int | None = None
    activation_bits: int | None = None
    bits: float = FULL_BITS

    @property
    def decision(self) -> int | None:
        """The latest of them, to whose table the layer belongs."""
        found = (self.reads, self.writes, self.density, self.weight_bits, self.activation_bits)
        return max((d for d in found if d is not None), default=None)


def shapings(network: Network, groups: Sequence[ChannelGroup]) -> tuple[Shaping, ...]:
    """What shapes each layer of ``network``.

    Raises:
        CouplingError: if a layer is shaped by two decisions that do not follow one another.
    """
    reads = {name: t for t, group in enumerate(groups) for name in group.readers}
    writes = {name: t for t, group in enumerate(groups) for name in group.writers}
    found = []
    for layer in network.layers:
        first, second = reads.get(layer.name), writes.get(layer.name)
        if layer.kind == "depthwise":
            first = second
        if first is not None and second is not None and abs(first - second) > 1:
            raise CouplingError(
                f"network {network.name!r}: layer {layer.name!r} is shaped by decisions {first} "
                f"and {second}; only neighbours can be tabulated"
            )
        found.append(Shaping(layer, first, second))
    return tuple(found)


class CostCompiler:
    """Asks hardware models for the costs of every pair of options.

    Args:
        shapings: what shapes each layer.
        decisions: the options.
        hardware: the model; counts are evaluated beside it.
    """

    def __init__(
        self,
        shapings: Sequence[Shaping],
        decisions: Sequence[Decision],
        hardware: CheckedHardware,
    ) -> None:
        counts = get_hardware("counts")
        others = tuple(q for q in counts.quantities if q not in hardware.quantities)
        self.asked = ((hardware, hardware.quantities), (counts, others))
        reported = (*hardware.quantities, *others)
        self.quantities = tuple(q for q in reported if q not in MAXIMA)
        self.has_peak = "peak_memory" in reported
        self.decisions = decisions
        self.shapings = shapings

    def compile(self, divergences: Sequence[Floats]) -> Tables:
        """The tables.

        Args:
            divergences: per decision [K before, K] what a pair of options adds.
        """
        width = tuple(len(decision.kept) for decision in self.decisions)
        before = (1, *width[:-1])
        shapes = list(zip(before, width, strict=True))
        ledger = [np.zeros((m * n, len(self.quantities) + 1)) for m, n in shapes]
        peaks = [np.zeros(m * n) for m, n in shapes]
        constant, peak_constant = np.zeros(len(self.quantities) + 1), np.zeros(1)
        for shaping in self.shapings:
            t = shaping.decision
            costs, peak = self._layer(shaping)
            if t is None:
                constant[:-1] += costs[0, 0]
                np.maximum(peak_constant, peak[0, 0], out=peak_constant)
            else:
                grid = ledger[t].reshape(before[t], width[t], -1)
                grid[:, :, :-1] += costs
                top = peaks[t].reshape(before[t], width[t])
                np.maximum(top, peak, out=top)
        for table, divergence in zip(ledger, divergences, strict=True):
            table[:, -1] = np.broadcast_to(divergence, divergence.shape).reshape(-1)
        return Tables(
            self.quantities,
            width,
            tuple(ledger),
            constant,
            tuple(peaks) if self.has_peak else None,
            float(peak_constant[0]),
        )

    def _layer(self, shaping: Shaping) -> tuple[Floats, Floats]:
        """Costs [K before or 1, K or 1, Q] and peak memory [.., ..] of one layer."""
        shape = [1, 1]

        def along(decision: int | None, whole: float, relative: bool = False) -> Floats:
            """What a decision sets, along the axis of its options; ``whole`` without one."""
            if decision is None:
                return np.full((1, 1), whole)
            axis = 1 if decision == shaping.decision else 0
            chosen = self.decisions[decision]
            shape[axis] = len(chosen.kept)
            values = chosen.kept / chosen.size if relative else chosen.kept.astype(np.float64)
            return np.expand_dims(values, 1 - axis)

        layer = shaping.layer
        grids = {
            "in_channels": along(shaping.reads, layer.in_channels),
            "out_channels": along(shaping.writes, layer.channels),
            "weight_density": along(shaping.density, 1.0, relative=True),
            "weight_bits": along(shaping.weight_bits, shaping.bits),
            "activation_bits": along(shaping.activation_bits, shaping.bits),
        }
        answers = self._ask(
            layer, {name: np.broadcast_to(grid, shape).ravel() for name, grid in grids.items()}
        )
        costs = np.stack([answers[q] for q in self.quantities], axis=-1)
        peak = answers.get("peak_memory", np.zeros(shape[0] * shape[1]))
        return costs.reshape(*shape, -1), peak.reshape(shape)

    def _ask(self, layer: Layer, columns: Mapping[str, Floats]) -> dict[str, Floats]:
        """Costs of a layer in N settings, each column [N]."""
        parts: list[dict[str, Floats]] = []
        for start in range(0, len(columns["in_channels"]), CHUNK):
            part = {name: column[start : start + CHUNK] for name, column in columns.items()}
            workload = Workload.single(layer, **part)
            found = {}
            for model, quantities in self.asked:
                costs = model.layer_costs(workload) if quantities else {}
                found.update({q: costs[q][:, 0] for q in quantities})
            parts.append(found)
        return {q: np.concatenate([part[q] for part in parts]) for q in parts[0]}
