"""The scores by name, and the two that anything else must beat: MACs and parameters."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from hwenvs.networks.modules import TableModule
from hwenvs.proxies.zero_cost.data_free import synflow, zen
from hwenvs.proxies.zero_cost.on_images import grad_norm, naswot, zico

Score = Callable[[TableModule, Tensor, Tensor], float]
"""Scores a freshly initialised network on images ``[N, C, R, R]`` with labels ``[N]``; the network
stays as it is. Larger should be better."""


def macs(module: TableModule, _images: Tensor, _labels: Tensor) -> float:
    """The natural logarithm of the multiply-accumulates for one image."""
    return math.log(module.network.macs)


def params(module: TableModule, _images: Tensor, _labels: Tensor) -> float:
    """The natural logarithm of the number of trainable parameters."""
    return math.log(module.network.parameters)


SCORES: dict[str, Score] = {
    "synflow": synflow,
    "grad_norm": grad_norm,
    "naswot": naswot,
    "zen": zen,
    "zico": zico,
    "macs": macs,
    "params": params,
}
"""Scores by name."""

NEED_IMAGES = frozenset({"grad_norm", "naswot", "zico"})
"""Those that look at real images; the others are given none."""
