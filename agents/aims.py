"""What an agent that plans is after: the best return under budgets, or the cheapest good design."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hwenvs.agents.planning import Planner
from hwenvs.problems.budgeting import compile_budget
from hwenvs.problems.chain import ChainProblem
from hwenvs.problems.rewards import RatioReward
from hwenvs.solving.records import Run

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BISECTIONS = 14
"""Halvings of the range of costs; the last steps are finer than most options."""


class Forecast(Protocol):
    """Returns as an agent believes in them."""

    @property
    def values(self) -> list[Floats]:
        """Per decision what each of its options contributes [K]."""
        ...

    def reaches(self, options: Ints, level: float) -> bool:
        """Whether ``options`` [T] are believed to return ``level`` or more."""
        ...


class Aim(Protocol):
    """What is learned from episodes, and what is planned."""

    def returns(self, run: Run) -> Floats:
        """What episodes [n] brought, to regress on."""
        ...

    def focus(self, returns: Floats) -> float:
        """The return around which the regression has to be right."""
        ...

    def explore(self, random: np.random.Generator, spread: tuple[float, float]) -> Ints:
        """Options [T] to learn from while nothing is known."""
        ...

    def plan(self, forecast: Forecast) -> Ints:
        """The options [T] to try next."""
        ...


class BestReturn:
    """The largest reward that the budgets allow.

    Args:
        planner: knows options and costs.
    """

    def __init__(self, planner: Planner) -> None:
        self.planner = planner

    def returns(self, run: Run) -> Floats:
        """Rewards."""
        return np.array(run.rewards)

    def focus(self, returns: Floats) -> float:
        """The best so far."""
        return float(returns.max())

    def explore(self, random: np.random.Generator, spread: tuple[float, float]) -> Ints:
        """Random options that spend the budget."""
        return self.planner.random_options(random, spread)

    def plan(self, forecast: Forecast) -> Ints:
        """The best options that the budgets allow."""
        return self.planner.plan(forecast.values)


class SmallestAccurate:
    """The largest ratio of compression at an accuracy: costs are known, accuracies are learned.

    Args:
        planner: knows options and costs.
        problem: its reward is a :class:`~hwenvs.problems.rewards.RatioReward`.
    """

    def __init__(self, planner: Planner, problem: ChainProblem) -> None:
        assert isinstance(problem.reward, RatioReward)
        self.level = problem.reward.baseline - problem.reward.drop
        quantity, quantities = problem.reward.quantity, [b.quantity for b in problem.budgets]
        assert quantity is not None
        if quantity in quantities:
            self.planner, self.number = planner, quantities.index(quantity)
            budget = problem.budgets[self.number]
        else:  # the cost that is to be small has no limit of its own
            budget = compile_budget(problem.tables, quantity, None)
            self.planner, self.number = planner.limited(budget), len(quantities)
        self.low = float(np.log(budget.minimum))
        self.high = float(np.log(min(budget.full, budget.limit)))

    def returns(self, run: Run) -> Floats:
        """Accuracies: a ratio says nothing about them, except that they suffice."""
        return np.array(run.accuracies)

    def focus(self, returns: Floats) -> float:  # noqa: ARG002
        """The accuracy that must be kept."""
        return self.level

    def explore(self, random: np.random.Generator, spread: tuple[float, float]) -> Ints:
        """Random options of any cost."""
        most = np.exp(random.uniform(self.low, self.high))
        return self._within(most).random_options(random, spread)

    def plan(self, forecast: Forecast) -> Ints:
        """The cheapest options that are believed to be accurate enough."""
        low, high = self.low, self.high
        best = self._within(np.exp(high)).plan(forecast.values)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            options = self._within(np.exp(middle)).plan(forecast.values)
            if forecast.reaches(options, self.level):
                high, best = middle, options
            else:
                low = middle
        return best

    def _within(self, most: float) -> Planner:
        return self.planner.within(self.number, most)


def aim_of(problem: ChainProblem, planner: Planner) -> Aim:
    """What ``problem`` pays for."""
    if isinstance(problem.reward, RatioReward):
        return SmallestAccurate(planner, problem)
    return BestReturn(planner)
