"""Ranking: interquartile means with intervals, and tiers where order would be luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.leaderboards.log import Badge
from hwenvs.leaderboards.verify import Verdict
from hwenvs.reporting.statistics import (
    bootstrap_interval,
    evaluations_to,
    improvement_interval,
    interquartile_mean,
    median,
    median_effort,
    probability_of_improvement,
)

Floats = NDArray[np.float64]

THRESHOLD = 0.95
"""Score that evaluations are counted to."""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        verdict: of the entry.
        badge: what was shown of it.
        tier: from 1; entries of a tier cannot be told apart from its first.
        mean: interquartile mean of all scores.
        interval: its 95 % stratified bootstrap interval.
        better: probability that a run of the tier's first entry beats one of this, averaged over
            tasks, and its interval; None for the first itself.
        effort: median evaluations to :data:`THRESHOLD` over all runs; infinite where most miss it.
        solved: fraction of the runs that reach it.
        seconds: median wall-clock of a run as claimed; None where nothing is claimed.
    """

    verdict: Verdict
    badge: Badge
    tier: int
    mean: float
    interval: tuple[float, float]
    better: tuple[float, tuple[float, float]] | None
    effort: float
    solved: float
    seconds: float | None

    @property
    def name(self) -> str:
        """Of the entry."""
        return self.verdict.name


def rank(judged: Sequence[tuple[Verdict, Badge]]) -> list[Row]:
    """Sorts entries of one suite into tiers, best first.

    An entry shares the tier above it unless the 95 % interval of the probability that the tier's
    first entry beats it lies above one half.  (Below one half the means say one thing and the
    single runs another: that is no order either.)  Equal means are in the order of names.
    """
    rated = [(float(interquartile_mean(v.scores.ravel())), v, badge) for v, badge in judged]
    rated.sort(key=lambda one: (-round(one[0], 9), one[1].name))
    rows: list[Row] = []
    first: Verdict | None = None
    tier = 0
    for mean, verdict, badge in rated:
        better = None if first is None else _better(first, verdict)
        if better is None or better[1][0] > 0.5:
            first, tier, better = verdict, tier + 1, None
        rows.append(_row(verdict, badge, tier, mean, better))
    return rows


def _better(first: Verdict, other: Verdict) -> tuple[float, tuple[float, float]]:
    pair = list(first.scores), list(other.scores)
    return probability_of_improvement(*pair), improvement_interval(*pair)


def _row(
    verdict: Verdict,
    badge: Badge,
    tier: int,
    mean: float,
    better: tuple[float, tuple[float, float]] | None,
) -> Row:
    efforts = [evaluations_to(curve, THRESHOLD) for one in verdict.judged for curve in one.curves]
    claimed = [s for one in verdict.judged for s in one.seconds if s is not None]
    return Row(
        verdict,
        badge,
        tier,
        mean,
        bootstrap_interval(list(verdict.scores)),
        better,
        median_effort(efforts),
        float(np.isfinite(efforts).mean()),
        float(median(claimed)) if claimed else None,
    )
