"""Retirement: suites whose environments have changed since, and that a newer version replaces.

What entries of a retired suite earned cannot be recomputed any more.  Their files and verdicts stay
where they are, are still held against the log byte by byte, and are ranked no longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hwenvs.leaderboards.dynamics import stale
from hwenvs.leaderboards.entries import Entry
from hwenvs.leaderboards.log import Line, differences
from hwenvs.leaderboards.suites import Suite, UnionSuite


def outdated(suites: Sequence[Suite]) -> dict[str, list[str]]:
    """What of each suite does not hold today, in words, by the suite's id.

    A union does not hold once one of its parts was replaced.
    """
    found = {suite.id: stale(suite) for suite in suites if not isinstance(suite, UnionSuite)}
    gone = replaced(suites, found)
    for suite in suites:
        if isinstance(suite, UnionSuite):
            found[suite.id] = [
                f"suite {suite.id}: its part {part.suite} is retired; freeze a new version"
                for part in suite.parts
                if part.suite in gone
            ]
    return found


def replaced(suites: Sequence[Suite], wrong: Mapping[str, Sequence[str]]) -> set[str]:
    """Ids of suites that do not hold today, where a newer version does.

    Args:
        suites: all there are.
        wrong: see :func:`outdated`; suites that it does not have are left out.
    """
    newest: dict[str, int] = {}
    for suite in suites:
        if not wrong.get(suite.id, ["unknown"]):
            newest[suite.name] = max(newest.get(suite.name, 0), suite.version)
    return {
        suite.id
        for suite in suites
        if wrong.get(suite.id) and newest.get(suite.name, 0) > suite.version
    }


def kept(entry: Entry, suite: Suite, line: Line | None) -> list[str]:
    """What of a retired suite's entry is not as its last line in the log says, in words."""
    name = f"{suite.id}/{entry.about.name}"
    if line is None:
        return [f"{name} came after {suite.id} was retired: submit to its newest version"]
    return differences(name, line, suite=suite.digest, entry=entry.digest)
