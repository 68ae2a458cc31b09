"""What every operator of every block of a search space costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwenvs.hardware.base import MAXIMA, CheckedHardware
from hwenvs.hardware.registry import get_hardware
from hwenvs.hardware.workload import FloatArray, IntArray, Workload
from hwenvs.networks import OPERATORS, Layer, Space
from hwenvs.networks.blocks import block_layers


@dataclass(frozen=True, eq=False)
class OperatorCosts:
    """Costs of operators, which do not depend on what the blocks beside them are.

    Attributes:
        quantities: names of the costs that add up.
        table: [T, n, Q] costs in SI units of operator ``n`` (from 0) of block ``T``; NaN where the
            block does not offer it.
        constant: [Q] costs of stem and classifier.
        peaks: [T, n] peak memory in bytes, or None if the hardware does not say.
        peak_constant: peak memory of stem and classifier in bytes.
    """

    quantities: tuple[str, ...]
    table: FloatArray
    constant: FloatArray
    peaks: FloatArray | None
    peak_constant: float

    def of(self, quantity: str) -> FloatArray:
        """[T, n] costs in one quantity."""
        costs: FloatArray = self.table[:, :, self.quantities.index(quantity)]
        return costs

    def totals(self, designs: IntArray, quantity: str) -> FloatArray:
        """Costs [B] of ``designs`` [B, T], stem and classifier included."""
        table = self.of(quantity)
        total = np.full(len(designs), self.constant[self.quantities.index(quantity)])
        for costs, column in zip(table, designs.T, strict=True):
            total = total + costs[column - 1]
        return total


def operator_costs(space: Space, hardware: CheckedHardware) -> OperatorCosts:
    """Asks ``hardware`` what every operator costs; counts are given beside its answers.

    Raises:
        HardwareError: if it knows a layer of the space not.
    """
    counts = get_hardware("counts")
    others = tuple(q for q in counts.quantities if q not in hardware.quantities)
    reported = (*hardware.quantities, *others)
    quantities = tuple(q for q in reported if q not in MAXIMA)

    def cost(layers: tuple[Layer, ...]) -> tuple[list[float], float]:
        if not layers:
            return [0.0] * len(quantities), 0.0
        workload = Workload.make(layers)
        counted = counts.cost(workload)
        found = {**hardware.cost(workload), **{q: counted[q] for q in others}}
        peak = float(found["peak_memory"][0]) if "peak_memory" in reported else 0.0
        return [float(found[q][0]) for q in quantities], peak

    shape = (len(space.blocks), len(OPERATORS))
    table, peaks = np.full((*shape, len(quantities)), np.nan), np.full(shape, np.nan)
    for t, block in enumerate(space.blocks):
        for entry in block.entries:
            found = cost(block_layers(block, OPERATORS[entry - 1]))
            table[t, entry - 1], peaks[t, entry - 1] = found
    constant, top = cost((*space.stem_network.layers, *space.head_network.layers))
    kept = peaks if "peak_memory" in reported else None
    return OperatorCosts(quantities, table, np.array(constant), kept, top)
