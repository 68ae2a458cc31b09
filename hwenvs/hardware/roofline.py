"""The roofline: a layer takes as long as its arithmetic or its memory traffic, whichever is longer.

Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for multicore
architectures", CACM 52(4), 2009.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from hwenvs.errors import HardwareError, unknown_name
from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.figures import changed, check_figures, is_count, is_number
from hwenvs.hardware.presets import PRESETS, Preset
from hwenvs.hardware.workload import FloatArray, Workload

OPERATIONS_PER_MAC = 2.0


class RooflineModel(HardwareModel):
    """Latency (and energy) of a chip known by its peaks.

    Per layer and ``images`` images::

        latency = overhead + max(2 * MACs * images / peak(bits), bytes / bandwidth)
        bytes   = weights * weight_bits / 8 + (input + output) * images * activation_bits / 8
        energy  = latency * power

    ``peak(bits)`` is that of the narrowest unit that takes both the layer's weights and its
    activations.  Zeros are computed and moved like other numbers, and caches are not modelled, so
    real layers are slower in arithmetic and may be faster in traffic.

    Args:
        preset: a name of ``PRESETS`` or a :class:`Preset` of your own.
        images: images that run together, the preset's by default; costs are those of the batch.
        **changes: fields of the preset to replace, e.g. ``overhead=0.0``.

    Raises:
        HardwareError: if the resulting chip has figures that are not positive and finite.
    """

    monotone = True

    def __init__(
        self, preset: str | Preset = "cortex_a76", *, images: int | None = None, **changes: Any
    ) -> None:
        if isinstance(preset, str):
            if preset not in PRESETS:
                raise unknown_name("roofline preset", preset, PRESETS)
            self.name, preset = preset, PRESETS[preset]
        else:
            self.name = "roofline"
        self.chip = changed(f"hardware {self.name!r}", preset, Preset, changes)
        self.images = self.chip.images if images is None else images
        self._check()
        self.quantities = ("latency",) if self.chip.power is None else ("latency", "energy")
        self.source = self.chip.source
        if changes:
            self.source += f"; changed: {', '.join(f'{k}={v}' for k, v in changes.items())}"

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Latency, and energy if the power is known, of every layer, [B, L]."""
        operations = workload.macs * (OPERATIONS_PER_MAC * self.images)
        elements = (workload.input_elements + workload.output_elements) * float(self.images)
        moved = workload.weights * workload.weight_bits + elements * workload.activation_bits
        compute = operations / self._peak(workload)
        latency = self.chip.overhead + np.maximum(compute, moved / 8.0 / self.chip.bandwidth)
        costs = {"latency": latency}
        if self.chip.power is not None:
            costs["energy"] = latency * self.chip.power
        return costs

    def describe(self) -> str:
        """The chip's figures and their source."""
        peaks = ", ".join(f"{peak:.4g} op/s at {bits:g} bit" for bits, peak in self.chip.peaks)
        return (
            f"{self.name}: {self.chip.title} as a roofline, {peaks}, "
            f"{self.chip.bandwidth:.4g} B/s, {self.chip.overhead:g} s per layer, "
            f"{self.images} image(s) at a time. {self.source}"
        )

    def _peak(self, workload: Workload) -> FloatArray:
        """Operations per second of the unit that each layer runs on, [B, L]."""
        bits = np.maximum(workload.weight_bits, workload.activation_bits)
        widest, peak = self.chip.peaks[-1]
        if np.any(bits > widest):
            raise HardwareError(
                f"hardware {self.name!r} has no unit for {bits.max():g} bits; widest: {widest:g}"
            )
        peaks = np.full(bits.shape, peak)
        for width, peak in reversed(self.chip.peaks[:-1]):
            peaks = np.where(bits <= width, peak, peaks)
        return peaks

    def _check(self) -> None:
        label = f"hardware {self.name!r}"
        check_figures(label, self.chip, may_be_zero=("overhead",))
        if not is_count(self.images):
            raise HardwareError(
                f"{label}: images must be positive and a whole number, not {self.images!r}"
            )
        peaks = self.chip.peaks
        pairs = isinstance(peaks, tuple | list) and all(
            isinstance(pair, tuple | list)
            and len(pair) == 2
            and all(is_number(value) and value > 0 for value in pair)
            for pair in peaks
        )
        if not (pairs and peaks and _ascends([bits for bits, _ in peaks])):
            raise HardwareError(
                f"{label}: peaks must be pairs of bits and operations per second, all positive, "
                f"narrowest first, not {peaks!r}"
            )


def _ascends(values: list[float]) -> bool:
    return all(one < other for one, other in pairwise(values))
