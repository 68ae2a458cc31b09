"""Bit-level composable hardware: 2-bit bricks fuse to multipliers of 2, 4, 8 or more bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hwenvs.errors import HardwareError
from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.energy import HOROWITZ, EnergyTable, dram_bits
from hwenvs.hardware.figures import changed, check_figures
from hwenvs.hardware.workload import FloatArray, Workload

BRICK_BITS = 2
"""Width of a brick's operands."""

WIDEST = 32
"""Widest operand; beyond 8 bits a unit needs several cycles."""


@dataclass(frozen=True)
class BitFusionChip:
    """An array of fusion units.

    Attributes:
        rows: units whose products are added up: they share an output.
        columns: units that share an input: one output channel each.
        bricks: 2-bit multipliers in a unit.
        clock: cycles per second.
        bandwidth: bytes per second from and to DRAM.
        sram_bit: joules per bit read from the buffers.
        energy: joules per other operation.
    """

    rows: int = 16
    columns: int = 32
    bricks: int = 16
    clock: float = 500e6
    bandwidth: float = 8e9
    sram_bit: float = 20.0 / 32 * 1e-12
    energy: EnergyTable = HOROWITZ


class BitFusion(HardwareModel):
    """Latency and energy of BitFusion, one image at a time.

    Operands are widened to 2, 4, 8, ... bits.  A unit does ``bricks / (w/2 * a/2)`` products at
    once, which add up, so that a layer of weights ``[M, K]`` on ``P`` pixels takes::

        cycles  = groups * ceil(K / (rows * products)) * ceil(M / columns) * P
        seconds = max(cycles / clock, DRAM bytes / bandwidth)
        energy  = MACs * (multiply * w * a / 64 + add)
                + MACs * (w / P_shared + a / min(M, columns)) * sram_bit + DRAM bits * dram_bit

    Weights stay in the array while all pixels pass (``P_shared = P``), and an input is read once
    for all columns that use it.  A depthwise layer has one output channel per input channel and
    uses one column at a time: dense arrays are slow on it.

    Args:
        chip: the chip.
        **changes: fields of the chip to replace.

    Raises:
        HardwareError: if there is no such figure, or one is not positive and finite.
    """

    name = "bitfusion"
    source = (
        "Sharma et al., ISCA 2018 (BitFusion): 512 units of sixteen 2-bit bricks at 500 MHz, 128 "
        "bits a cycle from DRAM (recalled, not re-read); Horowitz, ISSCC 2014: 45 nm; 112 KB of "
        "SRAM taken at twice the energy of 32 KB"
    )
    quantities = ("latency", "energy")
    monotone = True

    def __init__(self, chip: BitFusionChip | None = None, **changes: Any) -> None:
        label = f"hardware {self.name!r}"
        self.chip = changed(label, chip, BitFusionChip, changes)
        check_figures(label, self.chip)

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Latency and energy of every layer, [B, L]."""
        chip = self.chip
        w, a = self.widened(workload.weight_bits), self.widened(workload.activation_bits)
        depthwise = workload.depthwise
        taps = workload.taps
        pixels = workload.column("vectors").astype(np.float64)
        depth = np.where(depthwise, taps, workload.in_channels * taps)
        groups = np.where(depthwise, workload.out_channels, 1)
        outputs = np.where(depthwise, 1, workload.out_channels)
        products = chip.bricks * BRICK_BITS**2 / (w * a)
        cycles = np.ceil(depth / (chip.rows * products)) * np.ceil(outputs / chip.columns)
        cycles = cycles * groups * pixels
        moved = dram_bits(workload)
        latency = np.maximum(cycles / chip.clock, moved / 8.0 / chip.bandwidth)
        table = chip.energy
        arithmetic = table.multiply * (w * a / 64.0) + table.add
        reads = w / pixels + a / np.minimum(outputs, chip.columns)
        energy = workload.macs * (arithmetic + reads * chip.sram_bit) + moved * table.dram_bit
        return {"latency": latency, "energy": energy}

    def widened(self, bits: FloatArray) -> FloatArray:
        """Bits rounded up to 2, 4, 8, 16 or 32.

        Raises:
            HardwareError: if there are more.
        """
        if np.any(bits > WIDEST):
            raise HardwareError(
                f"hardware {self.name!r} has no {bits.max():g}-bit operands; widest: {WIDEST}"
            )
        wide = np.full(bits.shape, float(WIDEST))
        width = WIDEST // 2
        while width >= BRICK_BITS:
            wide = np.where(bits <= width, float(width), wide)
            width //= 2
        return wide
