"""What a caller asks for, made a budget on the tables of a problem, or a clear error."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hwenvs.errors import BudgetError, UnknownNameError, unknown_name
from hwenvs.hardware import COST_UNITS, DEFINITIONS, MAXIMA
from hwenvs.problems.budget import TOLERANCE, Budget
from hwenvs.problems.tables import Tables

UNITS = ("fraction", "absolute")

Advice = Callable[[str, float], str]
"""What to do about a cost of which even the cheapest design needs so much, in SI units."""


def compile_budget(
    tables: Tables,
    quantity: str,
    budget: float | None,
    units: str = "fraction",
    advice: Advice | None = None,
    what: str = "budget",
) -> Budget:
    """The budget on ``tables``.

    Args:
        tables: compiled costs.
        quantity: the cost it limits.
        budget: how much; None for no limit.
        units: ``"fraction"`` of the uncompressed cost or ``"absolute"`` in SI units.
        advice: says what would allow less than the cheapest design needs.
        what: name of the argument, for messages.

    Raises:
        BudgetError: if it is not positive, not a number, above the uncompressed cost, or below the
            cost of the cheapest design; or if the uncompressed network costs nothing.
        UnknownNameError: if the hardware does not report the cost, or the units are unknown.
    """
    if units not in UNITS:
        raise unknown_name("budget_units", units, UNITS)
    _check_quantity(tables, quantity)
    cost = tuple(tables.cost(quantity, t) for t in range(tables.horizon))
    need, later = [], np.zeros(tables.width[-1])
    for table in reversed(cost):
        need.append(table + later)
        later = need[-1].min(axis=1)
    need.reverse()
    before = [tables.constant_cost(quantity)]
    for table in cost:
        before.append(before[-1] + float(table[-1, -1]))
    if before[-1] <= 0:
        raise BudgetError(
            f"{quantity} of the uncompressed network is {before[-1]:g} {COST_UNITS[quantity]}: "
            "nothing of it can be saved"
        )
    minimum = before[0] + float(later[0])
    return Budget(
        quantity,
        _Limit(quantity, before[-1], minimum, what, advice).amount(budget, units),
        tuple(before),
        minimum,
        tuple(np.ascontiguousarray(table).reshape(-1) for table in cost),
        tuple(np.ascontiguousarray(table).reshape(-1) for table in need),
        tuple(np.minimum.accumulate(table[:, ::-1], 1)[:, ::-1].reshape(-1) for table in need),
        tuple(float(table.max()) for table in need),
        tuple(bool((np.diff(table, axis=1) >= 0).all()) for table in need),
        tables.width,
    )


def compile_budgets(
    tables: Tables,
    quantity: str,
    budget: float | Mapping[str, float | None] | None,
    units: str = "fraction",
    advice: Advice | None = None,
) -> tuple[Budget, ...]:
    """All budgets on ``tables``, at least one.

    Args:
        tables: compiled costs.
        quantity: the cost that a single number limits.
        budget: as for :func:`compile_budget`, or ``{quantity: amount, ...}``.
        units: as there, for all of them.
        advice: as there.

    Raises:
        BudgetError: as there; if a mapping is empty, or one of several has no limit; and if several
            costs are limited of which one may fall as more is kept: then it is not known which
            options can still meet all.
        UnknownNameError: as there.
    """
    if not isinstance(budget, Mapping):
        return (compile_budget(tables, quantity, budget, units, advice),)
    if not budget:
        raise BudgetError("a budget of several costs names none")
    for name, limit in budget.items():
        if limit is None and len(budget) > 1:
            raise BudgetError(f"budget of {name} must be a number, not None: leave {name} out")
    found = tuple(
        compile_budget(tables, name, limit, units, advice) for name, limit in budget.items()
    )
    for one in found if len(found) > 1 else ():
        if not one.lowest_is_cheapest:
            raise BudgetError(
                f"several budgets at once need costs that never fall as more is kept; "
                f"{one.quantity} does fall here"
            )
    return found


def _check_quantity(tables: Tables, quantity: str) -> None:
    if quantity in tables.quantities:
        return
    if quantity in MAXIMA:
        raise UnknownNameError(
            f"cost {quantity!r} cannot be budgeted: it is the largest over the layers, no sum; "
            f"this hardware has {', '.join(tables.quantities)}"
        )
    if isinstance(quantity, str) and quantity in COST_UNITS:
        raise UnknownNameError(
            f"cost {quantity!r} cannot be budgeted on this hardware, which reports "
            f"{', '.join(tables.quantities)}; `hwenvs hardware list` shows what others report"
        )
    raise unknown_name("cost", quantity, tables.quantities)


@dataclass(frozen=True)
class _Limit:
    """What an amount has to lie between.

    Attributes:
        quantity: the cost.
        full: of the uncompressed network, in SI units.
        minimum: of the cheapest design.
        what: name of the argument.
        advice: says what would allow less.
    """

    quantity: str
    full: float
    minimum: float
    what: str
    advice: Advice | None

    def amount(self, given: object, units: str) -> float:
        """``given`` in SI units; infinite for None."""
        if given is None:
            return math.inf
        if isinstance(given, bool) or not isinstance(given, int | float | np.number):
            raise BudgetError(
                f"{self.what} must be a number, a {{cost: number}} or None, not {given!r}"
            )
        value = float(given)
        if not math.isfinite(value) or value <= 0:
            raise BudgetError(f"{self.what} must be positive and finite, not {value}")
        if units == "fraction" and value > 1:
            raise BudgetError(
                f"{self.what} {value} is above 1, the uncompressed network; "
                "amounts in SI units need budget_units='absolute'"
            )
        amount = value * self.full if units == "fraction" else value
        # Costs that were added up in another order may differ in the last bits.
        if amount > self.full * (1 + TOLERANCE):
            raise BudgetError(
                f"{self.what} {_told(value, self.quantity)} is above {self.full:.6g}, what the "
                "uncompressed network costs; fractions of it need budget_units='fraction'"
            )
        if amount * (1 + TOLERANCE / 2) < self.minimum:
            raise BudgetError(self._too_little(value, amount))
        return amount

    def _too_little(self, value: float, amount: float) -> str:
        # Where all designs cost the same, rounding would ask for more than the whole network.
        least = min(math.ceil(self.minimum / self.full * 1e4) / 1e4, 1.0)
        hint = self.advice(self.quantity, self.minimum) if self.advice else ""
        return (
            f"{self.what} {value:g} allows {_told(amount, self.quantity)}, but the cheapest design "
            f"needs {self.minimum:.6g}: the smallest feasible fraction is {least:.4f}"
            + (f" ({hint})" if hint else "")
        )


def _told(amount: float, quantity: str) -> str:
    """``amount`` in words: counts say what they count, other costs have a unit."""
    if quantity in DEFINITIONS:
        return f"{amount:.6g} {quantity}"
    return f"{amount:.6g} {COST_UNITS[quantity]} of {quantity}"
