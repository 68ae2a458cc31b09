"""Where a better design may lie, given the best one known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwenvs.baselines.labels import MARGIN, Targets
from hwenvs.baselines.lagrangian import ChainTables, Floats, Pricing, least, tighten
from hwenvs.errors import SolverError
from hwenvs.problems import Problem
from hwenvs.problems.budgeting import compile_budget
from hwenvs.problems.chain import ChainProblem

PRICE_FACTORS = (0.8, 1.25, 0.6, 1.7, 0.35, 3.0)
"""Prices around the best one, as multiples of it."""

GOLDEN = 0.6180339887498949
GOLDEN_STEPS = 8

SWEEP = 24
"""Costs at which a trade-off is bounded before the search."""

CELLS = 24
"""Corners of the region of a trade-off during the search."""

ROUNDS = 4
"""Rounds of refining the corners."""

BISECTIONS = 80


@dataclass(frozen=True, eq=False)
class Objective:
    """The objective of a problem over the resources of a chain.

    Attributes:
        problem: the problem.
        chain: its tables; the first resource is the one that the reward or else the budget names.
        quantities: the resources.
        limit: [R] what may be spent; infinite where nothing limits it.
    """

    problem: ChainProblem
    chain: ChainTables
    quantities: tuple[str, ...]
    limit: Floats

    @classmethod
    def of(cls, problem: Problem) -> Objective:
        """The objective of ``problem``.

        Raises:
            SolverError: if it is not a chain of tables.
        """
        if not isinstance(problem, ChainProblem) or problem.curve is None:
            raise SolverError(
                "the exact optimum needs additive tables: use proxy='surrogate' (or an .npz table)"
            )
        budget, priced = problem.budget, problem.reward.quantity
        limits = {one.quantity: one.limit for one in problem.budgets}
        quantities = tuple(dict.fromkeys(q for q in (priced, *limits) if q is not None))
        if priced is not None and budget.amount == np.inf:
            quantities = (priced,)
        tables = problem.tables
        chain = ChainTables(
            tuple(tables.divergence(t) for t in range(tables.horizon)),
            tuple(np.stack([tables.cost(q, t) for q in quantities]) for t in range(tables.horizon)),
            np.array([tables.constant_cost(q) for q in quantities]),
        )
        limit = np.array([limits.get(q, np.inf) for q in quantities])
        return cls(problem, chain, quantities, limit)

    @property
    def trades(self) -> bool:
        """Whether the reward trades accuracy for cost, instead of paying accuracy alone."""
        return self.problem.reward.quantity is not None

    def reward(self, divergence: Floats, resources: Floats) -> Floats:
        """Rewards [N] of divergences [N] and resources [R, N]."""
        assert self.problem.curve is not None
        costs = dict(zip(self.quantities, resources, strict=True))
        return self.problem.reward.of(self.problem.curve(divergence), costs)

    def deepest(self, amount: Floats, reward: float) -> Floats:
        """[M] largest divergences that still earn ``reward`` at cost ``amount`` [M]."""
        low = np.zeros(len(amount))
        top = sum(float(table.max()) for table in self.chain.divergence) + 1.0
        high = np.full(len(amount), top)
        resources = np.broadcast_to(amount, (len(self.quantities), len(amount)))
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            earns = self.reward(middle, resources) >= reward
            low, high = np.where(earns, middle, low), np.where(earns, high, middle)
        return high


def prices(objective: Objective, corner: Floats) -> tuple[list[Pricing], list[tuple[int, ...]]]:
    """Pricings that bound divergences well near ``corner`` [R], and designs met on the way.

    With two limited resources, the price of the second is found by golden section: the bound is
    concave in it, and it is at most what it would be if nothing else were limited.  Further ones
    are priced after these, given the best prices so far.
    """
    chain, free = objective.chain, np.zeros(len(corner))
    limited = np.flatnonzero(np.isfinite(corner)).tolist()
    if not limited:
        return [Pricing.of(chain, free)], []
    alone, met = tighten(chain, limited[-1], float(corner[limited[-1]]), free)
    found = [alone]

    def bound(share: float) -> float:
        price = share * alone.price
        pricing, designs = tighten(chain, limited[0], float(corner[limited[0]]), price)
        found.append(pricing)
        met.extend(designs)
        return float(lower_bounds([pricing], corner[None, :])[0])

    if len(limited) > 1:
        left, right = 0.0, 1.0
        for _ in range(GOLDEN_STEPS):
            first, second = right - GOLDEN * (right - left), left + GOLDEN * (right - left)
            left, right = (left, second) if bound(first) >= bound(second) else (first, right)
    for resource in limited[1:-1]:
        base = best_for(found, corner[None, :])[0].price
        pricing, designs = tighten(chain, resource, float(corner[resource]), base)
        found.append(pricing)
        met += designs
    return found, met


def around(chain: ChainTables, pricing: Pricing) -> list[Pricing]:
    """``pricing`` and others like it, which bound prefixes better that over- or underspent."""
    return [pricing, *(Pricing.of(chain, factor * pricing.price) for factor in PRICE_FACTORS)]


def best_for(pricings: Sequence[Pricing], corners: Floats) -> list[Pricing]:
    """The pricings that bound best at one of ``corners`` [M, R]."""
    bounds = [lower_bounds([pricing], corners) for pricing in pricings]
    return [pricings[index] for index in sorted(set(np.argmax(bounds, axis=0).tolist()))]


def budget_targets(objective: Objective, divergence: float) -> Targets:
    """Within the budget, at no more than ``divergence``."""
    return Targets(objective.limit[None, :], np.array([divergence]))


def sweep(objective: Objective) -> tuple[list[Pricing], list[tuple[int, ...]]]:
    """Pricings and designs over the whole range of a trade-off's cost."""
    found, met = [], []
    low, high = _range(objective)
    for amount in np.geomspace(low, high, SWEEP + 1)[1:]:
        corner = objective.limit.copy()
        corner[0] = amount
        price = np.zeros(len(corner))
        for resource in np.flatnonzero(np.isfinite(corner)).tolist():
            pricing, designs = tighten(objective.chain, resource, float(corner[resource]), price)
            price = pricing.price
            found.append(pricing)
            met += designs
    return found, met


def trade_targets(objective: Objective, reward: float, pricings: Sequence[Pricing]) -> Targets:
    """Corners (cost, divergence) behind which every design that earns ``reward`` lies.

    The range of costs is cut into cells.  Inside a cell, rewards are at most what the cell's lowest
    cost earns; cells where even that asks for a divergence below all bounds are dropped, and the
    remaining range is cut again.
    """
    low, high = _range(objective)
    edges, divergence, alive = np.array([low, high]), np.zeros(1), np.ones(1, dtype=bool)
    for _ in range(ROUNDS):
        edges = np.geomspace(low, high, CELLS + 1)
        corners = np.tile(objective.limit, (CELLS, 1))
        corners[:, 0] = edges[1:]
        divergence = objective.deepest(edges[:-1], reward)
        alive = lower_bounds(pricings, corners) <= divergence * (1 + 1e-9) + 1e-12
        cells = np.flatnonzero(alive)
        if not len(cells):
            break
        low, high = float(edges[cells[0]]), float(edges[cells[-1] + 1])
    corners = np.tile(objective.limit, (CELLS, 1))
    corners[:, 0] = edges[1:]
    return Targets(corners[alive], divergence[alive])


def lower_bounds(pricings: Sequence[Pricing], corners: Floats) -> Floats:
    """[M] lower bounds of the divergence of designs within ``corners`` [M, R]."""
    bound = np.zeros(len(corners))
    for pricing in pricings:
        priced = pricing.price > 0
        charge = (pricing.price[priced] * corners[:, priced]).sum(axis=1)
        np.maximum(bound, pricing.length - charge, out=bound)
    return bound


def reward_bound(problem: Problem) -> float | None:
    """What no design of ``problem`` can earn more than, whatever its accuracies are.

    A perfect network at the least cost: the only bound where accuracies are measured one by one.
    None if costs are no tables either.
    """
    if not isinstance(problem, ChainProblem):
        return None
    paid, costs = problem.reward, {}
    if paid.quantity is not None:
        cheapest = compile_budget(problem.tables, paid.quantity, None).minimum
        costs[paid.quantity] = np.array([cheapest * (1 - MARGIN)])
    return float(paid.of(np.ones(1), costs)[0])


def _range(objective: Objective) -> tuple[float, float]:
    """Least and largest cost of a trade-off, a little widened."""
    chain = objective.chain
    low = float(chain.of(least(chain, 0).options)[1][0])
    ceiling = chain.start[0] + sum(float(r[0].max()) for r in chain.resources)
    high = min(float(objective.limit[0]), ceiling)
    return low * (1 - 1e-9), high * (1 + 1e-9)
