"""Problems whose costs and divergences are tables over neighbouring decisions, in numpy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import ProxyError, unknown_name
from hwenvs.problems.actions import no_choices
from hwenvs.problems.base import Outcome, Problem, Walk
from hwenvs.problems.budget import Budget
from hwenvs.problems.parts import CONSTRAINTS, Chain
from hwenvs.problems.progress import Progress, Spending
from hwenvs.problems.walker import ChainWalker
from hwenvs.proxies import TabulatedProxy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ChainProblem(Problem):
    """A problem over a chain of decisions: one continuous action in [0, 1] each, or one choice.

    Args:
        chain: its parts.
    """

    def __init__(self, chain: Chain) -> None:
        if chain.constraint not in CONSTRAINTS:
            raise unknown_name("constraint", chain.constraint, CONSTRAINTS)
        self.chain = chain
        self.decisions, self.tables = chain.decisions, chain.tables
        self.budget, *others = self.budgets = chain.budgets
        self.other_budgets = tuple(others)
        self.proxy, self.reward, self.constraint = chain.proxy, chain.reward, chain.constraint
        self.repaired = chain.constraint != "bounded"
        self.horizon = len(self.decisions)
        self.names = tuple(decision.name for decision in self.decisions)
        self.card, self.baseline = self.proxy.card, float(self.proxy.baseline)
        self.curve = self.proxy.curve if isinstance(self.proxy, TabulatedProxy) else None
        self.top5 = self.proxy.curve_top5 if isinstance(self.proxy, TabulatedProxy) else None
        self.action_space = spaces.Box(0.0, 1.0, (1,), np.float32)
        if self.decisions.choices:
            self.action_space = spaces.Discrete(self.decisions.choices)
        self.observation_space = spaces.Box(0.0, 1.0, chain.features.table.shape[1:], np.float32)
        self.features, self.amounts = chain.features, chain.features.amounts(self.budget)
        self.full_costs = self._full_costs()

    def start(self, batch: int) -> Walk:
        """``batch`` walks before their first decision."""
        options, rows = np.empty((2, self.horizon, batch), dtype=np.int64)
        others = tuple(np.full(batch, budget.before[0]) for budget in self.other_budgets)
        return Walk(0, options, rows, np.full(batch, self.budget.before[0]), others)

    def walk(self, prefix: ArrayLike) -> Walk:
        """Walks that took the decisions ``prefix`` [B, step], which must be options."""
        options = self.decisions.options(prefix, whole=False)
        walk = self.start(options.shape[1])
        for column in options:
            self.push(walk, column)
        return walk

    def entries(self, walk: Walk) -> Ints:
        """The decisions [B, step] of ``walk``, as entries of designs."""
        return self.decisions.designs(walk.options[: walk.step])

    def observe(self, walk: Walk) -> NDArray[np.float32]:
        """Features [B, F] of the next decision."""
        step = walk.step
        # Features first, so that each is one contiguous fill; the caller sees [B, F].
        features = self.features
        table = np.empty((features.table.shape[1], walk.batch), dtype=np.float32)
        table[:] = features.table[step][:, None]
        for column, base, factor in self.amounts:
            amount = table[column]
            amount[:] = (base[step] - walk.spent) * factor
            np.minimum(np.maximum(amount, 0.0, out=amount), 1.0, out=amount)
        if step:
            table[features.previous] = self.decisions[step - 1].fraction.take(walk.previous)
        return table.T

    def decide(self, walk: Walk, actions: NDArray[np.floating[Any]]) -> Ints:
        """Options [B] for ``actions`` [B]: the nearest ones, lowered to what the budget allows."""
        decision = self.decisions[walk.step]
        place = np.multiply(actions.reshape(-1), decision.scale, dtype=np.float64)
        asked: Ints = decision.asked.take(place.astype(np.int64))
        if self.repaired:
            return asked
        return self._afford(walk, asked)

    def action_mask(self, walk: Walk) -> NDArray[np.bool_]:
        """Which choices [B, n] the next decision offers that the budget can still bear.

        Raises:
            ActionError: if actions are no choices.
        """
        choices = self.decisions.choices
        if not choices:
            raise no_choices(self.family)
        mask = np.ones((walk.batch, choices), dtype=bool)
        if walk.step == self.horizon:
            return mask
        offered = self.decisions[walk.step].kept - 1
        mask[:] = False
        if self.repaired:
            mask[:, offered] = True
            return mask
        fits = self.budget.fits(walk.step, walk.previous, walk.spent)
        for budget, spent in zip(self.other_budgets, walk.others, strict=True):
            fits &= budget.fits(walk.step, walk.previous, spent)
        mask[:, offered] = fits
        return mask

    def push(self, walk: Walk, options: Ints) -> None:
        """Takes ``options`` [B]: the walk moves on by one decision."""
        rows = walk.rows[walk.step]
        np.multiply(walk.previous, self.tables.width[walk.step], out=rows)
        rows += options
        walk.spent += self.budget.cost[walk.step].take(rows)
        for budget, spent in zip(self.other_budgets, walk.others, strict=True):
            spent += budget.cost[walk.step].take(rows)
        walk.options[walk.step] = options
        walk.step += 1

    def finish(self, walk: Walk) -> Outcome:
        """The outcome of walks that took all decisions."""
        if self.repaired:
            return self._judge(self.repair(walk.options))
        return self._judge(walk.options, walk.rows)

    def evaluate(self, designs: ArrayLike) -> Outcome:
        """The outcome of ``designs`` [B, T], which must be options, feasible or not."""
        return self._judge(self.decisions.options(designs))

    def canonical(self, designs: ArrayLike) -> Ints:
        """``designs`` [B, T] as an episode that asks for them would leave them; idempotent."""
        options = self.decisions.nearest(designs)
        return self.decisions.designs(
            self.repair(options) if self.repaired else self.bounded(options)
        )

    def actions(self, designs: ArrayLike) -> NDArray[Any]:
        """Actions [B, T, 1] that ask for ``designs`` [B, T]; choices [B, T] where they are such."""
        if self.decisions.choices:
            return self.decisions.entries(designs) - 1
        columns = zip(self.decisions, self.decisions.entries(designs).T, strict=True)
        asked = np.stack([decision.action(column) for decision, column in columns], axis=1)
        return asked.astype(np.float32)[:, :, None]

    def walker(self) -> ChainWalker:
        """A fresh scalar walk."""
        return ChainWalker(self)

    def progress(self, prefix: Sequence[int]) -> Progress:
        """How far the design that begins with ``prefix`` has come."""
        options = self.decisions.options([list(prefix)], whole=False)
        rows = self.tables.rows(options)
        chosen = [int(row[0]) for row in rows]
        return Progress(
            title=self.title,
            names=self.names,
            sizes=tuple(decision.size for decision in self.decisions),
            kept=tuple(int(entry) for entry in prefix),
            spendings=tuple(_spending(budget, chosen) for budget in self.budgets),
            unit=self.unit,
            levels=self.levels,
        )

    @cached_property
    def reference(self) -> Outcome:
        """The uniform design: the largest common fraction of all channels that fits."""
        full = np.array([[decision.size for decision in self.decisions]])
        return self._judge(self.chain.projected(self.decisions.nearest(full), self.bounded))

    def _judge(self, options: Ints, rows: Iterable[Ints] | None = None) -> Outcome:
        rows = self.tables.rows(options) if rows is None else rows
        totals, peak = self.tables.totals(rows, options.shape[1])
        costs = {q: totals[:, i].copy() for i, q in enumerate(self.tables.quantities)}
        feasible = costs[self.budget.quantity] <= self.budget.most
        for budget in self.other_budgets:
            feasible &= costs[budget.quantity] <= budget.most
        if peak is not None:
            costs["peak_memory"] = peak
        designs, divergence = self.decisions.designs(options), totals[:, -1].copy()
        accuracy = self.curve(divergence) if self.curve else self.estimate(designs)
        return Outcome(
            designs,
            accuracy,
            self.reward.of(accuracy, costs),
            costs,
            feasible,
            divergence,
            self.top5(divergence) if self.top5 else None,
        )

    def estimate(self, designs: Ints) -> Floats:
        """Accuracies [B] from a proxy without tables, checked.

        Raises:
            ProxyError: if they are not fractions, one a design.
        """
        accuracy = np.asarray(self.proxy.evaluate(designs), dtype=np.float64)
        good = accuracy.shape == (len(designs),) and ((accuracy >= 0) & (accuracy <= 1)).all()
        if not good:
            raise ProxyError(
                f"proxy {type(self.proxy).__name__} for {self.card.network}: evaluate must give "
                f"one accuracy in [0, 1] per design ({len(designs)}), not {accuracy!s:.200}"
            )
        return accuracy

    def bounded(self, options: Ints) -> Ints:
        """``options`` [T, B] after each was lowered in turn to what the budget still allows."""
        walk = self.start(options.shape[1])
        for t in range(self.horizon):
            self.push(walk, self._afford(walk, options[t]))
        return walk.options

    def _afford(self, walk: Walk, asked: Ints) -> Ints:
        """``asked`` [B] lowered to what all budgets allow."""
        affordable = self.budget.afford(walk.step, walk.previous, asked, walk.spent)
        for budget, spent in zip(self.other_budgets, walk.others, strict=True):
            affordable = budget.afford(walk.step, walk.previous, affordable, spent)
        return affordable

    def repair(self, options: Ints) -> Ints:
        """``options`` [T, B] made to meet the budget as ``constraint`` says."""
        if self.constraint == "projected":
            return self.chain.projected(options, self.bounded)
        return self.chain.backed_off(options, self.bounded)

    def _full_costs(self) -> dict[str, float]:
        options = np.array([[len(decision.kept) - 1] for decision in self.decisions])
        totals, peak = self.tables.totals(self.tables.rows(options), 1)
        costs = {q: float(v) for q, v in zip(self.tables.quantities, totals[0], strict=False)}
        return costs if peak is None else {**costs, "peak_memory": float(peak[0])}


def _spending(budget: Budget, chosen: Sequence[int]) -> Spending:
    """What the first decisions cost, by the pairs of options that they ``chose``."""
    costs = tuple(float(cost[row]) for cost, row in zip(budget.cost, chosen, strict=False))
    return Spending(budget.quantity, costs, budget.before[0], budget.amount, budget.full)
