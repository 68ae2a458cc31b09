"""The chain as an integer program.

A design is a path through the options of the decisions, and every pair of neighbouring options an
arc with its divergence and its costs.  Binary variables say which arcs the path takes: flow is
conserved at every option, budgets are rows.  The bound is HiGHS's dual bound, correct within its
tolerances (1e-10 of what may be spent, 1e-9 of the objective); a path that fits only within a
tolerance is cut off.  Arcs that no better path than the best known one can take are dropped first
(Lagrangian bounds): pairs of channels would be too many.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp

from hwenvs.baselines.lagrangian import ChainTables, Floats, Pricing, least
from hwenvs.baselines.targets import Objective, lower_bounds, prices
from hwenvs.errors import SolverError
from hwenvs.problems.rewards import RatioReward

MARGIN = 1e-9
"""Relative margin of arcs that are dropped, far above rounding."""

SCALE = 1e3
"""The objective of the best known design in the program, where HiGHS's absolute gap is 1e-6."""

ROOM = 1e4
"""What may be spent of each resource in the program, where HiGHS's absolute tolerance is 1e-6."""

MOST_ARCS = 3_000_000
"""Binary variables that HiGHS has memory for."""

INFEASIBLE = 2
"""HiGHS's status, as SciPy tells it."""

CUTS = 50
"""Paths that fit only within a tolerance and are cut off, before the search gives up."""


class Program:
    """The integer program.

    Args:
        objective: what is maximised, and within which limits.

    Raises:
        SolverError: if that is not linear, or too large.

    Attributes:
        chain: what is minimised as its divergence, what is limited as its resources.
        limit: [R] of the resources.
        best: options of the best known design; None if none is known.
        least: its objective; infinite then.
        goal: [arcs] objective of each arc that was not dropped.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.chain, self.limit, self.constant = _linear(objective)
        found, met = prices(replace(objective, chain=self.chain, limit=self.limit), self.limit)
        self.best, self.least = self._best(met)
        keep = [np.ones(table.shape, dtype=bool) for table in self.chain.divergence]
        for pricing in found if self.best else ():
            _drop(self.chain, pricing, self.limit, self.least, keep)
        arcs = sum(int(mask.sum()) for mask in keep)
        if arcs > MOST_ARCS:
            raise SolverError(
                f"milp on {objective.problem.title}: {arcs:,} arcs are too many for HiGHS, and "
                f"{self._missing()}: use the solver 'exact'"
            )
        self.bound = float(lower_bounds(found, self.limit[None, :])[0])
        left = [np.argwhere(mask) for mask in keep]
        self.step = np.repeat(np.arange(len(left)), [len(part) for part in left])
        self.before, self.after = np.concatenate(left).T
        self.goal = self._of_arcs(self.chain.divergence)

    def solve(self, until: float) -> float:
        """Improves ``best`` and gives a lower bound of the objective.

        Args:
            until: when to stop, as ``time.perf_counter`` tells it.

        Raises:
            SolverError: if no design is known in the end.
        """
        rows = [self._flow(), self._budgets()]
        scale = SCALE / max(abs(self.least if self.best else self.bound), 1e-12)
        for _ in range(CUTS):
            left = max(until - time.perf_counter(), 1e-3)
            answer: OptimizeResult = milp(
                scale * self.goal,
                integrality=np.ones(len(self.goal)),
                bounds=Bounds(0, 1),
                constraints=rows,
                options={"time_limit": left, "mip_rel_gap": 0.0},
            )
            bound = self.bound if answer.mip_dual_bound is None else answer.mip_dual_bound / scale
            if answer.x is None:
                break
            taken = np.flatnonzero(answer.x > 0.5)
            options = self.after[taken].tolist()
            goal, spent = self.chain.of(options)
            if (spent <= self.limit).all():
                if goal < self.least:
                    self.best, self.least = options, goal
                break
            cut = np.zeros((1, len(self.goal)))
            cut[0, taken] = 1.0
            rows.append(LinearConstraint(cut, -np.inf, len(options) - 1.0))
        if self.best is None:
            none = answer.status == INFEASIBLE
            raise SolverError(
                f"milp on {self.objective.problem.title}: {self._missing()}"
                + (": there is none" if none else " in time: give it more seconds")
            )
        return min(max(bound, self.bound), self.least)

    def design(self, options: list[int]) -> list[int]:
        """``options`` as entries."""
        decisions = self.objective.problem.decisions
        return [int(d.kept[option]) for d, option in zip(decisions, options, strict=True)]

    def reward(self, goal: float) -> float:
        """What is earned at most at ``goal``."""
        objective = self.objective
        resources = np.where(np.isfinite(objective.limit), objective.limit, 1.0)[:, None]
        if not objective.trades:
            return float(objective.reward(np.array([goal]), resources)[0])
        paid = objective.problem.reward
        assert isinstance(paid, RatioReward)
        return paid.whole / (goal + self.constant)

    def _missing(self) -> str:
        kept = " and keeps the accuracy" if self.objective.trades else ""
        return f"no design was found that is within the budgets{kept}"

    def _best(self, met: list[tuple[int, ...]]) -> tuple[list[int] | None, float]:
        """The best of some designs that fit, if any; the cheapest ones are among them."""
        fitting = []
        cheapest = [least(self.chain, r).options for r in range(len(self.limit))]
        for options in {*met, *cheapest}:
            goal, spent = self.chain.of(options)
            if (spent <= self.limit).all():
                fitting.append((goal, options))
        if not fitting:
            return None, np.inf
        goal, options = min(fitting)
        return list(options), goal

    def _flow(self) -> LinearConstraint:
        """One arc leaves the start, and as many leave an option as arrive there."""
        first = np.cumsum([0] + [table.shape[1] for table in self.chain.divergence])
        arcs = np.arange(len(self.goal))
        leaving = np.where(self.step > 0, first[self.step - 1] + self.before + 1, 0)
        arriving = first[self.step] + self.after + 1
        inner = self.step < self.chain.horizon - 1
        row = np.concatenate([leaving, arriving[inner]])
        column = np.concatenate([arcs, arcs[inner]])
        value = np.concatenate([np.ones(len(arcs)), -np.ones(int(inner.sum()))])
        matrix = sparse.csr_array((value, (row, column)), shape=(first[-1] + 1, len(arcs)))
        right = np.zeros(first[-1] + 1)
        right[0] = 1.0
        return LinearConstraint(matrix, right, right)

    def _budgets(self) -> LinearConstraint:
        """What is limited, each scaled to the same room."""
        rows = []
        for resource, limit in enumerate(self.limit - self.chain.start):
            tables = [table[resource] for table in self.chain.resources]
            rows.append(self._of_arcs(tables) / max(limit, 1e-300) * ROOM)
        return LinearConstraint(np.array(rows).reshape(-1, len(self.goal)), -np.inf, ROOM)

    def _of_arcs(self, tables: list[Floats] | tuple[Floats, ...]) -> Floats:
        values = np.empty(len(self.step))
        for t, table in enumerate(tables):
            here = self.step == t
            values[here] = table[self.before[here], self.after[here]]
        return values


def _linear(objective: Objective) -> tuple[ChainTables, Floats, float]:
    """What is minimised and what is limited, the limits [R], and a constant of the objective.

    Raises:
        SolverError: if that is not linear.
    """
    chain = objective.chain
    if not objective.trades:
        limited = np.flatnonzero(np.isfinite(objective.limit))
        resources = tuple(table[limited] for table in chain.resources)
        start = chain.start[limited]
        chain = ChainTables(chain.divergence, resources, start)
        return chain, objective.limit[limited], 0.0
    reward = objective.problem.reward
    if not isinstance(reward, RatioReward):
        raise SolverError(
            f"milp needs a reward of accuracy alone, or compression_ratio; {reward.name} is not "
            "linear: use the solver 'exact'"
        )
    deepest = float(objective.deepest(np.ones(1), 0.0)[0])
    kept = [0, *np.flatnonzero(np.isfinite(objective.limit)).tolist()]
    resources = tuple(
        np.concatenate([divergence[None], table[kept[1:]]])
        for divergence, table in zip(chain.divergence, chain.resources, strict=True)
    )
    start = np.append(0.0, chain.start[kept[1:]])
    goal = tuple(table[0] for table in chain.resources)
    limit = np.append(deepest, objective.limit[kept[1:]])
    return ChainTables(goal, resources, start), limit, float(chain.start[0])


def _drop(
    chain: ChainTables, pricing: Pricing, limit: Floats, known: float, keep: list[NDArray[np.bool_]]
) -> None:
    """Strikes arcs from ``keep`` whose best paths are longer than the best known design allows."""
    room = known + float((pricing.price * (limit - chain.start)).sum())
    room += MARGIN * (abs(known) + abs(room))
    reached: Floats = np.zeros(1)
    for t, (goal, resources) in enumerate(zip(chain.divergence, chain.resources, strict=True)):
        length = reached[:, None] + goal
        for unit, resource in zip(pricing.price, resources, strict=True):
            length = length + unit * resource
        keep[t] &= length + pricing.to_go[t] <= room
        reached = length.min(axis=0)
