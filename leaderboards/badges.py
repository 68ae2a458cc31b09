"""Badges: what of an entry was shown, by which line of the log, and what holds of several."""

from __future__ import annotations

from collections.abc import Iterable

from hwenvs.leaderboards.log import AnyLine, Badge, Line, Withdrawal

BADGES: tuple[Badge, ...] = ("different", "replayed", "indistinguishable", "reproduced")
"""From the weakest to the strongest."""


def decisive(lines: Iterable[AnyLine]) -> dict[tuple[str, str], Line]:
    """The line of the log that says which badge an entry has, by suite and entry.

    It is the last one, unless nothing but replays came after ``different``: whoever changes an
    entry has it replayed, and only a solver that is run again can show better of it.  A withdrawal
    ends it, with all else that was said.

    Args:
        lines: of the log, in order.
    """
    found: dict[tuple[str, str], Line] = {}
    for line in lines:
        key = line.suite, line.entry
        if isinstance(line, Withdrawal):
            found.pop(key, None)
        elif line.badge != "replayed" or key not in found or found[key].badge != "different":
            found[key] = line
    return found


def weakest(badges: Iterable[Badge]) -> Badge:
    """What holds of all parts: the weakest of their badges."""
    return min(badges, key=BADGES.index)
