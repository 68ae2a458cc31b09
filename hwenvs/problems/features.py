"""What an agent sees: AMC's state, scaled to [0, 1] by constants that hold for all networks.

AMC scales each feature by its range within one network; then an agent trained on one network reads
another with the wrong scale.  Here sizes are logarithms over fixed maxima, so that a layer looks
the same wherever it occurs and an agent can move between networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.networks import ChannelGroup, Network, WeightGroup

FEATURES = (
    "index",
    "depthwise",
    "in_channels",
    "out_channels",
    "height",
    "width",
    "stride",
    "kernel",
    "macs",
    "reduced",
    "rest",
    "previous",
)
"""Names of the features in order."""

REDUCED, PREVIOUS = FEATURES.index("reduced"), FEATURES.index("previous")
"""The two that depend on earlier decisions; all others are known beforehand."""


@dataclass(frozen=True)
class Scales:
    """What counts as 1; larger values are cut off there.

    Attributes:
        channels: log2(channels) of 4,096 channels, the widest layers of AlexNet and VGG-16.
        size: log2(pixels) of a 256 x 256 map.
        stride: the stem of AlexNet.
        kernel: the stem of AlexNet, in pixels.
        macs: log2(MACs) of 4.3e9; the largest layer of VGG-16 has 1.8e9.
    """

    channels: float = 12.0
    size: float = 8.0
    stride: float = 4.0
    kernel: float = 11.0
    macs: float = 32.0


SCALES = Scales()


def static_features(
    network: Network, groups: Sequence[ChannelGroup | WeightGroup], spent: Sequence[float]
) -> NDArray[np.float32]:
    """The features that do not depend on decisions; 0 for the two that do.

    Args:
        network: the layer table.
        groups: what each decision keeps a part of.
        spent: [T + 1] costs of the uncompressed network up to each decision.

    Returns:
        Features [T + 1, 12] before each decision and after the last.
    """
    horizon = len(groups)
    table = np.zeros((horizon + 1, len(FEATURES)))
    for t, group in enumerate(groups):
        layer = network.layer(group.readers[0])
        macs = sum(network.layer(name).macs for name in group.readers)
        writers = group.writers if isinstance(group, ChannelGroup) else ()
        depthwise = any(network.layer(name).kind == "depthwise" for name in writers)
        table[t] = (
            t / horizon,
            depthwise,
            _log2(layer.in_channels) / SCALES.channels,
            _log2(layer.channels) / SCALES.channels,
            _log2(layer.in_size) / SCALES.size,
            _log2(layer.in_size) / SCALES.size,
            layer.stride / SCALES.stride,
            layer.kernel / SCALES.kernel,
            _log2(macs) / SCALES.macs,
            0.0,
            (spent[-1] - spent[t + 1]) / spent[-1],
            0.0,
        )
    table[horizon, 0] = 1.0
    return np.clip(table, 0.0, 1.0).astype(np.float32)


def _log2(value: int) -> float:
    return float(np.rint(np.log2(value) * 1e9) / 1e9)
