"""Lagrangian bounds on a chain of decisions.

A chain costs ``resources`` and adds ``divergence`` per pair of neighbouring options.  Charging a
price per unit of resource turns the budgeted problem into a shortest path, whose length bounds the
divergence of every design from below: for prices ``p >= 0`` and any completion of a prefix,

    divergence to go  >=  to_go(p)  -  p * (resources to go).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HULL_STEPS = 60
"""Shortest paths that one search for the best price may take; it converges in about ten."""


@dataclass(frozen=True, eq=False)
class ChainTables:
    """Pair tables of a chain.

    Attributes:
        divergence: per decision [K before (1 for the first), K].
        resources: per decision [R, K before, K].
        start: [R] resources spent whatever is decided.
    """

    divergence: tuple[Floats, ...]
    resources: tuple[Floats, ...]
    start: Floats

    @property
    def horizon(self) -> int:
        """Number of decisions."""
        return len(self.divergence)

    def of(self, options: Sequence[int]) -> tuple[float, Floats]:
        """Divergence and resources [R] of one design, added up in order."""
        total, spent, before = 0.0, self.start.copy(), 0
        for t, option in enumerate(options):
            total += float(self.divergence[t][before, option])
            spent += self.resources[t][:, before, option]
            before = option
        return total, spent


@dataclass(frozen=True, eq=False)
class Pricing:
    """Shortest paths under one price per resource.

    Attributes:
        price: [R].
        to_go: per decision [K] length of the best completion behind each option.
        length: that of a whole design, the charge for the start included.
        options: the design of that length.
    """

    price: Floats
    to_go: tuple[Floats, ...]
    length: float
    options: tuple[int, ...]

    @classmethod
    def of(cls, chain: ChainTables, price: Floats, weight: float = 1.0) -> Pricing:
        """Shortest paths in ``weight * divergence + price * resources``."""
        later = np.zeros(chain.divergence[-1].shape[1])
        to_go, best = [later], []
        for divergence, resources in zip(
            reversed(chain.divergence), reversed(chain.resources), strict=True
        ):
            length = weight * divergence + later
            for unit, resource in zip(price, resources, strict=True):
                length = length + unit * resource
            best.append(length.argmin(axis=1))
            later = length.min(axis=1)
            to_go.append(later)
        options, option = [], 0
        for choice in reversed(best):
            option = int(choice[option])
            options.append(option)
        charge = float((price * chain.start).sum())
        return cls(price, tuple(to_go[-2::-1]), float(later[0]) + charge, tuple(options))


def least(chain: ChainTables, resource: int) -> Pricing:
    """Shortest paths in one resource alone."""
    price = np.zeros(len(chain.start))
    price[resource] = 1.0
    return Pricing.of(chain, price, weight=0.0)


def tighten(
    chain: ChainTables, resource: int, limit: float, base: Floats
) -> tuple[Pricing, list[tuple[int, ...]]]:
    """The price of ``resource`` that bounds best at ``limit``, with the other prices of ``base``.

    Walks along the lower hull of (resource, priced divergence) towards the limit: each step prices
    the segment between the nearest known designs on either side of it.

    Returns:
        The pricing, and every design met on the way.
    """

    def priced(options: tuple[int, ...]) -> tuple[float, float]:
        divergence, spent = chain.of(options)
        others = float((base * spent).sum()) - float(base[resource] * spent[resource])
        return divergence + others, float(spent[resource])

    price = base.copy()
    price[resource] = 0.0
    pricing = Pricing.of(chain, price)
    cheapest = least(chain, resource).options
    met = [pricing.options, cheapest]
    dear, cheap = priced(pricing.options), priced(cheapest)
    for _ in range(HULL_STEPS):
        if dear[1] <= limit or dear[1] <= cheap[1]:
            break
        price = price.copy()
        price[resource] = max((cheap[0] - dear[0]) / (dear[1] - cheap[1]), 0.0)
        pricing = Pricing.of(chain, price)
        found = priced(pricing.options)
        met.append(pricing.options)
        on_segment = dear[0] + price[resource] * dear[1]
        if found[0] + price[resource] * found[1] >= on_segment - 1e-12 * abs(on_segment):
            break
        dear, cheap = (found, cheap) if found[1] > limit else (dear, found)
    return pricing, met
