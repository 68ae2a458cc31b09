"""How well a table predicts designs that it was not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
EQUAL_BUDGET = ("random", "guided")
"""Kinds of held-out designs that all cost the same."""


WANTED_SPEARMAN = 0.90
WANTED_ERROR = 0.015
"""What a table should reach on held-out designs: rank correlation at equal budget, and mean
absolute error where accuracy is above half of the baseline's."""


def shortfalls(report: Mapping[str, Any]) -> list[str]:
    """Where a :func:`fidelity` report falls short of what is wanted, in words."""
    rank, error = report["spearman_equal_budget"], report["mae_above_half"]
    found = []
    if rank is None or not rank >= WANTED_SPEARMAN:
        told = "unknown" if rank is None else f"{rank:.2f}"
        found.append(f"Spearman at equal budget is {told}; {WANTED_SPEARMAN:.2f} is wanted")
    if error is None:
        found.append("no held-out design reached half of the baseline's accuracy")
    elif not error <= WANTED_ERROR:
        found.append(
            f"accuracies above half of the baseline's are off by {100 * error:.1f} points on "
            f"average; {100 * WANTED_ERROR:.1f} are wanted"
        )
    return found


def ranks(values: FloatArray) -> FloatArray:
    """Ranks from 0, ties sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts + 1) / 2)[inverse]


def spearman(one: FloatArray, other: FloatArray) -> float:
    """Spearman's rank correlation; NaN where one of the two is constant."""
    a, b = ranks(one), ranks(other)
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / scale) if scale > 0 else float("nan")


def fidelity(
    predicted: Mapping[str, FloatArray], measured: Mapping[str, FloatArray], baseline: float
) -> dict[str, Any]:
    """Rank correlations and errors of predicted against measured accuracy.

    What is not defined (no design above half, a constant ranking) is None.

    Args:
        predicted: accuracies by kind of design.
        measured: the same designs, measured.
        baseline: accuracy of the full network.
    """

    def joined(values: Mapping[str, FloatArray], kinds: Sequence[str]) -> FloatArray:
        return np.concatenate([values[kind] for kind in kinds])

    kinds = list(predicted)
    equal = [kind for kind in kinds if kind in EQUAL_BUDGET]
    guess, truth = joined(predicted, kinds), joined(measured, kinds)
    high = truth > baseline / 2
    error = np.abs(guess - truth)
    return {
        "designs": len(truth),
        "spearman": _rounded(spearman(guess, truth)),
        "designs_equal_budget": len(joined(measured, equal)),
        "spearman_equal_budget": _rounded(
            spearman(joined(predicted, equal), joined(measured, equal))
        ),
        **{
            f"spearman_{kind}": _rounded(spearman(predicted[kind], measured[kind]))
            for kind in kinds
        },
        "mae": _rounded(float(error.mean())),
        "designs_above_half": int(high.sum()),
        "mae_above_half": _rounded(float(error[high].mean()) if high.any() else np.nan),
    }


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
