"""The certified optimum of a chain problem, by label setting with Lagrangian bounds.

The surrogate's divergence and all budgeted costs are sums over pairs of neighbouring decisions, so
the best design is a resource-constrained shortest path.  The search keeps every prefix that is not
dominated and that some Lagrangian bound still allows to beat the best known design; it runs with
more and more room, each time starting from the best design of the run before, until nothing had to
be dropped.  Then the design is optimal, and the certificate says so; else it gives the gap to the
Lagrangian bound.

Sums are taken in the environment's own order and bounds compared with a margin far above rounding
(see :mod:`hwenvs.baselines.labels`): the optimum is that of the floating-point problem which the
environment poses, not of an idealised one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from hwenvs.baselines.labels import Frontier, LabelSearch, Targets
from hwenvs.baselines.lagrangian import Floats, Ints, Pricing, least
from hwenvs.baselines.targets import (
    Objective,
    around,
    best_for,
    budget_targets,
    lower_bounds,
    prices,
    sweep,
    trade_targets,
)
from hwenvs.problems import Problem

WIDTHS = (1_000, 20_000, 300_000, 3_000_000)
"""Most labels per decision, run by run."""

WIDTHS_OF_MANY = (1_000, 20_000)
"""The same with three resources or more, where dominance is rare and takes long to find."""

_known: WeakKeyDictionary[Problem, Optimum] = WeakKeyDictionary()


@dataclass(frozen=True)
class Optimum:
    """The best design of a problem, and how sure that is.

    Attributes:
        design: [T] kept channels.
        reward: its reward.
        accuracy: its accuracy, a fraction.
        divergence: its divergence.
        costs: its costs in SI units.
        bound: no design earns more than this.
        proved: whether the search was exhaustive, so that ``bound == reward``.
        labels: prefixes that the last run kept, a measure of its effort.
        seconds: wall time.
    """

    design: tuple[int, ...]
    reward: float
    accuracy: float
    divergence: float
    costs: dict[str, float]
    bound: float
    proved: bool
    labels: int
    seconds: float

    @property
    def gap(self) -> float:
        """By how much another design might earn more; 0 if proved."""
        return self.bound - self.reward

    @property
    def certificate(self) -> str:
        """One sentence for people."""
        if self.proved:
            return f"proved optimal in {self.seconds:.1f} s ({self.labels:,} prefixes)"
        return f"not proved: at most {self.gap:.2e} of reward below the optimum"

    @property
    def status(self) -> str:
        """The same in two words, for run records: ``proved``, or ``gap`` and how much."""
        return "proved" if self.proved else f"gap {self.gap:.1e}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able entries."""
        return {
            "design": list(self.design),
            "reward": self.reward,
            "accuracy": self.accuracy,
            "divergence": self.divergence,
            "costs": self.costs,
            "bound": self.bound,
            "proved": self.proved,
            "labels": self.labels,
            "seconds": self.seconds,
        }


def optimum(problem: Problem) -> Optimum:
    """The best design of ``problem``; found once per problem and process.

    Raises:
        SolverError: if the problem is not a chain of tables.
    """
    if problem not in _known:
        _known[problem] = find_optimum(problem)
    return _known[problem]


def find_optimum(problem: Problem, widths: tuple[int, ...] | None = None) -> Optimum:
    """The best design of ``problem``.

    Args:
        problem: a chain problem on a surrogate proxy.
        widths: most labels per decision, run by run; the search ends with the first complete run.
            :data:`WIDTHS` without it, or :data:`WIDTHS_OF_MANY`.

    Raises:
        SolverError: if the problem is not a chain of tables.
    """
    started = time.perf_counter()
    objective = Objective.of(problem)
    search = _Search(objective)
    many = len(objective.limit) > 2
    for width in widths or (WIDTHS_OF_MANY if many else WIDTHS):
        if search.run(width):
            break
    outcome = problem.evaluate(np.array([search.design]))
    reward = float(outcome.reward[0])
    return Optimum(
        tuple(int(kept) for kept in outcome.designs[0]),
        reward,
        float(outcome.accuracy[0]),
        float(outcome.divergence[0]),
        {quantity: float(values[0]) for quantity, values in outcome.costs.items()},
        reward if search.proved else max(search.bound(), reward),
        search.proved,
        search.labels,
        time.perf_counter() - started,
    )


class _Search:
    """The best design so far, and runs that improve or prove it."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.proved, self.labels = False, 0
        self.best: tuple[float, float, float] | None = None
        self.options: Ints = np.zeros(objective.chain.horizon, dtype=np.int64)
        met: list[tuple[int, ...]]
        if objective.trades:
            self.pricings, met = sweep(objective)
        else:
            found, met = prices(objective, objective.limit)
            self.pricings = around(objective.chain, best_for(found, objective.limit[None, :])[0])
        met += [least(objective.chain, r).options for r in range(len(objective.limit))]
        self._offer(np.array(met))

    @property
    def design(self) -> list[int]:
        """The best design so far, as kept channels."""
        decisions = self.objective.problem.decisions
        return [int(d.kept[option]) for d, option in zip(decisions, self.options, strict=True)]

    def run(self, width: int) -> bool:
        """Searches with room for ``width`` labels; tells whether the best design is proved."""
        targets, pricings = self._targets()
        frontier = LabelSearch(self.objective.chain, targets, pricings, width).run()
        self._offer_frontier(frontier)
        self.proved, self.labels = frontier.complete, frontier.labels
        return self.proved

    def bound(self) -> float:
        """What no design can earn more than, from prices alone."""
        objective = self.objective
        corners = objective.limit[None, :]
        if not objective.trades:
            low = lower_bounds(self.pricings, corners)
            return float(objective.reward(low, corners.T)[0])
        best = self.best[0] if self.best else -np.inf
        targets = trade_targets(objective, best, self.pricings)
        low = lower_bounds(self.pricings, targets.resources)
        cheapest = np.concatenate([[_cheapest(objective)], targets.resources[:-1, 0]])
        rewards = objective.reward(low, np.broadcast_to(cheapest, targets.resources.T.shape))
        return float(rewards.max(initial=best))

    def _targets(self) -> tuple[Targets, list[Pricing]]:
        objective = self.objective
        assert self.best is not None
        if not objective.trades:
            return budget_targets(objective, -self.best[1]), self.pricings
        corners = trade_targets(objective, self.best[0], self.pricings).resources
        for corner in (corners[0], corners[len(corners) // 2], corners[-1]):
            pricings, met = prices(objective, corner)
            self.pricings += pricings
            self._offer(np.array(met))
        targets = trade_targets(objective, self.best[0], self.pricings)
        best = best_for(self.pricings, targets.resources)
        return targets, [*best, *around(objective.chain, best[len(best) // 2])[1:]]

    def _offer(self, options: Ints) -> None:
        rows = [self.objective.chain.of(design) for design in options.tolist()]
        divergence = np.array([row[0] for row in rows])
        self._keep_best(options, divergence, np.array([row[1] for row in rows]).T)

    def _offer_frontier(self, frontier: Frontier) -> None:
        if len(frontier.divergence):
            self._keep_best(frontier.designs, frontier.divergence, frontier.resources)

    def _keep_best(self, options: Ints, divergence: Floats, resources: Floats) -> None:
        """Remembers the best design: by reward, then divergence, then cost."""
        fits = np.all(resources <= self.objective.limit[:, None], axis=0)
        reward = self.objective.reward(divergence, resources)
        order = np.lexsort((resources[0], divergence, -reward, ~fits))
        first = int(order[0])
        found = (float(reward[first]), -float(divergence[first]), -float(resources[0, first]))
        if fits[first] and (self.best is None or found > self.best):
            self.best, self.options = found, options[first]


def _cheapest(objective: Objective) -> float:
    chain = objective.chain
    return float(chain.of(least(chain, 0).options)[1][0])
