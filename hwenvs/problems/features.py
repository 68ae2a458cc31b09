"""What an agent sees: AMC's state, scaled to [0, 1] by constants that hold for all networks.

AMC scales each feature by its range within one network; then an agent trained on one network reads
another with the wrong scale.  Here sizes are logarithms over fixed maxima, so that a layer looks
the same wherever it occurs and an agent can move between networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwenvs.networks import ChannelGroup, Group, Network, Space

if TYPE_CHECKING:
    from hwenvs.problems.budget import Budget

AMOUNTS = ("reduced", "spent", "left")
"""Names of features that depend on the cost so far."""

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

BIT_FEATURES = (
    "index",
    "in_channels",
    "out_channels",
    "kernel",
    "stride",
    "size",
    "weights",
    "depthwise",
    "activations",
    "previous",
    "reduced",
    "rest",
)
"""Names of the features where a layer has two decisions: HAQ's ten, and AMC's two about the budget.

"activations" tells whether the decision is the later of the two."""


OPERATOR_FEATURES = (
    "index",
    "stage",
    "in_channels",
    "out_channels",
    "size",
    "stride",
    "optional",
    "dearest",
    "spent",
    "left",
    "rest",
    "previous",
)
"""Names of the features where a block chooses its operator."""


@dataclass(frozen=True, eq=False)
class Features:
    """What agents see.

    Attributes:
        table: [T + 1, F] before each decision and after the last; 0 where it depends on decisions.
        columns: of what depends on the budgeted cost so far, by name: ``"reduced"``, what was saved
            of the uncompressed network; ``"spent"``; ``"left"`` of the budget.
        previous: column of what the decision before kept.
    """

    table: NDArray[np.float32]
    columns: Mapping[str, int]
    previous: int

    @classmethod
    def of(cls, names: Sequence[str], table: NDArray[np.float64]) -> Features:
        """Features called ``names``, cut off outside [0, 1]."""
        cut = np.clip(table, 0.0, 1.0).astype(np.float32)
        columns = {name: names.index(name) for name in AMOUNTS if name in names}
        return cls(cut, columns, names.index("previous"))

    def amounts(self, budget: Budget) -> list[Amount]:
        """How to fill the columns that depend on the cost so far."""
        steps = len(self.table)
        bases = {
            "reduced": (budget.before, budget.scale),
            "spent": ((0.0,) * steps, -budget.scale),
            "left": ((budget.limit,) * steps, budget.scale),
        }
        return [Amount(column, *bases[name]) for name, column in self.columns.items()]


class Amount(NamedTuple):
    """A feature that is ``(base[step] - spent) * factor``, cut off outside [0, 1]."""

    column: int
    base: tuple[float, ...]
    factor: float


@dataclass(frozen=True)
class Scales:
    """What counts as 1; larger values are cut off there.

    Attributes:
        channels: log2(channels) of 4,096 channels, the widest layers of AlexNet and VGG-16.
        size: log2(pixels) of a 256 x 256 map.
        stride: the stem of AlexNet.
        kernel: the stem of AlexNet, in pixels.
        macs: log2(MACs) of 4.3e9; the largest layer of VGG-16 has 1.8e9.
        weights: log2(weights) of 134 million; the largest layer of VGG-16 has 103 million.
    """

    channels: float = 12.0
    size: float = 8.0
    stride: float = 4.0
    kernel: float = 11.0
    macs: float = 32.0
    weights: float = 27.0


SCALES = Scales()


def features(
    names: Sequence[str], network: Network, groups: Sequence[Group], spent: Sequence[float]
) -> Features:
    """What agents see, feature by feature.

    Args:
        names: :data:`FEATURES`, or :data:`BIT_FEATURES` where a layer has two decisions.
        network: the layer table.
        groups: what each decision keeps a part of.
        spent: [T + 1] costs of the uncompressed network up to each decision.
    """
    horizon = len(groups)
    table = np.zeros((horizon + 1, len(names)))
    for t, group in enumerate(groups):
        known = _known(network, group)
        known["index"] = t / horizon
        known["rest"] = (spent[-1] - spent[t + 1]) / spent[-1]
        table[t] = [known.get(name, 0.0) for name in names]
    table[horizon, names.index("index")] = 1.0
    return Features.of(names, table)


def operator_features(names: Sequence[str], space: Space, budget: Budget) -> Features:
    """What agents see who choose operators.

    Args:
        names: :data:`OPERATOR_FEATURES`.
        space: the search space.
        budget: whose costs are told.
    """
    horizon, full = len(space.blocks), budget.before
    table = np.zeros((horizon + 1, len(names)))
    for t, block in enumerate(space.blocks):
        known = {
            "index": t / horizon,
            "stage": block.stage / len(space.stages),
            "in_channels": _log2(block.in_channels) / SCALES.channels,
            "out_channels": _log2(block.channels) / SCALES.channels,
            "size": _log2(block.in_size) / SCALES.size,
            "stride": block.stride / SCALES.stride,
            "optional": block.residual,
            "dearest": float(budget.cost[t].max()) * budget.scale,
            "rest": (full[-1] - full[t + 1]) * budget.scale,
        }
        table[t] = [known.get(name, 0.0) for name in names]
    table[horizon, names.index("index")] = 1.0
    return Features.of(names, table)


def _known(network: Network, group: Group) -> dict[str, float]:
    """Features of a decision that no other decision changes."""
    layer = network.layer(group.readers[0])
    shaped = group.writers if isinstance(group, ChannelGroup) else (layer.name,)
    size = _log2(layer.in_size) / SCALES.size
    return {
        "depthwise": any(network.layer(name).kind == "depthwise" for name in shaped),
        "in_channels": _log2(layer.in_channels) / SCALES.channels,
        "out_channels": _log2(layer.channels) / SCALES.channels,
        "height": size,
        "width": size,
        "size": size,
        "stride": layer.stride / SCALES.stride,
        "kernel": layer.kernel / SCALES.kernel,
        "macs": _log2(sum(network.layer(name).macs for name in group.readers)) / SCALES.macs,
        "weights": _log2(layer.weights) / SCALES.weights,
        "activations": getattr(group, "second", False),
    }


def _log2(value: int) -> float:
    return float(np.rint(np.log2(value) * 1e9) / 1e9)
