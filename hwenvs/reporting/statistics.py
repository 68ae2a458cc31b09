"""Statistics of a few runs: robust means, bootstrap intervals, evaluations to a score.

The recommendations are those of Agarwal et al., "Deep Reinforcement Learning at the Edge of the
Statistical Precipice" (NeurIPS 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import ArgumentError

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Reduces the last axis of an array."""

REPETITIONS = 5_000
LEVEL = 0.95


def interquartile_mean(values: ArrayLike) -> Floats:
    """Mean of the middle half of ``values`` along the last axis.

    A quarter of the entries, rounded down, is cut at either end, as ``scipy.stats.trim_mean`` does.

    Raises:
        ArgumentError: if there is nothing to average.
    """
    ordered = np.sort(_filled(values), axis=-1)
    cut = ordered.shape[-1] // 4
    mean: Floats = ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1)
    return mean


def median(values: ArrayLike) -> Floats:
    """Median of ``values`` along the last axis.

    Raises:
        ArgumentError: if there is nothing to rank.
    """
    middle: Floats = np.median(_filled(values), axis=-1)
    return middle


def bootstrap_interval(
    strata: Sequence[ArrayLike],
    statistic: Statistic = interquartile_mean,
    level: float = LEVEL,
    repetitions: int = REPETITIONS,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of ``statistic`` over all runs, by stratified bootstrap.

    Runs are drawn with replacement within each stratum, so every environment keeps its weight.

    Args:
        strata: scores of the runs, one array per environment; for one environment a list of one.
        statistic: reduces the last axis, e.g. :func:`interquartile_mean`.
        level: coverage aimed at; below about ten runs it is less than that.
        repetitions: of the resampling.
        seed: equal seeds give equal intervals.

    Returns:
        Lower and upper end.

    Raises:
        ArgumentError: if a stratum is empty or ``level`` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ArgumentError(f"level must lie between 0 and 1, not {level!r}")
    random = np.random.default_rng(seed)
    drawn = []
    for stratum in strata:
        values = _filled(stratum)
        drawn.append(values[random.integers(len(values), size=(repetitions, len(values)))])
    if not drawn:
        raise ArgumentError("there are no runs to draw from")
    estimates = statistic(np.concatenate(drawn, axis=1))
    low, high = np.quantile(estimates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def evaluations_to(curve: ArrayLike, threshold: float) -> float:
    """Evaluations until ``curve`` [E] first reaches ``threshold``; infinite if it never does."""
    reached = np.asarray(curve, dtype=np.float64) >= threshold
    return float(reached.argmax()) + 1.0 if reached.any() else np.inf


def aligned(curves: Sequence[ArrayLike]) -> Floats:
    """Curves of best-so-far values as one array [runs, E]; shorter ones keep their last value."""
    rows = [np.asarray(curve, dtype=np.float64) for curve in curves]
    longest = max(len(_filled(row)) for row in rows)
    return np.stack([np.pad(row, (0, longest - len(row)), mode="edge") for row in rows])


def _filled(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or not array.shape[-1]:
        raise ArgumentError("statistics need at least one value")
    return array
