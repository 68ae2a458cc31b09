"""Bit-serial matrix multiplication: time grows with weight bits times activation bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hwenvs.errors import HardwareError, unknown_name
from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.energy import dram_bits
from hwenvs.hardware.figures import changed, check_figures
from hwenvs.hardware.workload import FloatArray, Workload


@dataclass(frozen=True)
class BitSerialChip:
    """An overlay of bit-serial dot-product units on an FPGA.

    Attributes:
        title: name to print.
        rows: units that share an input vector; each takes one bit plane of a row of weights.
        columns: units that share a weight vector; each takes one output pixel.
        lanes: binary products that a unit adds up in a cycle.
        segment: lanes that can be added up by themselves, so that short dot products share a unit.
        clock: cycles per second.
        bandwidth: bytes per second from and to DRAM.
        buffer: bytes on chip that can hold maps between layers; those that fit are not moved to
            DRAM.
        images: images that run together.
        source: where the figures come from.
    """

    title: str
    rows: int
    columns: int
    lanes: int
    segment: int
    clock: float
    bandwidth: float
    buffer: float
    images: int
    source: str


BISMO = "Umuroglu, Rasnayake, Sjalander, FPL 2018 (BISMO)"
CHIPS: dict[str, BitSerialChip] = {
    "bismo-edge": BitSerialChip(
        "BISMO on a Zynq-7020",
        rows=8,
        columns=8,
        lanes=256,
        segment=16,
        clock=200e6,
        bandwidth=3.2e9,
        buffer=63e3,
        images=1,
        source=f"{BISMO}: its largest instance on the PYNQ-Z1, 8 x 8 units of 256 lanes at "
        "200 MHz = 6.5 binary TOP/s, 3.2 GB/s; Zynq-7020 data sheet: 140 block RAMs of 36 Kbit, "
        "which its operand buffers fill: a tenth is assumed left for maps",
    ),
    "bismo-cloud": BitSerialChip(
        "BISMO on a VU9P",
        rows=32,
        columns=32,
        lanes=256,
        segment=16,
        clock=200e6,
        bandwidth=68.3e9,
        buffer=43.2e6,
        images=16,
        source=f"scaled from {BISMO}: its 631 LUTs per unit of 256 lanes put 32 x 32 units on 55 % "
        "of the 1.18 M LUTs of a VU9P; data sheet: 43.2 MB of block and ultra RAM; four channels "
        "of DDR4-2133 as on AWS F1; batch of 16 as in HAQ (CVPR 2019)",
    ),
}
"""The two chips of HAQ's experiments, by name."""


class BitSerial(HardwareModel):
    """Latency of a bit-serial accelerator.

    A layer is a product of weights ``[M, K]`` and patches ``[K, P]``.  Bit planes of the weights
    lie on the rows, pixels on the columns, and the activations' bits follow one another::

        cycles  = groups * ceil(M * w / rows) * ceil(P * images / columns) * ceil(K / lanes) * a
        seconds = max(cycles / clock, DRAM bytes / bandwidth)

    In a depthwise layer every channel has inputs of its own: ``M`` is 1, and as many channels as
    the lanes have segments for (``K`` rounded up to whole segments) run side by side.  Weights
    always come from DRAM; inputs and outputs only where the buffer cannot hold both.  Latency is
    that of the whole batch, computing and moving overlapped, each layer by itself.

    The mapping of bit planes to rows and the segments are ours: with a bit plane per pass and no
    segments a depthwise layer would use 9 of 256 lanes of an eighth of the units.

    Args:
        chip: a name of :data:`CHIPS` or a :class:`BitSerialChip`.
        **changes: fields of the chip to replace.

    Raises:
        UnknownNameError: if there is no such chip.
        HardwareError: if there is no such figure, or one is not positive and finite.
    """

    quantities = ("latency",)
    monotone = True

    def __init__(self, chip: str | BitSerialChip = "bismo-edge", **changes: Any) -> None:
        if isinstance(chip, str):
            if chip not in CHIPS:
                raise unknown_name("bit-serial chip", chip, CHIPS)
            self.name, chip = chip, CHIPS[chip]
        else:
            self.name = "bismo"
        label = f"hardware {self.name!r}"
        self.chip = changed(label, chip, BitSerialChip, changes)
        check_figures(label, self.chip)
        if self.chip.segment > self.chip.lanes:
            raise HardwareError(
                f"{label}: a segment must be no wider than the {self.chip.lanes} lanes, not "
                f"{self.chip.segment}"
            )
        self.source = self.chip.source
        if changes:
            self.source += f"; changed: {', '.join(f'{k}={v}' for k, v in changes.items())}"

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Seconds of every layer, [B, L]."""
        return {"latency": np.maximum(self.compute(workload), self.memory(workload))}

    def compute(self, workload: Workload) -> FloatArray:
        """Seconds that the units work on every layer, [B, L]."""
        chip, depthwise = self.chip, workload.depthwise
        taps = workload.taps
        pixels = workload.column("vectors") * float(chip.images)
        depth = np.where(depthwise, taps, workload.in_channels * taps)
        segments = np.ceil(taps / chip.segment) * chip.segment
        together = np.maximum(chip.lanes // segments, 1.0)
        groups = np.where(depthwise, np.ceil(workload.out_channels / together), 1.0)
        outputs = np.where(depthwise, 1.0, workload.out_channels.astype(np.float64))
        rows = np.ceil(outputs * workload.weight_bits / chip.rows)
        columns = np.ceil(pixels / chip.columns)
        cycles = groups * rows * columns * np.ceil(depth / chip.lanes) * workload.activation_bits
        seconds: FloatArray = cycles / chip.clock
        return seconds

    def memory(self, workload: Workload) -> FloatArray:
        """Seconds that DRAM works on every layer, [B, L]."""
        weights = workload.weights * workload.weight_bits / 8.0
        maps = dram_bits(workload, self.chip.images) / 8.0 - weights
        moved = weights + np.where(maps > self.chip.buffer, maps, 0.0)
        seconds: FloatArray = moved / self.chip.bandwidth
        return seconds

    def describe(self) -> str:
        """The chip's figures and their source."""
        chip = self.chip
        return (
            f"{self.name}: {chip.title}, {chip.rows} x {chip.columns} units of {chip.lanes} lanes, "
            f"{chip.clock / 1e6:g} MHz, {chip.bandwidth / 1e9:g} GB/s, {chip.buffer / 1e6:g} MB on "
            f"chip, {chip.images} image(s) at a time. {chip.source}"
        )
