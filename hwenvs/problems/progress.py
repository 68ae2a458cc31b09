"""How far a design has come, for people to look at."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True)
class Progress:
    """How far a design has come, for people to look at.

    Attributes:
        title: network and kind of decisions.
        names: [T] names of the decisions.
        sizes: [T] what there is to choose from, e.g. channels.
        kept: what was kept, as far as decided.
        costs: budgeted cost that each decision settled, in SI units.
        constant: cost of what no decision shapes, in SI units.
        quantity: the budgeted cost.
        amount: the budget in SI units; infinite without one.
        full: cost of the uncompressed network in SI units.
        unit: what is kept.
        levels: names of what decisions say, 1 and up, where numbers alone say little.
    """

    title: str
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    kept: tuple[int, ...]
    costs: tuple[float, ...]
    constant: float
    quantity: str
    amount: float
    full: float
    unit: str = "channels"
    levels: tuple[str, ...] = ()

    @property
    def spent(self) -> tuple[float, ...]:
        """Cost up to and with each decision, in SI units."""
        return tuple(accumulate(self.costs, initial=self.constant))[1:]
