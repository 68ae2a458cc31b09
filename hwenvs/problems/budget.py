"""The budget, and the largest option that still leaves enough of it for the decisions to come.

``need[t][i, j]`` is what option j of decision t costs after option i of decision t - 1, plus the
least that all later decisions can cost after j: an exact minimum by dynamic programming, also where
a latency table is not monotone.  An option is affordable if its need fits into what is left, and
since the cheapest continuation of an affordable option is affordable, every walk ends within the
budget.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE = 1e-12
"""Relative excess that counts as within the budget: rounding of sums. Walks use half of it."""


@dataclass(frozen=True, eq=False)
class Budget:
    """A limit on one cost of a chain of decisions.

    Attributes:
        quantity: the cost, e.g. ``"macs"``.
        amount: the limit in SI units; infinite without a budget.
        before: [T + 1] cost of the uncompressed network up to each decision, in SI units.
        minimum: cost of the cheapest design in SI units.
        cost: per decision [rows] the cost of pairs of options, flat.
        need: per decision [rows] that cost and the least later cost.
        tail: per decision [rows] the least need of an option and of all above it.
        dearest: per decision the largest need.
        monotone: per decision whether needs never fall as options grow.
        width: [T] numbers of options.
    """

    quantity: str
    amount: float
    before: tuple[float, ...]
    minimum: float
    cost: tuple[Floats, ...]
    need: tuple[Floats, ...]
    tail: tuple[Floats, ...]
    dearest: tuple[float, ...]
    monotone: tuple[bool, ...]
    width: tuple[int, ...]

    def total(self, rows: Iterable[Ints]) -> Floats:
        """Costs [B] of designs in SI units, added up in order.

        Args:
            rows: per decision [B] which pairs of options, as :meth:`Tables.rows` gives them.
        """
        spent: Floats = np.array([self.before[0]])
        for cost, row in zip(self.cost, rows, strict=True):
            spent = spent + cost.take(row)
        return spent

    @property
    def full(self) -> float:
        """Cost of the uncompressed network in SI units."""
        return self.before[-1]

    @property
    def scale(self) -> float:
        """What turns a cost into a fraction of the uncompressed network's."""
        return 1.0 / self.full

    @property
    def lowest_is_cheapest(self) -> bool:
        """Whether needs never fall as options grow, so that the lowest options cost least."""
        return all(self.monotone)

    @property
    def limit(self) -> float:
        """What walks may spend."""
        return self.amount * (1.0 + TOLERANCE / 2)

    @property
    def most(self) -> float:
        """What counts as within the budget."""
        return self.amount * (1.0 + TOLERANCE)

    @property
    def fraction(self) -> float:
        """The limit as a fraction of the uncompressed network's cost."""
        return self.amount / self.full

    def afford(self, decision: int, previous: Ints, asked: Ints, spent: Floats) -> Ints:
        """The largest affordable options not above ``asked``, else the smallest affordable ones.

        Args:
            decision: number of the decision.
            previous: [B] options of the decision before.
            asked: [B] options asked for.
            spent: [B] cost so far.
        """
        left = self.limit - spent
        if self.dearest[decision] <= left.min(initial=math.inf):
            return asked
        over = self.need[decision].take(previous * self.width[decision] + asked) > left
        (where,) = over.nonzero()
        if not len(where):
            return asked
        asked = asked.copy()
        asked[where] = self._back_off(decision, previous[where], asked[where], left[where])
        return asked

    def fits(self, decision: int, previous: Ints, spent: Floats) -> NDArray[np.bool_]:
        """Which options [B, K] are affordable; the cheapest where none is, through rounding."""
        needs = self.need[decision].reshape(-1, self.width[decision]).take(previous, axis=0)
        within: NDArray[np.bool_] = needs <= (self.limit - spent)[:, None]
        none = np.flatnonzero(~within.any(axis=1))
        within[none, needs[none].argmin(axis=1)] = True
        return within

    def afford_one(self, decision: int, previous: int, asked: int, spent: float) -> int:
        """The same for one walk, where ``asked`` is known not to be affordable."""
        need, left = self.need[decision], self.limit - spent
        start = previous * self.width[decision]
        if self.monotone[decision]:
            return max(bisect_right(need.data, left, start, start + asked) - 1 - start, 0)
        row: list[float] = need[start : start + self.width[decision]].tolist()
        fits = [option for option, amount in enumerate(row) if amount <= left]
        if not fits:
            return row.index(min(row))
        return max((option for option in fits if option <= asked), default=fits[0])

    def _back_off(self, decision: int, previous: Ints, asked: Ints, left: Floats) -> Ints:
        """The largest options up to ``asked`` whose needs are at most ``left``, by bisection.

        ``tail`` holds the least need of an option and all above it, which never falls: the last
        option where it is within ``left`` is the largest that fits.
        """
        width, tail, need = self.width[decision], self.tail[decision], self.need[decision]
        start = previous * width
        best: Ints = np.full(len(asked), -1)
        step = 1 << (width - 1).bit_length()
        while step:
            trial = best + step
            within = trial <= asked
            fits = within & (tail.take(start + np.where(within, trial, 0)) <= left)
            best = np.where(fits, trial, best)
            step >>= 1
        # What fits may lie above what is asked for only, or nothing fits, through rounding.
        (odd,) = ((best < 0) | (need.take(start + np.maximum(best, 0)) > left)).nonzero()
        if len(odd):
            needs = need.reshape(-1, width).take(previous[odd], axis=0)
            best[odd] = _searched(needs, asked[odd], left[odd])
        return best


def _searched(needs: Floats, asked: Ints, left: Floats) -> Ints:
    """What :meth:`Budget.afford` says, from ``needs`` [B, K] of all options."""
    width = needs.shape[1]
    fits = needs <= left[:, None]
    below = fits & (np.arange(width) <= asked[:, None])
    largest = width - 1 - below[:, ::-1].argmax(axis=1)
    # Nothing fits only through rounding: then the cheapest way on is the right one.
    smallest = np.where(fits.any(axis=1), fits.argmax(axis=1), needs.argmin(axis=1))
    best: Ints = np.where(below.any(axis=1), largest, smallest)
    return best
