"""Planning with known costs: the best options under a budget, once their values are given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwenvs.problems.chain import ChainProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Planner:
    """What is known without evaluating: options and their costs.

    Args:
        problem: the problem; only its options, its cost tables and its budget are read.
    """

    def __init__(self, problem: ChainProblem) -> None:
        self.problem = problem
        self.ratios = [np.asarray(d.kept) / d.size for d in problem.decisions]
        self.limit = problem.budget.limit
        widths = [len(ratios) for ratios in self.ratios]
        self.costs = [
            np.asarray(cost).reshape(-1, width)[: widths[t - 1] if t else 1]
            for t, (cost, width) in enumerate(zip(problem.budget.cost, widths, strict=True))
        ]

    def cost(self, options: Ints) -> float:
        """Budgeted cost of ``options`` [T] in SI units."""
        spent, previous = self.problem.budget.before[0], 0
        for cost, option in zip(self.costs, options, strict=True):
            spent += cost[previous, option]
            previous = option
        return float(spent)

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
            if self.cost(options) <= self.limit:
                low, best = middle, options
            else:
                high = middle
        return best

    def plan(self, values: list[Floats]) -> Ints:
        """Options [T] with the largest sum of ``values`` that the budget allows.

        A Lagrange multiplier prices the budget; for each price the best options come from dynamic
        programming over the decisions.
        """
        best = self._priced(values, 0.0)
        if self.cost(best) <= self.limit:
            return best
        best = self._priced(values, np.exp(8.0) / self.limit)
        low, high = -18.0, 8.0
        for _ in range(16):
            middle = (low + high) / 2
            options = self._priced(values, np.exp(middle) / self.limit)
            if self.cost(options) <= self.limit:
                high, best = middle, options
            else:
                low = middle
        return self._filled(values, best)

    def _filled(self, values: list[Floats], options: Ints) -> Ints:
        """``options`` [T] after spending what is left of the budget, best change first.

        Prices reach only designs on the convex hull of value and cost; single changes reach more.
        """
        options = options.copy()
        while True:
            left = self.limit - self.cost(options)
            best, change = 0.0, None
            for t, value in enumerate(values):
                costs = self.costs[t][options[t - 1] if t else 0]
                if t + 1 < len(values):
                    costs = costs + self.costs[t + 1][:, options[t + 1]]
                gain = value - value[options[t]]
                gain[costs - costs[options[t]] > left] = 0.0
                pick = int(gain.argmax())
                if gain[pick] > best:
                    best, change = float(gain[pick]), (t, pick)
            if change is None:
                return options
            options[change[0]] = change[1]

    def _priced(self, values: list[Floats], price: float) -> Ints:
        total, back = np.zeros(1), []
        for gain, cost in zip(values, self.costs, strict=True):
            table = total[:, None] - price * cost
            choice = table.argmax(0)
            total = table[choice, np.arange(len(gain))] + gain
            back.append(choice)
        options = np.empty(len(values), dtype=np.int64)
        options[-1] = total.argmax()
        for t in range(len(values) - 1, 0, -1):
            options[t - 1] = back[t][options[t]]
        return options

    def _nearest(self, wanted: Floats) -> Ints:
        return np.array(
            [np.abs(ratios - w).argmin() for ratios, w in zip(self.ratios, wanted, strict=True)]
        )
