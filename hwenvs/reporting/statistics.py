"""Statistics of a few runs on a few environments: robust means, intervals, comparisons, efforts.

The recommendations and the formulas, unless said otherwise, are those of Agarwal et al., "Deep
Reinforcement Learning at the Edge of the Statistical Precipice" (NeurIPS 2021).  Scores of one
solver are *strata*: one array of runs for each environment, of any lengths; :func:`columns` makes
them of an array [runs, tasks].
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
        ArgumentError: if there is nothing to average, or a value is NaN.
    """
    ordered = np.sort(_filled(values), axis=-1)
    cut = ordered.shape[-1] // 4
    mean: Floats = ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1)
    return mean


def median(values: ArrayLike) -> Floats:
    """Median of ``values`` along the last axis.

    Raises:
        ArgumentError: if there is nothing to rank, or a value is NaN.
    """
    middle: Floats = np.median(_filled(values), axis=-1)
    return middle


def columns(scores: ArrayLike) -> list[Floats]:
    """Strata of an array [runs, tasks] of scores; NaN marks runs that were not made.

    Raises:
        ArgumentError: if it has not two axes, or a task no runs.
    """
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 2:
        raise ArgumentError(f"scores must be an array [runs, tasks], not one of {array.ndim} axes")
    return [_filled(column[~np.isnan(column)]) for column in array.T]


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
        strata: scores of the runs, one array per environment; for one environment a list of one,
            for an array [runs, tasks] its :func:`columns`.
        statistic: reduces the last axis, e.g. :func:`interquartile_mean`.
        level: coverage aimed at; below about ten runs it is less than that.
        repetitions: of the resampling.
        seed: equal seeds give equal intervals.

    Returns:
        Lower and upper end.

    Raises:
        ArgumentError: if a stratum is empty or holds what is not finite, ``level`` is not between
            0 and 1, or there are no repetitions.
    """
    drawn = [values[draw] for values, draw in _draws(strata, repetitions, seed)]
    low, high = _ends(statistic(np.concatenate(drawn, axis=1)), level)
    return float(low), float(high)


def probability_of_improvement(first: Sequence[ArrayLike], second: Sequence[ArrayLike]) -> float:
    """How probably a run of one solver beats a run of another on an environment drawn at random.

    On each environment the share of pairs (a run of the first, a run of the second) that the first
    wins, ties counting half: the Mann-Whitney statistic over the number of pairs.  Then the mean
    over environments.

    Args:
        first: scores of the runs of one solver, one array per environment.
        second: those of the other, on the same environments in the same order.

    Raises:
        ArgumentError: if the environments differ in number, there are none, or one has no runs.
    """
    return float(np.mean([wins.mean() for wins in _wins(first, second)]))


def improvement_interval(
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    level: float = LEVEL,
    repetitions: int = REPETITIONS,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of :func:`probability_of_improvement`, by stratified bootstrap.

    Runs of both solvers are drawn with replacement within each environment.
    """
    tables = _wins(first, second)
    # One stream for both, so that their draws are independent.
    draws = [draw for _, draw in _draws([*first, *second], repetitions, seed)]
    resampled = np.zeros(repetitions)
    for place, wins in enumerate(tables):
        # Mean of wins[ours, theirs] over a draw's pairs, from how often every run was drawn.
        ours = _shares(draws[place], wins.shape[0])
        theirs = _shares(draws[place + len(tables)], wins.shape[1])
        resampled += ((ours @ wins) * theirs).sum(axis=1)
    # Whether an end lies above one half must not hang on the last bit of a sum of fractions.
    low, high = _ends(np.round(resampled / len(tables), 12), level)
    return float(low), float(high)


def performance_profile(strata: Sequence[ArrayLike], thresholds: ArrayLike) -> Floats:
    """Fraction of runs [K] with a score above each of ``thresholds`` [K], mean over environments.

    Raises:
        ArgumentError: if there are no runs.
    """
    levels = np.asarray(thresholds, dtype=np.float64)
    profiles = [(values[:, None] > levels).mean(axis=0) for values in _strata(strata)]
    return np.asarray(np.mean(profiles, axis=0))


def profile_band(
    strata: Sequence[ArrayLike],
    thresholds: ArrayLike,
    level: float = LEVEL,
    repetitions: int = REPETITIONS,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Pointwise interval [K], [K] of :func:`performance_profile`, by stratified bootstrap."""
    levels = np.asarray(thresholds, dtype=np.float64)
    profiles = np.zeros((repetitions, len(levels)))
    for values, draw in _draws(strata, repetitions, seed):
        profiles += _shares(draw, len(values)) @ (values[:, None] > levels)
    low, high = _ends(profiles / len(strata), level)
    return low, high


def area_under_curve(
    curve: ArrayLike, evaluations: int | None = None, floor: float = -np.inf
) -> float:
    """Mean of a best-so-far curve [E] over the evaluations of its budget.

    Of scores with ``floor=0``: from 0, never better than the reference, to 1, the optimum at once.

    Args:
        curve: best value after 1, 2, ... evaluations.
        evaluations: of the budget; a shorter curve keeps its last value, a longer one is cut.
        floor: lower values count as this one.

    Raises:
        ArgumentError: if the curve is empty or the budget is less than one evaluation.
    """
    values = _filled(curve)
    length = len(values) if evaluations is None else evaluations
    if length < 1:
        raise ArgumentError(f"evaluations must be at least 1, not {length}")
    held = np.maximum(values[:length], floor)
    # Budgets may be far longer than curves: what is held is counted, not written out.
    return float((held.sum() + (length - len(held)) * held[-1]) / length)


def evaluations_to(curve: ArrayLike, threshold: float) -> float:
    """Evaluations until ``curve`` [E] first reaches ``threshold``; infinite if it never does."""
    reached = np.asarray(curve, dtype=np.float64) >= threshold
    return float(reached.argmax()) + 1.0 if reached.any() else np.inf


def median_effort(efforts: ArrayLike) -> float:
    """Median of numbers of evaluations, some of them infinite.

    Of an even number it is the lower of the two in the middle: half of the runs need no more.
    """
    return float(np.quantile(_filled(efforts), 0.5, method="inverted_cdf"))


def aligned(curves: Sequence[ArrayLike]) -> Floats:
    """Curves of best-so-far values as one array [runs, E]; shorter ones keep their last value.

    Raises:
        ArgumentError: if there are none, or one is empty.
    """
    rows = [np.asarray(curve, dtype=np.float64) for curve in curves]
    if not rows:
        raise ArgumentError("there are no curves to align")
    longest = max(len(_filled(row)) for row in rows)
    return np.stack([np.pad(row, (0, longest - len(row)), mode="edge") for row in rows])


def _wins(first: Sequence[ArrayLike], second: Sequence[ArrayLike]) -> list[Floats]:
    """Per environment who wins [N, K] of every two runs: 1 the first, 0 the second, 1/2 no one."""
    if len(first) != len(second):
        raise ArgumentError(
            f"both solvers need the same environments, not {len(first)} and {len(second)}"
        )
    pairs = zip(_strata(first), _strata(second), strict=True)
    return [(a[:, None] > b) + 0.5 * (a[:, None] == b) for a, b in pairs]


def _draws(
    strata: Sequence[ArrayLike], repetitions: int, seed: int
) -> list[tuple[Floats, NDArray[np.int64]]]:
    """Every stratum [n] with ``repetitions`` draws [R, n] of places in it."""
    if repetitions < 1:
        raise ArgumentError(f"repetitions must be at least 1, not {repetitions}")
    values, random = _strata(strata), np.random.default_rng(seed)
    return [(v, random.integers(len(v), size=(repetitions, len(v)))) for v in values]


def _shares(draws: NDArray[np.int64], size: int) -> Floats:
    """[R, size] how much of each draw [R, n] is each of the runs."""
    return np.stack([(draws == run).mean(axis=1) for run in range(size)], axis=1)


def _ends(estimates: Floats, level: float) -> Floats:
    """Lower and upper end [2, ...] of the middle of ``estimates`` [R, ...]."""
    if not 0 < level < 1:
        raise ArgumentError(f"level must lie between 0 and 1, not {level!r}")
    ends: Floats = np.quantile(estimates, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return ends


def _strata(strata: Sequence[ArrayLike]) -> list[Floats]:
    if not len(strata):
        raise ArgumentError("there are no runs to draw from")
    filled = [_filled(values) for values in strata]
    if not all(np.isfinite(values).all() for values in filled):
        raise ArgumentError("scores must be finite")
    return filled


def _filled(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or not array.shape[-1]:
        raise ArgumentError("statistics need at least one value")
    if np.isnan(array).any():
        raise ArgumentError("statistics need numbers, and one of the values is NaN")
    return array
