"""The true front of accuracy against one cost, as far as it was looked at, with a certificate.

The best design within an amount is a point of the front (the epsilon-constraint method: Haimes,
Lasdon and Wismer, IEEE Trans. SMC 1971), and :mod:`hwenvs.baselines.exact` proves it best.  Between
two amounts nothing beats the better of the two, so a few of them bound the whole front from both
sides.  Each new amount halves the gap that is open widest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.arguments import check_whole
from hwenvs.baselines.exact import find_optimum
from hwenvs.baselines.targets import Objective
from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.multiobjective.environment import POINTS
from hwenvs.problems import Problem
from hwenvs.problems.budget import Budget
from hwenvs.problems.budgeting import compile_budgets
from hwenvs.problems.chain import ChainProblem
from hwenvs.problems.rewards import get_reward
from hwenvs.reporting.fronts import non_dominated
from hwenvs.solving.records import Run

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Corner:
    """The best that an amount can buy.

    Attributes:
        amount: the amount, a fraction of the uncompressed cost.
        cost: what the best design within it costs, likewise.
        accuracy: its accuracy, a fraction.
        bound: no design within the amount is more accurate than this.
        design: [T] its entries.
        proved: whether ``bound == accuracy``.
    """

    amount: float
    cost: float
    accuracy: float
    bound: float
    design: tuple[int, ...]
    proved: bool


@dataclass(frozen=True)
class Front:
    """Accuracy against a cost.

    Attributes:
        quantity: the cost.
        full: of the uncompressed network, in SI units.
        corners: by amount, ascending; accuracies never fall.
    """

    quantity: str
    full: float
    corners: tuple[Corner, ...]

    @property
    def proved(self) -> bool:
        """Whether every corner is."""
        return all(corner.proved for corner in self.corners)

    @property
    def designs(self) -> list[tuple[int, ...]]:
        """Designs of which none beats another, from the cheapest on."""
        return [self.corners[index].design for index in self._chosen()]

    @property
    def vectors(self) -> Floats:
        """[N, 2] their accuracies and negative costs, as rewards are paid."""
        chosen = [self.corners[index] for index in self._chosen()]
        return np.array([[corner.accuracy, -corner.cost] for corner in chosen])

    @property
    def hypervolume(self) -> float:
        """What these designs dominate, measured from accuracy 0 at the uncompressed cost."""
        return hypervolume(self.vectors)

    @property
    def hypervolume_bound(self) -> float:
        """What no set of designs can dominate more than."""
        starts = [self.corners[0].cost, *(corner.amount for corner in self.corners)]
        best = [[corner.bound, -start] for corner, start in zip(self.corners, starts, strict=False)]
        return hypervolume(best)

    def share(self, run: Run) -> float:
        """How much of :attr:`hypervolume_bound` the designs of ``run`` dominate, at most 1.

        Args:
            run: of the same environment, whatever its budget.

        Raises:
            UnknownNameError: if the record has no such cost.
        """
        if self.quantity not in run.costs:
            raise unknown_name("cost", self.quantity, run.costs)
        costs = np.array(run.costs[self.quantity]) / self.full
        return hypervolume(np.column_stack([run.accuracies, -costs])) / self.hypervolume_bound

    def _chosen(self) -> list[int]:
        accuracies = [corner.accuracy for corner in self.corners]
        costs = [corner.cost for corner in self.corners]
        return [int(index) for index in non_dominated(accuracies, costs)]


def certified_front(problem: Problem, quantity: str, points: int = POINTS) -> Front:
    """The front of ``problem``, from the cheapest design to the uncompressed cost.

    Limits of the problem on other costs hold for all of it, and one on this cost ends it.

    Args:
        problem: with accuracies from tables.
        quantity: the cost.
        points: how many optima are looked for, at least 2; fewer if nothing is left open.

    Raises:
        SolverError: if accuracies do not come from tables.
        UnknownNameError: if the hardware does not report the cost.
        BudgetError: if one of several costs may fall as more is kept.
        ArgumentError: if ``points`` is no whole number from 2 on.
    """
    points = check_whole("points of a front", points, 2)
    chain = Objective.of(problem).problem  # refuses what is no chain of tables
    budgets = _budgets(chain, quantity)
    corners = [
        _best(chain, budgets, amount)
        for amount in dict.fromkeys((budgets[0].minimum, min(budgets[0].amount, budgets[0].full)))
    ]
    while 1 < len(corners) < points:
        gaps = [_open(left, right) for left, right in pairwise(corners)]
        place = int(np.argmax(gaps))
        amount = (corners[place].amount + corners[place + 1].cost) / 2
        if gaps[place] <= 0:
            break
        corners.insert(place + 1, _best(chain, budgets, amount * budgets[0].full))
    return Front(quantity, budgets[0].full, tuple(corners))


def _budgets(problem: ChainProblem, quantity: str) -> tuple[Budget, ...]:
    """Limits to look for designs within: on ``quantity`` first, then what ``problem`` has."""
    limits = {one.quantity: one.fraction for one in problem.budgets if np.isfinite(one.amount)}
    limits = {quantity: min(limits.pop(quantity, 1.0), 1.0), **limits}
    return compile_budgets(problem.tables, quantity, limits)


def _best(problem: ChainProblem, budgets: tuple[Budget, ...], amount: float) -> Corner:
    """The best design within ``amount``, in SI units, of the first of ``budgets``."""
    first, *others = budgets
    found = find_optimum(_Limited(problem, (replace(first, amount=amount), *others)))
    return Corner(
        amount / first.full,
        found.costs[first.quantity] / first.full,
        found.accuracy,
        found.bound,
        found.design,
        found.proved,
    )


def _open(left: Corner, right: Corner) -> float:
    """The area between two neighbours in which designs may lie that nobody looked for."""
    return (right.bound - left.accuracy) * (right.cost - left.amount)


class _Limited(ChainProblem):
    """Another problem within other limits, paid in accuracy."""

    def __init__(self, base: ChainProblem, budgets: tuple[Budget, ...]) -> None:
        self.family, self.title, self._base = base.family, base.title, base
        super().__init__(replace(base.chain, budgets=budgets, reward=get_reward("accuracy")))

    def spec(self) -> dict[str, Any]:
        """That of the other problem, with the limits."""
        limits = {budget.quantity: budget.fraction for budget in self.budgets}
        return {**self._base.spec(), "budget": limits, "reward": "accuracy"}


def hypervolume(points: ArrayLike, reference: Sequence[float] = (0.0, -1.0)) -> float:
    """The area that ``points`` [N, 2], to be maximised, dominate above ``reference``; exact.

    Raises:
        ArgumentError: if they are not pairs of numbers.
    """
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 2 or len(reference) != 2 or np.isnan(values).any():
        raise ArgumentError("a hypervolume is of pairs [N, 2] of numbers, above a pair")
    better = values[(values > np.asarray(reference)).all(axis=1)]
    chosen = better[non_dominated(better[:, 0], -better[:, 1])]
    if not len(chosen):
        return 0.0
    widths = chosen[:, 1] - np.append(chosen[1:, 1], reference[1])
    return float((widths * (chosen[:, 0] - reference[0])).sum())
