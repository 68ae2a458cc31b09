"""Planning with known costs: the best options under a budget, once their values are given."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hwenvs.problems.budget import Budget
from hwenvs.problems.chain import ChainProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Limit:
    """A budget as plans see it.

    Attributes:
        costs: per decision [K before (1 for the first), K] in SI units.
        start: cost of what no decision shapes.
        most: what may be spent.
    """

    costs: tuple[Floats, ...]
    start: float
    most: float

    @classmethod
    def of(cls, budget: Budget) -> Limit:
        """The limit of ``budget``."""
        pairs = zip(budget.cost, budget.width, strict=True)
        costs = tuple(np.asarray(cost).reshape(-1, width) for cost, width in pairs)
        return cls(costs, budget.before[0], budget.limit)

    def cost(self, options: Ints) -> float:
        """Cost of ``options`` [T] in SI units."""
        spent, previous = self.start, 0
        for cost, option in zip(self.costs, options, strict=True):
            spent += cost[previous, option]
            previous = option
        return float(spent)


class Planner:
    """What is known without evaluating: options and their costs.

    Args:
        problem: the problem; only its options, its cost tables and its budgets are read.
    """

    def __init__(self, problem: ChainProblem) -> None:
        self.ratios = [np.asarray(d.kept) / d.size for d in problem.decisions]
        self.limits = [Limit.of(budget) for budget in problem.budgets]

    def limited(self, budget: Budget) -> Planner:
        """The same planner with one more limit, its last."""
        other = copy(self)
        other.limits = [*self.limits, Limit.of(budget)]
        return other

    def within(self, number: int, most: float) -> Planner:
        """The same planner with another amount for one of its limits."""
        other = copy(self)
        other.limits = list(self.limits)
        other.limits[number] = replace(self.limits[number], most=most)
        return other

    def fits(self, options: Ints) -> bool:
        """Whether ``options`` [T] meet all budgets."""
        return all(limit.cost(options) <= limit.most for limit in self.limits)

    def random_options(self, random: np.random.Generator, spread: tuple[float, float]) -> Ints:
        """Random options at the budget: a drift over depth plus noise, scaled until it fits."""
        width, count = random.uniform(*spread), len(self.ratios)
        drift = np.interp(np.linspace(0, 3, count), range(4), random.normal(0, width, 4))
        ratios = np.exp(drift + random.normal(0, width, count))
        low, high = 0.0, float(1 / ratios.min())
        best = self._nearest(0.0 * ratios)
        for _ in range(20):
            middle = (low + high) / 2
            options = self._nearest(middle * ratios)
            if self.fits(options):
                low, best = middle, options
            else:
                high = middle
        return best

    def plan(self, values: list[Floats]) -> Ints:
        """Options [T] with a large sum of ``values`` that the budgets allow.

        A Lagrange multiplier prices the budget; for each price the best options come from dynamic
        programming over the decisions.  Several budgets are priced together, in several mixtures;
        only if none of these leads within all budgets, the best of what they lead to is taken.
        """
        free = self._priced(values, [0.0 * cost for cost in self.limits[0].costs], 0.0)
        if self.fits(free):
            return free
        plans = [self._plan(values, shares) for shares in mixtures(len(self.limits))]
        return max(plans, key=lambda o: (self.fits(o), self._worth(values, o)))

    def _plan(self, values: list[Floats], shares: Floats) -> Ints:
        """The best options when budgets are priced in proportion to ``shares``."""
        mixed = [
            sum(
                (s / limit.most * c for s, limit, c in zip(shares, self.limits, step, strict=True)),
                start=np.zeros(1),
            )
            for step in zip(*(limit.costs for limit in self.limits), strict=True)
        ]
        best = self._priced(values, mixed, float(np.exp(8.0)))
        low, high = -18.0, 8.0
        for _ in range(16):
            middle = (low + high) / 2
            options = self._priced(values, mixed, float(np.exp(middle)))
            if self.fits(options):
                high, best = middle, options
            else:
                low = middle
        return self._filled(values, best)

    def _filled(self, values: list[Floats], options: Ints) -> Ints:
        """``options`` [T] after spending what is left of the budgets, best change first.

        Prices reach only designs on the convex hull of value and cost; single changes reach more.
        """
        options = options.copy()
        while True:
            left = [limit.most - limit.cost(options) for limit in self.limits]
            best, change = 0.0, None
            for t, value in enumerate(values):
                gain = value - value[options[t]]
                for limit, room in zip(self.limits, left, strict=True):
                    costs = limit.costs[t][options[t - 1] if t else 0]
                    if t + 1 < len(values):
                        costs = costs + limit.costs[t + 1][:, options[t + 1]]
                    gain[costs - costs[options[t]] > room] = 0.0
                pick = int(gain.argmax())
                if gain[pick] > best:
                    best, change = float(gain[pick]), (t, pick)
            if change is None:
                return options
            options[change[0]] = change[1]

    def _priced(self, values: list[Floats], costs: Sequence[Floats], price: float) -> Ints:
        total, back = np.zeros(1), []
        for gain, cost in zip(values, costs, strict=True):
            table = total[:, None] - price * cost
            choice = table.argmax(0)
            total = table[choice, np.arange(len(gain))] + gain
            back.append(choice)
        options = np.empty(len(values), dtype=np.int64)
        options[-1] = total.argmax()
        for t in range(len(values) - 1, 0, -1):
            options[t - 1] = back[t][options[t]]
        return options

    @staticmethod
    def _worth(values: list[Floats], options: Ints) -> float:
        return float(sum(value[option] for value, option in zip(values, options, strict=True)))

    def _nearest(self, wanted: Floats) -> Ints:
        return np.array(
            [np.abs(ratios - w).argmin() for ratios, w in zip(self.ratios, wanted, strict=True)]
        )


def mixtures(count: int) -> Floats:
    """Shares ``[M, count]`` in which budgets are priced: each alone, pairs, and all alike."""
    alone = np.eye(count)
    pairs = [
        share * alone[i] + (1 - share) * alone[j]
        for i in range(count)
        for j in range(i)
        for share in (0.25, 0.5, 0.75)
    ]
    return np.unique(np.vstack([alone, *pairs, np.full((1, count), 1 / count)]), axis=0)
