"""Costs that need no hardware: MACs, parameters, bytes of weights and activations."""

from __future__ import annotations

import numpy as np

from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.workload import FloatArray, Workload

PARAMETER_BITS = 32
"""Bits of a bias or of a norm's scale and shift, which stay in full precision."""


class Counts(HardwareModel):
    """Counts of the layer table, for one image.

    - ``macs``, ``params``: of the kept channels; zero weights count, since a dense loop runs them.
    - ``size``: bytes of the weights that are not zero, at their bits, without any index of where
      they are; biases and norms at 32 bits.
    - ``peak_memory``: bytes of a layer's input and output, at the layer's activation bits; a
      network needs the largest over its layers.  Shortcuts that wait meanwhile are not counted.
    """

    name = "counts"
    source = "counted from the layer table"
    quantities = ("macs", "params", "size", "peak_memory")
    monotone = True

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Counts of every layer, [B, L]."""
        others = workload.params - workload.weights
        stored = workload.weights * workload.weight_density * workload.weight_bits
        elements = workload.input_elements + workload.output_elements
        return {
            "macs": workload.macs.astype(np.float64),
            "params": workload.params.astype(np.float64),
            "size": (stored + others * float(PARAMETER_BITS)) / 8.0,
            "peak_memory": elements * workload.activation_bits / 8.0,
        }
