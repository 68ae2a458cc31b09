"""What a chip is like, in numbers that agents can compare: asked of the hardware model itself.

Four layers are put before the model, whole and compressed.  What it answers says which layers are
dear on the chip and what compressing them saves, without a figure of the chip typed in and without
units; a model of one's own is described as the shipped ones are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import HardwareError
from hwenvs.hardware import HardwareModel, Workload, get_hardware
from hwenvs.networks import Layer
from hwenvs.tasks.task import VARIANTS

Floats = NDArray[np.float64]

OCTAVES = 10.0
"""A MAC that is 2^10 times dearer (or cheaper) than the dense probe's is the end of the scale."""

PROBES = (
    Layer(
        "dense", (), channels=64, size=16, in_channels=64, in_size=16, kernel=3, stride=1, padding=1
    ),
    Layer("pointwise", (), channels=256, size=14, in_channels=256, in_size=14),
    Layer(
        "depthwise",
        (),
        channels=256,
        size=14,
        kind="depthwise",
        in_channels=256,
        in_size=14,
        kernel=3,
        padding=1,
    ),
    Layer("linear", (), channels=1024, size=1, kind="linear", in_channels=1024),
)
"""Layers of middling size, one for each way in which networks spend their MACs.

The first is what the others are compared with.
"""


@dataclass(frozen=True)
class Setting:
    """How a probe is compressed.

    Attributes:
        name: what to call it.
        read: share of the input channels that is kept.
        written: share of the output channels that is kept.
        weight_bits: bits of a weight.
        activation_bits: bits of an input.
    """

    name: str
    read: float = 1.0
    written: float = 1.0
    weight_bits: float = 32.0
    activation_bits: float = 32.0


SETTINGS: dict[str, tuple[Setting, ...]] = {
    "amc": (
        Setting("whole"),
        Setting("half the inputs", read=0.5),
        Setting("half the outputs", written=0.5),
        Setting("a quarter of both", read=0.25, written=0.25),
    ),
    "haq": (
        Setting("8 bits", weight_bits=8, activation_bits=8),
        Setting("4-bit weights", weight_bits=4, activation_bits=8),
        Setting("4-bit activations", weight_bits=8, activation_bits=4),
        Setting("4 bits", weight_bits=4, activation_bits=4),
        Setting("2 bits", weight_bits=2, activation_bits=2),
    ),
}
"""How probes are compressed, by kind of task; the first setting is the uncompressed one."""


def hardware_names(kind: str) -> tuple[str, ...]:
    """Names of the features of a chip."""
    first, *others = SETTINGS[kind]
    dear = [f"{probe.name}: cost of a MAC, {first.name}" for probe in PROBES[1:]]
    saved = [f"{probe.name}: cost left, {one.name}" for probe in PROBES for one in others]
    return (*dear, *saved)


@lru_cache(256)
def chip_features(kind: str, chip: str, cost: str) -> Floats:
    """Features of the chip called ``chip``; see :func:`hardware_features`."""
    found = hardware_features(kind, VARIANTS.get(chip, chip), cost)
    found.setflags(write=False)
    return found


def hardware_features(
    kind: str, hardware: str | dict[str, Any] | HardwareModel, cost: str
) -> Floats:
    """A chip in numbers from 0 to 1.

    First what a MAC of each other probe costs compared with one of the dense probe, as a logarithm:
    1/2 for the same, 1 for ``2^OCTAVES`` times as much.  Then which share of its cost each probe
    keeps when compressed: 1 where that saves nothing.

    Args:
        kind: of task.
        hardware: a name, ``{"name": ..., **options}`` or a model.
        cost: what is budgeted.

    Returns:
        [number of features], in the order of :func:`hardware_names`.

    Raises:
        HardwareError: if the model does not report ``cost``, or nothing for a probe.
    """
    model = get_hardware(hardware)
    if cost not in model.quantities:
        raise HardwareError(
            f"hardware {model.name!r} reports {', '.join(model.quantities)}, not {cost}"
        )
    table = np.stack([_costs(model, probe, SETTINGS[kind], cost) for probe in PROBES])
    if not (table[:, 0] > 0).all():
        free = PROBES[int(np.argmin(table[:, 0]))].name
        raise HardwareError(f"hardware {model.name!r}: {cost} of a {free} layer is 0")
    per_mac = table[:, 0] / np.array([probe.macs for probe in PROBES])
    octaves = np.rint(np.log2(per_mac[1:] / per_mac[0]) * 1e9) / 1e9
    dear = (octaves + OCTAVES) / (2 * OCTAVES)
    left = table[:, 1:] / table[:, :1]
    found: Floats = np.clip(np.concatenate([dear, left.ravel()]), 0.0, 1.0)
    return found


def _costs(model: HardwareModel, probe: Layer, settings: tuple[Setting, ...], cost: str) -> Floats:
    """Costs [settings] of a probe; a depthwise one writes what it reads."""
    read = np.array([one.read for one in settings])
    written = np.array([one.written for one in settings])
    if probe.kind == "depthwise":
        read = written = np.minimum(read, written)
    workload = Workload.single(
        probe,
        np.rint(read * probe.in_channels).astype(np.int64),
        np.rint(written * probe.channels).astype(np.int64),
        weight_bits=[one.weight_bits for one in settings],
        activation_bits=[one.activation_bits for one in settings],
    )
    costs: Floats = model.layer_costs(workload)[cost][:, 0]
    return costs
