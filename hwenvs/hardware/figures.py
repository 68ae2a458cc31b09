"""Figures of chips, checked before anything is computed with them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass, replace
from numbers import Real
from typing import Any, TypeVar

from hwenvs.arguments import is_whole
from hwenvs.errors import HardwareError

Chip = TypeVar("Chip")

LARGEST = 2**53
"""Counts stay below it, so that float64 arithmetic with them is exact."""


def is_number(value: Any) -> bool:
    """Whether ``value`` is a number that a float64 can be; True and False are none."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    try:
        return number and math.isfinite(value)
    except OverflowError:  # a whole number with more than 308 digits
        return False


def is_count(value: Any) -> bool:
    """Whether ``value`` is a whole number above 0, of an integer type that arrays can hold."""
    return is_whole(value) and bool(0 < value < LARGEST)


def check_figures(hardware: str, chip: Any, *, may_be_zero: Collection[str] = ()) -> None:
    """Looks at every attribute of ``chip``, a dataclass, by the type that it is declared with.

    Numbers must be positive and finite, counts whole as well; other types than text, numbers and
    further dataclasses are left to the caller.

    Args:
        hardware: whose figures they are, as messages begin.
        chip: the chip.
        may_be_zero: figures that need not be positive.

    Raises:
        HardwareError: with the first figure that is none.
    """
    for field in fields(chip):
        value = getattr(chip, field.name)
        if field.type == "str":
            good, valid = isinstance(value, str), "text"
        elif field.type == "int":
            good, valid = is_count(value), "positive and a whole number"
        elif field.type in ("float", "float | None"):
            zero = field.name in may_be_zero
            good = is_number(value) and (value > 0 or (zero and value == 0))
            good = good or (value is None and field.type != "float")
            valid = f"{'0 or ' if zero else ''}positive and finite"
        elif is_dataclass(field.default):
            kind = type(field.default)
            good, valid = isinstance(value, kind), f"of type {kind.__name__}"
        else:
            continue
        if not good:
            raise HardwareError(f"{hardware}: {field.name} must be {valid}, not {value!r}")


def changed(hardware: str, chip: Chip | None, kind: type[Chip], changes: Mapping[str, Any]) -> Chip:
    """``chip`` with other figures; they are for :func:`check_figures` to check.

    Args:
        hardware: whose figures they are, as messages begin.
        chip: the chip; None for the default one of its kind.
        kind: what it must be.
        changes: figures by name.

    Raises:
        HardwareError: if it is no such chip or has no such figure.
    """
    chip = kind() if chip is None else chip
    if not isinstance(chip, kind):
        raise HardwareError(f"{hardware}: the chip must be of type {kind.__name__}, not {chip!r}")
    try:
        return replace(chip, **changes)  # type: ignore[type-var]
    except TypeError as error:
        figures = ", ".join(field.name for field in fields(chip))  # type: ignore[arg-type]
        raise HardwareError(f"{hardware}: {error}; its figures: {figures}") from error
