"""Label setting: all designs of a chain that can still be best, decision by decision.

A label is a prefix of a design: its last option, its divergence and the resources it spent.  Of two
labels with the same last option, one that is no better in anything is dropped (*dominance*), and so
is a label that no target can be reached from (*bound*).  Both are safe in floating point: adding
the same numbers in the same order keeps an order, and bounds are compared with a margin far above
their rounding.  So if no label had to be dropped for lack of room, the best design among the
final labels is the best of all, in the very sums that the environment pays by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hwenvs.baselines.dominance import undominated
from hwenvs.baselines.lagrangian import ChainTables, Floats, Ints, Pricing, least

MARGIN = 1e-10
"""Relative margin of bounds and limits; rounding of some hundred additions stays below 1e-13."""

CHUNK = 1 << 19
"""Extensions looked at together."""


@dataclass(frozen=True, eq=False)
class Targets:
    """Corners of the region in which a better design may lie.

    A design is wanted if for one m its resources are at most ``resources[m]`` and its divergence at
    most ``divergence[m]``.

    Attributes:
        resources: [M, R].
        divergence: [M].
    """

    resources: Floats
    divergence: Floats


@dataclass(frozen=True, eq=False)
class Labels:
    """Prefixes of designs.

    Attributes:
        option: [N] last option.
        divergence: [N].
        resources: [R, N] spent.
        parent: [N] label of the prefix before.
    """

    option: Ints
    divergence: Floats
    resources: Floats
    parent: Ints

    def take(self, index: NDArray[np.generic]) -> Labels:
        """The labels that ``index`` selects."""
        return Labels(
            self.option[index], self.divergence[index], self.resources[:, index], self.parent[index]
        )


@dataclass(frozen=True, eq=False)
class Frontier:
    """What a search found.

    Attributes:
        designs: [N, T] options.
        divergence: [N].
        resources: [R, N].
        complete: whether no label was dropped for lack of room.
        labels: number of labels kept over all decisions.
    """

    designs: Ints
    divergence: Floats
    resources: Floats
    complete: bool
    labels: int


class LabelSearch:
    """Finds the designs that reach a target.

    Args:
        chain: the tables.
        targets: where a better design may lie.
        pricings: shortest paths that bound what completions can reach.
        width: most labels kept per decision; the most promising ones.
    """

    def __init__(
        self, chain: ChainTables, targets: Targets, pricings: Sequence[Pricing], width: int
    ) -> None:
        self.chain, self.targets, self.pricings, self.width = chain, targets, pricings, width
        self.least = [least(chain, resource) for resource in range(len(chain.start))]
        scale = np.abs(targets.divergence).max() + 1e-300
        self.allowed = targets.divergence + MARGIN * scale
        self.limit = targets.resources.max(axis=0) * (1 + MARGIN)
        self.complete = True
        priced = [np.where(p.price > 0, p.price * targets.resources, 0.0) for p in pricings]
        self.charges = np.stack([charge.sum(axis=1) for charge in priced], axis=1)
        self.most = (self.charges + self.allowed[:, None]).max(axis=0)

    def run(self) -> Frontier:
        """The designs that reach a target and dominate each other in nothing."""
        start = self.chain.start
        labels = Labels(np.zeros(1, np.int64), np.zeros(1), start[:, None].copy(), np.zeros(1, int))
        history = []
        for t in range(self.chain.horizon):
            labels = self._extend(t, labels)
            history.append(labels)
        designs = np.empty((len(labels.option), self.chain.horizon), dtype=np.int64)
        index = np.arange(len(labels.option))
        for t in reversed(range(self.chain.horizon)):
            designs[:, t] = history[t].option[index]
            index = history[t].parent[index]
        count = sum(len(stage.option) for stage in history)
        return Frontier(designs, labels.divergence, labels.resources, self.complete, count)

    def _extend(self, t: int, labels: Labels) -> Labels:
        options = self.chain.divergence[t].shape[1]
        rows = max(CHUNK // options, 1)
        parts, slacks, pending = [], [], 0
        for first in range(0, max(len(labels.option), 1), rows):
            part, slack = self._promising(t, labels, slice(first, first + rows))
            parts.append(part)
            slacks.append(slack)
            pending += len(slack)
            if pending > 8 * CHUNK:
                merged, slack = _undominated(_concatenate(parts), np.concatenate(slacks))
                parts, slacks, pending = [merged], [slack], len(slack)
        merged, slack = _undominated(_concatenate(parts), np.concatenate(slacks))
        if len(slack) > self.width:
            self.complete = False
            merged = merged.take(np.sort(np.argpartition(slack, self.width)[: self.width]))
        return merged

    def _promising(self, t: int, labels: Labels, part: slice) -> tuple[Labels, Floats]:
        """Extensions of some labels that may reach a target, with the slack of their bounds."""
        before = labels.option[part]
        divergence = labels.divergence[part, None] + self.chain.divergence[t][before]
        spent = labels.resources[:, part, None] + self.chain.resources[t][:, before]
        fits = np.ones(divergence.shape, dtype=bool)
        for resource, cheapest in enumerate(self.least):
            fits &= spent[resource] + cheapest.to_go[t] <= self.limit[resource]
        row, option = np.nonzero(fits)
        parent = row + (part.start or 0)
        found = Labels(option, divergence[row, option], spent[:, row, option], parent)
        # What one price alone rules out for all targets together need not be held against each.
        for pricing, most in zip(self.pricings, self.most, strict=True):
            found = found.take(np.flatnonzero(_priced(t, found, pricing) <= most))
        slack = self._slack(t, found)
        keep = np.flatnonzero(slack <= 0)
        return found.take(keep), slack[keep]

    def _slack(self, t: int, labels: Labels) -> Floats:
        """[N] least excess of the bounds over what a target allows; positive means hopeless."""
        slack = np.full(len(labels.option), np.inf)
        bases = [_priced(t, labels, pricing) for pricing in self.pricings]
        for charges, allowed in zip(self.charges, self.allowed, strict=True):
            excess = np.full(len(slack), -np.inf)
            for base, charge in zip(bases, charges.tolist(), strict=True):
                np.maximum(excess, base - charge, out=excess)
            np.minimum(slack, excess - allowed, out=slack)
        return slack


def _priced(t: int, labels: Labels, pricing: Pricing) -> Floats:
    """[N] divergence and charge of the best completions of ``labels`` at decision ``t``."""
    total = labels.divergence + pricing.to_go[t].take(labels.option)
    for price, spent in zip(pricing.price.tolist(), labels.resources, strict=True):
        total += price * spent
    return total


def _concatenate(parts: Sequence[Labels]) -> Labels:
    return Labels(
        np.concatenate([part.option for part in parts]),
        np.concatenate([part.divergence for part in parts]),
        np.concatenate([part.resources for part in parts], axis=1),
        np.concatenate([part.parent for part in parts]),
    )


def _undominated(labels: Labels, slack: Floats) -> tuple[Labels, Floats]:
    """The labels that no other with the same option beats or equals in everything."""
    order = np.lexsort((labels.divergence, *labels.resources[::-1], labels.option))
    labels, slack = labels.take(order), slack[order]
    borders = np.flatnonzero(np.diff(labels.option)) + 1
    keep = np.zeros(len(order), dtype=bool)
    for first, last in pairwise([0, *borders.tolist(), len(order)]):
        if first < last:
            part = slice(first, last)
            keep[part] = undominated(labels.resources[:, part], labels.divergence[part])
    return labels.take(keep), slack[keep]
