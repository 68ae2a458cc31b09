"""ESE as a hardware model: expected costs of matrices that were pruned evenly."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.eie import checked_density, column_cycles, entries_per_column
from hwenvs.hardware.ese.chip import ESEChip
from hwenvs.hardware.ese.timing import fetched_bytes, pass_cycles, renewal_cycles
from hwenvs.hardware.figures import changed
from hwenvs.hardware.workload import FloatArray, Workload

GATES = 4
"""Of an LSTM; their rows lie below one another."""


class ESE(HardwareModel):
    """Latency, energy and size on the sparse LSTM engine, for matrices pruned with load balance.

    All channels run in step, one sequence each; latency is that of a sequence.  A matrix of ``M``
    outputs and ``N`` inputs runs in passes of ``elements x accumulators`` rows.  With ``n`` rows
    per element in a pass, weight density ``d`` and activation density ``a``,

        cycles = vectors * sum over passes of
                 max(N a * column_cycles(n, d), bytes * clock / bandwidth) + pipeline
        bytes  = elements * (N * entries(n, d) * (weight bits + index bits)
                 + (N + 1) * pointer bits) / 8
        energy = latency * power / channels

    and behind the matrix that reads an LSTM's last output, at every step, what renewing the cells
    takes.  ``size`` is the bytes of all passes.  Weights have as many bits as the workload says, 12
    at most: fewer stand for indices of a codebook, which ESE itself has not.  Convolutions run as
    matrices over unrolled inputs, and fetch their weights again for every pixel: not what the
    engine was built for.

    Args:
        chip: the chip; the published one by default.
        activation_density: fraction of the activations that are not zero where the workload does
            not say (its 1.0).
        **changes: figures of the chip to replace.

    Raises:
        HardwareError: if a figure is not positive and finite, or the density no fraction.
    """

    name = "ese"
    source = (
        "Han et al., FPGA 2017 (ESE): Xilinx XCKU060 at 200 MHz, 32 channels of 32 elements, "
        "12-bit weights, 4-bit relative index, 41 W; DDR3-1600 is an assumption"
    )
    quantities = ("latency", "energy", "size")

    def __init__(
        self, chip: ESEChip | None = None, activation_density: float = 1.0, **changes: Any
    ) -> None:
        self.chip = changed("ESE", chip, ESEChip, changes)
        self.activation_density = checked_density(self.name, activation_density)

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Latency, energy and size of every layer, [B, L]."""
        chip = self.chip
        outputs = np.where(workload.depthwise, 1, workload.out_channels)
        full, rest = outputs // chip.rows, outputs % chip.rows
        cycles, size = np.zeros(workload.shape), np.zeros(workload.shape)
        for times, rows in (
            (full, np.full(workload.shape, float(chip.accumulators))),
            ((rest > 0).astype(np.int64), np.ceil(rest / chip.elements)),
        ):
            took, brought = self._one_pass(workload, rows)
            cycles = cycles + times * took
            size = size + times * brought
        vectors = workload.column("vectors").astype(np.float64)
        cells = workload.out_channels / GATES
        renewals = workload.column("closes_step") * workload.column("steps")
        latency = (vectors * cycles + renewals * renewal_cycles(cells, chip)) / chip.clock
        energy = latency * (chip.power / chip.channels)
        return {"latency": latency, "energy": energy, "size": size}

    def _one_pass(self, workload: Workload, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Cycles and bytes [B, L] of a pass of ``rows`` rows per element."""
        chip, density = self.chip, workload.weight_density
        inputs = workload.inputs.astype(np.float64)
        # A depthwise layer has one row per input: a single element is busy at a time.
        entries = np.where(
            workload.depthwise,
            density / chip.elements,
            entries_per_column(rows, density, chip.array.reach),
        )
        column = np.where(workload.depthwise, 1.0, column_cycles(rows, density, chip.array))
        active = inputs * workload.activation_density * self.activation_density
        brought = fetched_bytes(inputs * entries, inputs, chip, workload.weight_bits)
        return pass_cycles(active * column, brought, chip), brought
