"""Fronts: the designs of which no other is both at least as accurate and at most as costly."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.solving.records import Run

Ints = NDArray[np.int64]


def front(run: Run, quantity: str) -> Ints:
    """Which evaluations of ``run`` are not dominated, from the cheapest on.

    Args:
        run: a record.
        quantity: the cost, e.g. ``"latency"``.

    Returns:
        [N] indices of evaluations; of equal ones the first.

    Raises:
        UnknownNameError: if the record has no such cost.
    """
    if quantity not in run.costs:
        raise unknown_name("cost", quantity, run.costs)
    return non_dominated(run.accuracies, run.costs[quantity])


def non_dominated(accuracies: ArrayLike, costs: ArrayLike) -> Ints:
    """Indices [N] of the points that no other dominates, from the cheapest on.

    A point dominates another if it is at least as accurate and at most as costly, and better in one
    of them; of equal points the first is kept.

    Args:
        accuracies: [E], the larger the better.
        costs: [E], the smaller the better.

    Raises:
        ArgumentError: if they are not equally long lists of numbers.
    """
    accuracy, cost = (np.asarray(values, dtype=np.float64) for values in (accuracies, costs))
    if accuracy.ndim != 1 or accuracy.shape != cost.shape:
        raise ArgumentError(
            f"a front needs one accuracy and one cost a design, not {accuracy.shape} and "
            f"{cost.shape}"
        )
    if np.isnan(accuracy).any() or np.isnan(cost).any():
        raise ArgumentError("a front needs numbers, but some accuracies or costs are NaN")
    order = np.lexsort((-accuracy, cost))  # stable: of equals the first comes first
    best = np.maximum.accumulate(np.append(-np.inf, accuracy[order]))
    found: Ints = order[accuracy[order] > best[:-1]]
    return found
