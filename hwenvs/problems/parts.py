"""What a chain problem is made of, and whole designs lowered to what its budgets allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.problems.budget import Budget
from hwenvs.problems.decision import LEVELS, Decisions
from hwenvs.problems.features import Features
from hwenvs.problems.rewards import Reward
from hwenvs.problems.tables import Tables
from hwenvs.proxies import AccuracyProxy

Ints = NDArray[np.int64]

CONSTRAINTS = ("bounded", "projected", "backoff")
"""Ways to keep the budget: each decision in turn, or the whole design at the end, scaled by a
common factor or lowered option by option."""

Lowering = Callable[[Ints, Ints], Ints]
"""Gives options [T, B] lowered to levels [B]."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The parts of a chain problem.

    Attributes:
        decisions: options of every decision.
        tables: costs and divergences of neighbouring options.
        budgets: the limits, at least one; the first is the one that agents see.
        features: what agents see.
        proxy: estimates accuracies.
        reward: paid at the end.
        constraint: one of :data:`CONSTRAINTS`.
    """

    decisions: Decisions
    tables: Tables
    budgets: tuple[Budget, ...]
    features: Features
    proxy: AccuracyProxy
    reward: Reward
    constraint: str

    def projected(self, options: Ints, bounded: Callable[[Ints], Ints]) -> Ints:
        """``options`` [T, B] scaled by the largest common factor that meets all budgets.

        Args:
            options: what is asked for.
            bounded: lowers options one by one, for designs whose floor is still too dear.
        """
        return self._lowered(options, self.decisions.scaled, LEVELS, bounded)

    def backed_off(self, options: Ints, bounded: Callable[[Ints], Ints]) -> Ints:
        """``options`` [T, B] lowered option by option, in turn, until they meet all budgets.

        Args:
            options: what is asked for.
            bounded: as for :meth:`projected`.
        """
        return self._lowered(options, self.decisions.stepped, self.decisions.visits, bounded)

    def _lowered(
        self, options: Ints, lower: Lowering, top: int, bounded: Callable[[Ints], Ints]
    ) -> Ints:
        """``options`` [T, B] lowered to the highest level that meets the budgets, by bisection.

        Where a lower option may cost more, it is a level that meets them below one that does not.

        Args:
            options: what is asked for, at level ``top``.
            lower: gives the options [T, B] at levels [B].
            top: the level that leaves everything as it is; at 0 all options are the lowest.
            bounded: as for :meth:`projected`.
        """
        options = options.copy()
        over = np.flatnonzero(~self._within(options, finished=True))
        if not len(over):
            return options
        asked = options[:, over]
        low, high = np.zeros(len(over), dtype=np.int64), np.full(len(over), top)
        while (high - low > 1).any():
            middle = (low + high) // 2
            fits = self._within(lower(asked, middle))
            low, high = np.where(fits, middle, low), np.where(fits, high, middle)
        lowered = lower(asked, low)
        # Where a cost is not monotone even the floor may be too dear: then decide one by one.
        dear = ~self._within(lowered)
        if dear.any():
            lowered[:, dear] = bounded(lowered[:, dear])
        options[:, over] = lowered
        return options

    def _within(self, options: Ints, finished: bool = False) -> NDArray[np.bool_]:
        """Whether ``options`` [T, B] meet all budgets, [B]; costs are added up in order."""
        rows = list(self.tables.rows(options))
        fits = np.ones(options.shape[1], dtype=bool)
        for budget in self.budgets:
            fits &= budget.total(rows) <= (budget.most if finished else budget.limit)
        return fits
