"""EIE as a hardware model: expected costs of layers with zeros at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.eie.chip import EIEChip, checked_density
from hwenvs.hardware.eie.expected import column_cycles, entries_per_column
from hwenvs.hardware.figures import changed
from hwenvs.hardware.workload import FloatArray, Workload


class EIE(HardwareModel):
    """Latency, energy and size on the Efficient Inference Engine, one image at a time.

    A layer is a matrix of ``M`` outputs and ``N`` inputs, multiplied with one vector a pixel.  With
    ``n = M / elements`` rows per element, weight density ``d`` and activation density ``a``,

        cycles = pixels * N a * column_cycles(ceil(n), d) + pipeline
        size   = entries(n, d) * N * elements * entry_bytes + (N + 1) * elements * pointer bytes
        energy = multiplied entries * (multiply_add + register_access + their share of a word_read)
               + pixels * N a * elements * pointer_read

    Convolutions are an extension of the paper: they run as matrices over unrolled inputs (im2col),
    whose unrolling is not counted.  A depthwise layer has one row per input, so that a single
    element is busy at a time.  Weights are codebook indices whatever bits the workload says.

    Args:
        chip: the chip; the published one by default.
        activation_density: fraction of the activations that are not zero where the workload does
            not say (its 1.0); AlexNet's and VGG-16's fully connected layers have 0.18 to 0.41.
        **changes: figures of the chip to replace.

    Raises:
        HardwareError: if a figure is not positive and finite, or the density no fraction.
    """

    name = "eie"
    source = (
        "Han et al., ISCA 2016 (EIE): 64 elements at 800 MHz, 4-bit relative index, queues of 8, "
        "128 KB of weights each; Horowitz, ISSCC 2014: 45 nm"
    )
    quantities = ("latency", "energy", "size")

    def __init__(
        self, chip: EIEChip | None = None, activation_density: float = 1.0, **changes: Any
    ) -> None:
        self.chip = changed("EIE", chip, EIEChip, changes)
        self.activation_density = checked_density(self.name, activation_density)

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Latency, energy and size of every layer, [B, L]."""
        chip, depthwise = self.chip, workload.depthwise
        inputs = workload.inputs.astype(np.float64)
        rows = np.where(depthwise, 1.0, workload.out_channels) / chip.elements
        most = np.ceil(rows)
        density = workload.weight_density
        pixels = workload.column("vectors").astype(np.float64)
        active = pixels * inputs * workload.activation_density * self.activation_density
        cycles = np.where(depthwise, active, active * column_cycles(most, density, chip))
        stored = entries_per_column(rows, density, chip.reach) * chip.elements
        share = chip.entry_bytes * 8.0 / chip.word_bits
        entry = chip.multiply_add + chip.register_access + share * chip.word_read
        pointers = (inputs + 1.0) * chip.elements * chip.pointer_bits / 8.0
        return {
            "latency": (cycles + chip.pipeline) / chip.clock,
            "energy": active * (stored * entry + chip.elements * chip.pointer_read),
            "size": stored * inputs * chip.entry_bytes + pointers,
        }

    def occupancy(self, workload: Workload) -> FloatArray:
        """Weights and indices of whole designs over what the chip holds, [B]; above 1: no fit."""
        beside = (workload.inputs + 1) * self.chip.elements * self.chip.pointer_bits / 8.0
        matrices = (self.layer_costs(workload)["size"] - beside).sum(1)
        filled: FloatArray = matrices / self.chip.capacity
        return filled

    def fits(self, workload: Workload) -> NDArray[np.bool_]:
        """Whether all matrices of a design, pointers apart, fit on the chip at once, [B]."""
        return self.occupancy(workload) <= 1.0
