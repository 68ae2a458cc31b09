"""What a proxy is: a fine-tune-free estimate of the accuracy of designs."""

from __future__ import annotations

import warnings
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import AnalyticProxyWarning
from hwenvs.proxies.card import Card

_warned: set[str] = set()


@runtime_checkable
class AccuracyProxy(Protocol):
    """Estimates accuracies; any object with these members will do.

    Attributes:
        baseline: accuracy of the uncompressed network, a fraction.
        deterministic: whether equal designs get equal accuracies, always.
        card: what stands behind the estimates.
    """

    baseline: float
    deterministic: bool
    card: Card

    def evaluate(self, designs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Accuracies [B] of ``designs`` [B, T], fractions in [0, 1]."""
        ...


def warn_if_analytic(card: Card) -> None:
    """Warns, once per process and network, that accuracies were not measured."""
    if card.basis != "analytic" or card.network in _warned:
        return
    _warned.add(card.network)
    warnings.warn(
        f"accuracies of {card.network} come from an analytic table, made from its layer table "
        "alone, not from measurements: compare solvers on it, do not quote its accuracies",
        AnalyticProxyWarning,
        stacklevel=3,
    )
