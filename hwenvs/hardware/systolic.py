"""A systolic array: a grid of multipliers that hand operands on to their neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hwenvs.errors import unknown_name
from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.energy import HOROWITZ, EnergyTable
from hwenvs.hardware.figures import changed, check_figures
from hwenvs.hardware.workload import FloatArray, Workload

DATAFLOWS = ("output", "weight", "input")
"""What stays in place while the other operands pass."""


@dataclass(frozen=True)
class SystolicChip:
    """A dense array with three buffers; the figures are assumptions, change them at will.

    Attributes:
        rows, columns: multipliers.
        dataflow: one of :data:`DATAFLOWS`.
        clock: cycles per second.
        bandwidth: bytes per second from and to DRAM.
        weight_buffer, input_buffer, output_buffer: bytes on chip.
        energy: joules per operation and read.
    """

    rows: int = 32
    columns: int = 32
    dataflow: str = "weight"
    clock: float = 500e6
    bandwidth: float = 8e9
    weight_buffer: float = 512 * 1024
    input_buffer: float = 512 * 1024
    output_buffer: float = 256 * 1024
    energy: EnergyTable = HOROWITZ


class Systolic(HardwareModel):
    """Latency and energy of a dense systolic array, one image at a time; it sees no zeros.

    A layer multiplies ``P`` pixels of ``K`` inputs with ``M`` filters.  Two of the three numbers
    are folded onto the array and the third streams through (SCALE-Sim; Samajdar et al., ISPASS
    2020):

        output-stationary   rows P, columns M, stream K:  fold = R + C + K - 2
        weight-stationary   rows K, columns M, stream P:  fold = 2 R + C + P - 2
        input-stationary    rows K, columns P, stream M:  fold = 2 R + C + M - 2
        cycles  = groups * fold * ceil(rows / R) * ceil(columns / C)
        seconds = max(cycles / clock, DRAM bytes / bandwidth)

    Where something stays in place, loading it takes the other ``R`` cycles; output-stationary
    arrays drain while the next fold fills.  What stays is fetched once.  What streams is fetched
    again for every fold that reads it unless its buffer holds it, and sums over ``K`` that spread
    over several folds are written and read again unless their buffer holds them.  A depthwise
    layer is one small product a channel.

    Args:
        chip: the chip.
        **changes: figures of the chip to replace.

    Raises:
        HardwareError: if there is no such figure, or one is not positive and finite.
        UnknownNameError: if there is no such dataflow.
    """

    name = "systolic"
    source = (
        "equations of SCALE-Sim (Samajdar et al., ISPASS 2020); 32 x 32 multipliers, buffers and "
        "bandwidth are assumptions; Horowitz, ISSCC 2014: 45 nm"
    )
    quantities = ("latency", "energy")

    def __init__(self, chip: SystolicChip | None = None, **changes: Any) -> None:
        label = f"hardware {self.name!r}"
        self.chip = changed(label, chip, SystolicChip, changes)
        check_figures(label, self.chip)
        if self.chip.dataflow not in DATAFLOWS:
            raise unknown_name("dataflow", self.chip.dataflow, DATAFLOWS)

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Latency and energy of every layer, [B, L]."""
        chip, table = self.chip, self.chip.energy
        cycles, moved = self.cycles(workload), self.dram_bytes(workload)
        latency = np.maximum(cycles / chip.clock, moved / chip.bandwidth)
        wide = workload.weight_bits * workload.activation_bits
        arithmetic = table.multiply * (wide / 64.0) + table.add
        # An operand enters at an edge and is passed on: one read for a whole row or column.
        weights = workload.weight_bits / chip.columns
        inputs = workload.activation_bits / chip.rows
        energy = workload.macs * (arithmetic + (weights + inputs) * table.sram_bit)
        return {"latency": latency, "energy": energy + moved * 8.0 * table.dram_bit}

    def cycles(self, workload: Workload) -> FloatArray:
        """Cycles of the array, waiting for memory not counted, [B, L]."""
        pixels, depth, filters, groups = shapes(workload)
        cycles: FloatArray = groups * product_cycles(self.chip, pixels, depth, filters)
        return cycles

    def dram_bytes(self, workload: Workload) -> FloatArray:
        """Bytes from and to DRAM, [B, L]."""
        chip = self.chip
        pixels, depth, filters, groups = shapes(workload)
        weights = workload.weights * workload.weight_bits / 8.0
        inputs = workload.input_elements * workload.activation_bits / 8.0
        outputs = workload.output_elements * workload.activation_bits / 8.0
        by_filters = np.ceil(filters / chip.columns)
        by_pixels = np.ceil(pixels / (chip.rows if chip.dataflow == "output" else chip.columns))
        # Sums that more folds add to are written and read back each time, at 32 bits; the buffer
        # holds those of one product at a time.
        sums = workload.output_elements * 4.0
        partial = (np.ceil(depth / chip.rows) - 1.0) * 2.0 * sums
        spill = np.where(sums / groups > chip.output_buffer, partial, 0.0)
        read_inputs = inputs * np.where(inputs > chip.input_buffer, by_filters, 1.0)
        read_weights = weights * np.where(weights > chip.weight_buffer, by_pixels, 1.0)
        total: FloatArray = (
            outputs
            + {
                "output": read_weights + read_inputs,
                "weight": weights + read_inputs + spill,
                "input": inputs + read_weights + spill,
            }[chip.dataflow]
        )
        return total


def product_cycles(
    chip: SystolicChip, pixels: FloatArray, depth: FloatArray, filters: FloatArray
) -> FloatArray:
    """Cycles of products of ``pixels`` x ``depth`` inputs with ``depth`` x ``filters`` weights."""
    rows, columns, stream = {
        "output": (pixels, filters, depth),
        "weight": (depth, filters, pixels),
        "input": (depth, pixels, filters),
    }[chip.dataflow]
    load = 0 if chip.dataflow == "output" else chip.rows
    fold = load + chip.rows + chip.columns + stream - 2.0
    cycles: FloatArray = fold * np.ceil(rows / chip.rows) * np.ceil(columns / chip.columns)
    return cycles


def shapes(workload: Workload) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Pixels, inputs of a pixel, filters, and how many such products a layer is, [B, L]."""
    depthwise = workload.depthwise
    taps = workload.taps
    pixels = np.broadcast_to(workload.column("vectors").astype(np.float64), workload.shape)
    depth = np.where(depthwise, 1, workload.in_channels) * taps.astype(np.float64)
    filters = np.where(depthwise, 1.0, workload.out_channels)
    groups = np.where(depthwise, workload.out_channels, 1.0)
    return pixels, depth, filters, groups
