"""Unions: the entries of several suites in one table, a row for each solver."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwenvs.errors import ArgumentError, DataError
from hwenvs.leaderboards.entries import About
from hwenvs.leaderboards.suites import FOLDER, Suite, TraceSuite, UnionSuite, load_suite
from hwenvs.leaderboards.verify import Judged, Verdict, without_runs


@dataclass(frozen=True)
class Joint(Verdict):
    """What a solver did on all environments of a union.

    Attributes:
        entry: the first of its entries; what they say of the solver is the same.
        suite: the union.
        judged: all environments, in the order of the parts; 0 in parts that it has no entry in.
        parts: the verdicts on its entries, in the order of the parts.
        label: its name; where several solvers share that, ``"name@suite"`` with the first of its
            parts.
    """

    parts: tuple[Verdict, ...]
    label: str

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.label

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: the verdicts that it is made of."""
        return {
            "suite": self.suite.id,
            "suite_digest": self.suite.digest,
            "entry": self.name,
            "parts": {part.suite.id: part.digest for part in self.parts},
        }


def members(union: UnionSuite, suites: Iterable[Suite]) -> tuple[TraceSuite, ...]:
    """The suites that a union is made of.

    Args:
        union: it.
        suites: those that are known.

    Raises:
        DataError: if one is not there, not of environments, or not what it was when the union was
            frozen; if they ask for different numbers of runs or evaluations, which no table can
            rank together; if two have an environment of one name.
    """
    known = {suite.id: suite for suite in suites}
    found: list[TraceSuite] = []
    for part in union.parts:
        suite = known.get(part.suite)
        place = f"suite {union.id}: its part {part.suite}"
        if suite is None:
            raise DataError(f"{place} is not there, or cannot be read")
        if not isinstance(suite, TraceSuite):
            raise DataError(f"{place} is no suite of environments")
        if suite.digest != part.digest:
            raise DataError(
                f"{place} is no longer what was frozen: it has another digest; freeze a new version"
            )
        found.append(suite)
    if len({(len(suite.seeds), suite.evaluations) for suite in found}) > 1:
        raise DataError(f"suite {union.id}: its parts differ in their runs or evaluations")
    keys = Counter(task.key for suite in found for task in suite.tasks)
    if twice := [key for key, count in keys.items() if count > 1]:
        raise DataError(f"suite {union.id}: {twice[0]} stands in two of its parts")
    return tuple(found)


def trace_suites(suite: Suite, folder: Path = FOLDER) -> tuple[TraceSuite, ...]:
    """The suites of environments that runs of solvers on ``suite`` are for: itself, or its parts.

    Args:
        suite: it.
        folder: where parts are looked for.

    Raises:
        ArgumentError: if it takes frozen policies.
        DataError: as :func:`members`.
    """
    if isinstance(suite, UnionSuite):
        return members(suite, [load_suite(part.suite, folder) for part in suite.parts])
    if not isinstance(suite, TraceSuite):
        raise ArgumentError(f"{suite.id} takes frozen policies, no runs of solvers")
    return (suite,)


def joined(union: UnionSuite, suites: Iterable[Suite], verdicts: Iterable[Verdict]) -> list[Joint]:
    """What every solver did on all parts of a union, as one verdict.

    Args:
        union: it.
        suites: those that are known.
        verdicts: on entries of any suites.

    Raises:
        DataError: as :func:`members`.
    """
    parts = members(union, suites)
    places = {part.id: place for place, part in enumerate(parts)}
    solvers: dict[str, dict[str, Verdict]] = {}
    own = [verdict for verdict in verdicts if verdict.suite.id in places]
    for verdict in sorted(own, key=lambda one: places[one.suite.id]):
        solvers.setdefault(_identity(verdict.entry.about), {})[verdict.suite.id] = verdict
    names = Counter(_first(entries).name for entries in solvers.values())
    found = []
    for entries in solvers.values():
        first = _first(entries)
        label = first.name if names[first.name] == 1 else f"{first.name}@{first.suite.id}"
        cells = tuple(one for part in parts for one in _cells(part, entries.get(part.id)))
        found.append(Joint(first.entry, union, cells, tuple(entries.values()), label))
    return found


def parts_of(verdict: Verdict) -> tuple[Verdict, ...]:
    """The verdicts on entries that a row stands for: itself, or those of a union's row."""
    return verdict.parts if isinstance(verdict, Joint) else (verdict,)


def _identity(about: About) -> str:
    """Equal for entries that one solver may have made, in the words of who submitted them.

    Words can be copied, an account cannot: ``check-diff`` refuses entries that do not name the
    account that contributes them, so that nobody adds to the rows of others.
    """
    fields = about.model_dump(
        mode="json", include={"name", "track", "authors", "solver", "hyperparameters"}
    )
    return json.dumps({**fields, "account": about.account.lower()}, sort_keys=True)


def _first(entries: dict[str, Verdict]) -> Verdict:
    return next(iter(entries.values()))


def _cells(part: TraceSuite, verdict: Verdict | None) -> tuple[Judged, ...]:
    if verdict is None:
        return tuple(without_runs(task, part) for task in part.tasks)
    return verdict.judged
