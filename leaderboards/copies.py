"""Runs that another entry had before, decision by decision.

Copying is not forbidden: somebody may submit the designs of a certificate, or enter a bundled
solver anew; two policies may find the same design of a task.  But whoever reads the table should
see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hwenvs.leaderboards.log import AnyLine, latest
from hwenvs.leaderboards.verdict import Judged, Verdict

Key = tuple[str, str]
"""Of an entry: its suite and its name."""

Place = tuple[str, str]
"""Where runs are comparable: environments of a suite, tasks of a family that policies walk."""


@dataclass(frozen=True)
class Copied:
    """What an entry shares with an earlier one.

    Attributes:
        entry: name of the earlier one, on the same suite.
        runs: how many of the later one's runs are equal to one of its runs on the same environment;
            of a policy, for how many tasks it makes the same design.
        of: the later one's runs where both have some: a policy walks tasks drawn for itself alone.
    """

    entry: str
    runs: int
    of: int


def copies(verdicts: Mapping[Key, Verdict], lines: Iterable[AnyLine]) -> dict[Key, list[Copied]]:
    """What every entry shares with those entered before it on its suite, the most first.

    A run counts for the earliest entry that has it, whatever the seeds are.

    Args:
        verdicts: of all entries; those that were not logged are left out.
        lines: of the log.
    """
    owners: dict[tuple[str, Place, object], str] = {}
    places: dict[Key, frozenset[Place]] = {}
    found: dict[Key, list[Copied]] = {}
    for key in latest(lines):
        if key not in verdicts:
            continue
        suite, name = key
        runs = [run for judged in verdicts[key].judged for run in _runs(judged)]
        places[key] = frozenset(place for place, _ in runs)
        shared = Counter(owners[suite, *run] for run in runs if (suite, *run) in owners)
        found[key] = [
            Copied(other, number, sum(place in places[suite, other] for place, _ in runs))
            for other, number in shared.most_common()
        ]
        for run in runs:
            owners.setdefault((suite, *run), name)
    return found


def _runs(judged: Judged) -> list[tuple[Place, object]]:
    """Where every run was made, and what was decided in it."""
    key = judged.task.key
    runs: list[tuple[Place, object]] = [((key, ""), trace) for trace in judged.traces]
    return [*runs, *(((key, one.task), one.design) for one in judged.instances)]
