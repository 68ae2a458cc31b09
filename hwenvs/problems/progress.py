"""How far a design has come, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from hwenvs.networks.blocks import ZERO
from hwenvs.problems.kinds import Kind, kinds_of


def floor_of(levels: Sequence[str]) -> int:
    """Where bars of choices stand: on the one that leaves a block out, if there is such."""
    return int(tuple(levels[:1]) == (ZERO.name,))


def whole_of(levels: Sequence[str]) -> str:
    """What designs are held against: no network is compressed where decisions are choices."""
    return "largest architecture" if levels else "uncompressed network"


@dataclass(frozen=True)
class Spending:
    """What decisions cost so far in one of the budgeted quantities, in SI units.

    Attributes:
        quantity: the cost, e.g. ``"macs"``.
        costs: what each decision settled.
        constant: cost of what no decision shapes.
        amount: the budget; infinite without one.
        full: cost of the uncompressed network, or of the largest architecture.
    """

    quantity: str
    costs: tuple[float, ...]
    constant: float
    amount: float
    full: float

    @cached_property
    def spent(self) -> tuple[float, ...]:
        """Cost up to and with each decision."""
        return tuple(accumulate(self.costs, initial=self.constant))[1:]

    @property
    def total(self) -> float:
        """Cost up to now."""
        return (self.spent or (self.constant,))[-1]


@dataclass(frozen=True)
class Progress:
    """How far a design has come, for people to look at.

    Attributes:
        title: network and kind of decisions.
        names: [T] names of the decisions.
        sizes: [T] what there is to choose from, e.g. channels.
        kept: what was kept, as far as decided.
        spendings: by budget what that costs; the first is the one that agents see.
        unit: what is kept, see :func:`~hwenvs.problems.kinds.kinds_of`.
        levels: names of what decisions say, 1 and up, where numbers alone say little.
    """

    title: str
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    kept: tuple[int, ...]
    spendings: tuple[Spending, ...]
    unit: str = "channels"
    levels: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The decisions by what they are about."""
        return kinds_of(self.names, self.unit)
