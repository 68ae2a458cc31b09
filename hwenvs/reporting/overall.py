"""Solvers over all environments at once: who is better, how sure that is, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwenvs.reporting.results import KNOWING, THRESHOLDS, Results, Summary
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


@dataclass(frozen=True)
class Standing:
    """One solver on all the environments that it ran on.

    Attributes:
        solver: its name.
        strata: by place of the environment the best scores of the runs.
        median: of all runs.
        mean: interquartile mean of all runs.
        interval: its 95 % stratified bootstrap interval; None if no environment has two runs.
        area: mean over environments of the area under the curves of best scores.
        efforts: by threshold the median evaluations of all runs to it.
        reaches: by threshold the number of runs that reach it.
        evaluations: of the environment where its runs had the fewest: those that miss a threshold
            need more of them everywhere.
    """

    solver: str
    strata: dict[int, Floats]
    median: float
    mean: float
    interval: tuple[float, float] | None
    area: float
    efforts: dict[float, float]
    reaches: dict[float, int]
    evaluations: int

    @property
    def runs(self) -> int:
        """On all environments."""
        return sum(len(scores) for scores in self.strata.values())

    @property
    def even(self) -> bool:
        """Whether it ran equally often on all its environments, which then weigh the same."""
        return len({len(scores) for scores in self.strata.values()}) == 1


@dataclass(frozen=True)
class Improvement:
    """How probably one solver beats another on an environment drawn at random.

    Attributes:
        value: the probability, ties counting half.
        interval: its 95 % stratified bootstrap interval.
        environments: how many both ran on.
    """

    value: float
    interval: tuple[float, float]
    environments: int


@dataclass(frozen=True)
class Overall:
    """All solvers on all environments with scores.

    Attributes:
        environments: their titles.
        standings: one a solver, best interquartile mean first; after all that are complete, those
            that are not.
        left_out: titles of environments without scores.
    """

    environments: tuple[str, ...]
    standings: tuple[Standing, ...]
    left_out: tuple[str, ...]

    @property
    def champion(self) -> Standing:
        """The best solver that had to look for designs, of those on the most environments.

        One that ran equally often on each comes before any that did not.
        """
        looked = [s for s in self.standings if s.solver not in KNOWING]
        return max(looked or self.standings, key=lambda s: (len(s.strata), s.even, s.mean))

    @cached_property
    def against_champion(self) -> dict[str, Improvement]:
        """By solver how probably it beats the champion; without those of no common environment."""
        others = [standing for standing in self.standings if standing is not self.champion]
        found = {standing.solver: improvement(standing, self.champion) for standing in others}
        return {solver: one for solver, one in found.items() if one is not None}

    def complete(self, standing: Standing) -> bool:
        """Whether a solver ran on all environments, and equally often on each.

        The means of others are of another exam: of fewer tasks, or of tasks that weigh otherwise.
        """
        return _complete(standing, len(self.environments))


def overall(collected: Sequence[Results]) -> Overall | None:
    """Puts environments together; None if none of them has scores."""
    scored = [one for one in collected if all(entry.scored for entry in one.summaries)]
    if not scored:
        return None
    entries: dict[str, dict[int, Summary]] = {}
    for place, results in enumerate(scored):
        for entry in results.summaries:
            entries.setdefault(entry.solver, {})[place] = entry
    standings = [_standing(solver, found) for solver, found in entries.items()]
    standings.sort(key=lambda one: (not _complete(one, len(scored)), -one.mean, one.solver))
    left_out = tuple(one.title for one in collected if one not in scored)
    return Overall(tuple(one.title for one in scored), tuple(standings), left_out)


def improvement(first: Standing, second: Standing, interval: bool = True) -> Improvement | None:
    """How probably ``first`` beats ``second``; None if no environment has both.

    Args:
        first: one solver.
        second: another.
        interval: whether its interval is wanted, which takes some time; NaN otherwise.
    """
    common = sorted(first.strata.keys() & second.strata.keys())
    if not common:
        return None
    pair = [first.strata[n] for n in common], [second.strata[n] for n in common]
    ends = improvement_interval(*pair) if interval else (np.nan, np.nan)
    return Improvement(probability_of_improvement(*pair), ends, len(common))


def _complete(standing: Standing, environments: int) -> bool:
    """Whether it is of all ``environments``, and of each equally often."""
    return len(standing.strata) == environments and standing.even


def _standing(solver: str, entries: dict[int, Summary]) -> Standing:
    strata = {place: entry.finals for place, entry in entries.items()}
    pooled = np.concatenate(list(strata.values()))
    curves = [run.best_so_far() for entry in entries.values() for run in entry.runs]
    efforts = {level: [evaluations_to(curve, level) for curve in curves] for level in THRESHOLDS}
    repeated = any(len(scores) > 1 for scores in strata.values())
    return Standing(
        solver,
        strata,
        float(median(pooled)),
        float(interquartile_mean(pooled)),
        bootstrap_interval(list(strata.values())) if repeated else None,
        float(np.mean([entry.area for entry in entries.values() if entry.area is not None])),
        {level: median_effort(needed) for level, needed in efforts.items()},
        {level: int(np.isfinite(needed).sum()) for level, needed in efforts.items()},
        min(entry.evaluations for entry in entries.values()),
    )
