"""Problems whose costs and divergences are tables over neighbouring decisions, in numpy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import ProxyError, unknown_name
from hwenvs.problems.base import Outcome, Problem, Walk
from hwenvs.problems.budget import Budget
from hwenvs.problems.decision import LEVELS, Decisions
from hwenvs.problems.features import PREVIOUS, REDUCED
from hwenvs.problems.progress import Progress
from hwenvs.problems.rewards import Reward
from hwenvs.problems.tables import Tables
from hwenvs.problems.walker import ChainWalker
from hwenvs.proxies import AccuracyProxy, SurrogateProxy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONSTRAINTS = ("bounded", "projected")
"""Ways to keep the budget: each decision in turn, or the whole design at the end."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The parts of a chain problem.

    Attributes:
        decisions: options of every decision.
        tables: costs and divergences of neighbouring options.
        budget: the limit.
        features: [T + 1, F] what does not depend on decisions.
        proxy: estimates accuracies.
        reward: paid at the end.
        constraint: ``"bounded"`` or ``"projected"``.
    """

    decisions: Decisions
    tables: Tables
    budget: Budget
    features: NDArray[np.float32]
    proxy: AccuracyProxy
    reward: Reward
    constraint: str


class ChainProblem(Problem):
    """A problem over a :class:`Chain`: one continuous action in [0, 1] a decision.

    Args:
        chain: its parts.
    """

    def __init__(self, chain: Chain) -> None:
        if chain.constraint not in CONSTRAINTS:
            raise unknown_name("constraint", chain.constraint, CONSTRAINTS)
        self.chain = chain
        self.decisions, self.tables, self.budget = chain.decisions, chain.tables, chain.budget
        self.proxy, self.reward, self.constraint = chain.proxy, chain.reward, chain.constraint
        self.projected = chain.constraint == "projected"
        self.horizon = len(self.decisions)
        self.names = tuple(decision.name for decision in self.decisions)
        self.card, self.baseline = self.proxy.card, float(self.proxy.baseline)
        self.curve = self.proxy.curve if isinstance(self.proxy, SurrogateProxy) else None
        self.top5 = self.proxy.curve_top5 if isinstance(self.proxy, SurrogateProxy) else None
        self.action_space = spaces.Box(0.0, 1.0, (1,), np.float32)
        self.observation_space = spaces.Box(0.0, 1.0, chain.features.shape[1:], np.float32)
        self.features = chain.features
        self.full_costs = self._full_costs()

    def start(self, batch: int) -> Walk:
        """``batch`` walks before their first decision."""
        options, rows = np.empty((2, self.horizon, batch), dtype=np.int64)
        return Walk(0, options, rows, np.full(batch, self.budget.before[0]))

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
        step, budget = walk.step, self.budget
        # Features first, so that each is one contiguous fill; the caller sees [B, F].
        table = np.empty((self.features.shape[1], walk.batch), dtype=np.float32)
        table[:] = self.features[step][:, None]
        reduced = table[REDUCED]
        reduced[:] = (budget.before[step] - walk.spent) * budget.scale
        np.minimum(np.maximum(reduced, 0.0, out=reduced), 1.0, out=reduced)
        if step:
            table[PREVIOUS] = self.decisions[step - 1].fraction.take(walk.previous)
        return table.T

    def decide(self, walk: Walk, actions: NDArray[np.floating[Any]]) -> Ints:
        """Options [B] for ``actions`` [B]: the nearest ones, lowered to what the budget allows."""
        decision = self.decisions[walk.step]
        doubled = np.multiply(actions.reshape(-1), 2 * decision.size, dtype=np.float64)
        asked: Ints = decision.nearest.take(doubled.astype(np.int64))
        if self.projected:
            return asked
        return self.budget.afford(walk.step, walk.previous, asked, walk.spent)

    def push(self, walk: Walk, options: Ints) -> None:
        """Takes ``options`` [B]: the walk moves on by one decision."""
        rows = walk.rows[walk.step]
        np.multiply(walk.previous, self.tables.width[walk.step], out=rows)
        rows += options
        walk.spent += self.budget.cost[walk.step].take(rows)
        walk.options[walk.step] = options
        walk.step += 1

    def finish(self, walk: Walk) -> Outcome:
        """The outcome of walks that took all decisions."""
        if self.projected:
            return self._judge(self._project(walk.options))
        return self._judge(walk.options, walk.rows)

    def evaluate(self, designs: ArrayLike) -> Outcome:
        """The outcome of ``designs`` [B, T], which must be options, feasible or not."""
        return self._judge(self.decisions.options(designs))

    def canonical(self, designs: ArrayLike) -> Ints:
        """``designs`` [B, T] as an episode that asks for them would leave them; idempotent."""
        options = self.decisions.nearest(designs)
        return self.decisions.designs(
            self._project(options) if self.projected else self.bounded(options)
        )

    def actions(self, designs: ArrayLike) -> NDArray[np.float32]:
        """Actions [B, T, 1] that ask for ``designs`` [B, T]."""
        sizes = [decision.size for decision in self.decisions]
        return (self.decisions.entries(designs) / sizes).astype(np.float32)[:, :, None]

    def walker(self) -> ChainWalker:
        """A fresh scalar walk."""
        return ChainWalker(self)

    def progress(self, prefix: Sequence[int]) -> Progress:
        """How far the design that begins with ``prefix`` has come."""
        options = self.decisions.options([list(prefix)], whole=False)
        rows = self.tables.rows(options)
        costs = [float(cost[row[0]]) for cost, row in zip(self.budget.cost, rows, strict=False)]
        return Progress(
            title=self.title,
            names=self.names,
            sizes=tuple(decision.size for decision in self.decisions),
            kept=tuple(int(entry) for entry in prefix),
            costs=tuple(costs),
            constant=self.budget.before[0],
            quantity=self.budget.quantity,
            amount=self.budget.amount,
            full=self.budget.full,
            unit=self.unit,
        )

    @cached_property
    def reference(self) -> Outcome:
        """The uniform design: the largest common fraction of all channels that fits."""
        full = np.array([[decision.size for decision in self.decisions]])
        return self._judge(self._project(self.decisions.nearest(full)))

    def _judge(self, options: Ints, rows: Iterable[Ints] | None = None) -> Outcome:
        rows = self.tables.rows(options) if rows is None else rows
        totals, peak = self.tables.totals(rows, options.shape[1])
        costs = {q: totals[:, i].copy() for i, q in enumerate(self.tables.quantities)}
        feasible = costs[self.budget.quantity] <= self.budget.most
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
            self.push(walk, self.budget.afford(t, walk.previous, options[t], walk.spent))
        return walk.options

    def _project(self, options: Ints) -> Ints:
        """``options`` [T, B] scaled down by the largest common factor that meets the budget."""
        options = options.copy()
        over = np.flatnonzero(self._cost(options) > self.budget.most)
        if not len(over):
            return options
        asked = options[:, over]
        low, high = np.zeros(len(over), dtype=np.int64), np.full(len(over), LEVELS)
        while (high - low > 1).any():
            middle = (low + high) // 2
            fits = self._cost(self.decisions.scaled(asked, middle)) <= self.budget.limit
            low, high = np.where(fits, middle, low), np.where(fits, high, middle)
        scaled = self.decisions.scaled(asked, low)
        # Where a cost is not monotone even the floor may be too dear: then decide one by one.
        dear = self._cost(scaled) > self.budget.limit
        if dear.any():
            scaled[:, dear] = self.bounded(scaled[:, dear])
        options[:, over] = scaled
        return options

    def _cost(self, options: Ints) -> Floats:
        """Budgeted cost [B] of ``options`` [T, B], added up in order."""
        spent = np.full(options.shape[1], self.budget.before[0])
        for cost, row in zip(self.budget.cost, self.tables.rows(options), strict=True):
            spent += cost.take(row)
        return spent

    def _full_costs(self) -> dict[str, float]:
        options = np.array([[len(decision.kept) - 1] for decision in self.decisions])
        totals, peak = self.tables.totals(self.tables.rows(options), 1)
        costs = {q: float(v) for q, v in zip(self.tables.quantities, totals[0], strict=False)}
        return costs if peak is None else {**costs, "peak_memory": float(peak[0])}
