"""Numbers and words as the page writes them: fixed digits, nothing that could break the page."""

from __future__ import annotations

import math
from typing import Any

MINUTE = 60.0

_UNPRINTABLE = dict.fromkeys(
    (
        *range(0x09),
        *range(0x0B, 0x20),
        *range(0x7F, 0xA0),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    ),
    "\ufffd",
)
"""Control characters (all but tab and line feed), those that turn the order of letters around, and
halves of surrogate pairs."""


def fixed(value: float, digits: int = 3) -> str:
    """``value`` with so many digits after the point; never ``-0.000``.

    Fixed digits keep what differs in the last bit between processors off the page.
    """
    shown = f"{value:.{digits}f}"
    return shown.removeprefix("-") if float(shown) == 0 else shown


def percent(value: float, digits: int = 0) -> str:
    """A fraction as per cent."""
    return f"{fixed(100 * value, digits)} %"


def effort(value: float) -> str:
    """Numbers of evaluations; infinite ones were never reached."""
    return f"{value:.0f}" if math.isfinite(value) else "not reached"


def duration(seconds: float | None) -> str:
    """Seconds, from two minutes on minutes."""
    if seconds is None:
        return "not claimed"
    if seconds < 2 * MINUTE:
        return f"{fixed(seconds, 2 if seconds < 10 else 0)} s"
    minutes = seconds / MINUTE
    return f"{fixed(minutes, 1 if minutes < 100 else 0)} min"


def sort_key(value: float | None) -> str:
    """What tables are sorted by: a number, larger than any other where there is none."""
    return "1e99" if value is None or not math.isfinite(value) else fixed(value, 6)


def clean(value: Any) -> Any:
    """Plain text without characters that HTML cannot hold or that turn others; else as it is."""
    return value.translate(_UNPRINTABLE) if type(value) is str else value
