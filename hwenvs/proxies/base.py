"""What a proxy is: a fine-tune-free estimate of the accuracy of designs."""

from __future__ import annotations

import sys
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import AnalyticProxyWarning, ProxyError
from hwenvs.proxies.card import Card
from hwenvs.proxies.curve import AccuracyCurve

TABLES = Path(__file__).parent / "tables"
"""Folder of the measured tables that are shipped."""

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


class TabulatedProxy(ABC):
    """A proxy made of tables: what decisions add up to leads to accuracy through a curve.

    Problems read the tables once and never call :meth:`evaluate`; the optimum can be certified.

    Attributes:
        curve: from divergence to accuracy.
        curve_top5: from divergence to top-5 accuracy, where it was measured.
        card: what stands behind the tables.
        baseline: accuracy at divergence 0, a fraction.
    """

    deterministic = True
    baseline: float
    curve: AccuracyCurve
    curve_top5: AccuracyCurve | None = None
    card: Card

    @abstractmethod
    def evaluate(self, designs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Accuracies [B] of ``designs`` [B, T]."""


def warn_if_analytic(card: Card) -> None:
    """Warns, once per process and network, that accuracies were not measured on it."""
    if card.basis == "measured" or card.network in _warned:
        return
    _warned.add(card.network)
    if card.metric.startswith("place of "):
        told = f"a score of untrained networks (the {card.metric})"
    elif card.basis == "analytic":
        told = "an analytic table, made from its layer table alone, not from measurements"
    else:
        told = f"a table that was measured on {card.extra.get('measured_on', 'something else')}"
    warnings.warn(
        f"accuracies of {card.network} come from {told}: compare solvers on it, do not quote its "
        "accuracies",
        AnalyticProxyWarning,
        stacklevel=_outside(),
    )


def _outside() -> int:
    """The ``stacklevel`` of a warning, seen by who calls, at the line that made the environment.

    It lies outside of this package and of Gymnasium, which has a line of its own in between.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_globals.get("__name__", "").partition(".")[0] in ("hwenvs", "gymnasium"):
        if frame.f_back is None:
            break
        frame, level = frame.f_back, level + 1
    return level


def checked_proxy(proxy: object, source: str) -> AccuracyProxy:
    """``proxy``, if it has what a proxy must have.

    Raises:
        ProxyError: if it lacks something; ``source`` says where it comes from.
    """
    missing = [
        name
        for name in ("baseline", "deterministic", "card", "evaluate")
        if not hasattr(proxy, name)
    ]
    if missing:
        raise ProxyError(f"{source} is not an accuracy proxy: it lacks {', '.join(missing)}")
    return proxy  # type: ignore[return-value]
