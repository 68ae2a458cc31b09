"""What a caller asks for, made a budget on the tables of a problem, or a clear error."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from hwenvs.errors import BudgetError, UnknownNameError, unknown_name
from hwenvs.hardware import COST_UNITS
from hwenvs.problems.budget import TOLERANCE, Budget
from hwenvs.problems.tables import Tables

UNITS = ("fraction", "absolute")


def compile_budget(
    tables: Tables,
    quantity: str,
    budget: float | None,
    units: str = "fraction",
) -> Budget:
    """The budget on ``tables``.

    Args:
        tables: compiled costs.
        quantity: the cost it limits.
        budget: how much; None for no limit.
        units: ``"fraction"`` of the uncompressed cost or ``"absolute"`` in SI units.

    Raises:
        BudgetError: if it is not positive, not a number, above 1 as a fraction, or below the cost
            of the cheapest design.
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
    minimum = before[0] + float(later[0])
    return Budget(
        quantity,
        _amount(budget, units, quantity, before[-1], minimum),
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
    budget: float | Mapping[str, float] | None,
    units: str = "fraction",
) -> tuple[Budget, ...]:
    """All budgets on ``tables``, at least one.

    Args:
        tables: compiled costs.
        quantity: the cost that a single number limits.
        budget: as for :func:`compile_budget`, or ``{quantity: amount, ...}``.
        units: as there, for all of them.

    Raises:
        BudgetError: as there; if a mapping is empty; and if several costs are limited of which one
            may fall as more is kept: then it is not known which options can still meet all.
        UnknownNameError: as there.
    """
    if not isinstance(budget, Mapping):
        return (compile_budget(tables, quantity, budget, units),)
    if not budget:
        raise BudgetError("a budget of several costs names none")
    found = tuple(compile_budget(tables, name, limit, units) for name, limit in budget.items())
    for one in found if len(found) > 1 else ():
        if not one.lowest_is_cheapest:
            raise BudgetError(
                f"several budgets at once need costs that never fall as more is kept; "
                f"{one.quantity} does fall on this hardware"
            )
    return found


def _check_quantity(tables: Tables, quantity: str) -> None:
    if quantity in tables.quantities:
        return
    if quantity in COST_UNITS:
        raise UnknownNameError(
            f"cost {quantity!r} cannot be budgeted on this hardware, which reports "
            f"{', '.join(tables.quantities)}; `hwenvs hardware list` shows what others report"
        )
    raise unknown_name("cost", quantity, tables.quantities)


def _amount(budget: object, units: str, quantity: str, full: float, minimum: float) -> float:
    if budget is None:
        return math.inf
    if isinstance(budget, bool) or not isinstance(budget, int | float | np.number):
        raise BudgetError(f"budget must be a number, a {{cost: number}} or None, not {budget!r}")
    value = float(budget)
    if not math.isfinite(value) or value <= 0:
        raise BudgetError(f"budget must be positive and finite, not {value}")
    if units == "fraction" and value > 1:
        raise BudgetError(
            f"budget {value} is above 1, the uncompressed network; "
            "amounts in SI units need budget_units='absolute'"
        )
    amount = value * full if units == "fraction" else value
    if amount * (1 + TOLERANCE / 2) < minimum:
        least = math.ceil(minimum / full * 1e4) / 1e4
        raise BudgetError(
            f"budget {value:g} allows {amount:.6g} {COST_UNITS[quantity]} of {quantity}, but the "
            f"cheapest design needs {minimum:.6g}: the smallest feasible fraction is {least:.4f} "
            "(a lower floor= allows less)"
        )
    return amount
