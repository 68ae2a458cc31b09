"""Runs that another entry had before, or may have had, decision by decision.

Copying is not forbidden: somebody may submit the designs of a certificate, or enter a bundled
solver anew; two policies may find the same design of a task.  But whoever reads the table should
see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hwenvs.leaderboards.log import AnyLine, Line
from hwenvs.leaderboards.verdict import Judged, Verdict

Key = tuple[str, str]
"""Of an entry: its suite and its name."""

Place = tuple[str, str]
"""Where runs are comparable: environments of a suite, tasks of a family that policies walk."""


@dataclass(frozen=True)
class Copied:
    """What an entry shares with another, which came earlier or may have had it earlier.

    Attributes:
        entry: name of the other one, on the same suite.
        runs: how many of the entry's runs are equal to one of the other's on the same environment;
            of a policy, for how many tasks it makes the same design.
        of: the entry's runs where both have some: a policy walks tasks drawn for itself alone.
        sure: whether the other had them when the entry came; otherwise the one that came first has
            been changed after the other came, and nobody knows what it had before.
    """

    entry: str
    runs: int
    of: int
    sure: bool = True


@dataclass(frozen=True)
class _Since:
    """Numbers of lines of the log.

    Attributes:
        entered: from which on an entry is there.
        settled: from which on its files are known to be what they are now.
    """

    entered: int
    settled: int


def copies(verdicts: Mapping[Key, Verdict], lines: Iterable[AnyLine]) -> dict[Key, list[Copied]]:
    """What every entry shares with those of its suite that are not surely later, the most first.

    A run counts for the first that was entered of those that have it, whatever the seeds are.

    Args:
        verdicts: of all entries; those that were not logged are left out.
        lines: of the log.
    """
    since = {key: one for key, one in _since(lines).items() if key in verdicts}
    runs = {key: [run for one in verdicts[key].judged for run in _runs(one)] for key in since}
    places = {key: frozenset(place for place, _ in some) for key, some in runs.items()}
    owners: dict[tuple[str, Place, object], list[Key]] = {}
    for key, some in runs.items():
        for run in dict.fromkeys(some):
            owners.setdefault((key[0], *run), []).append(key)
    found: dict[Key, list[Copied]] = {}
    for key, some in runs.items():
        shared: Counter[Key] = Counter()
        for run in some:
            others = [one for one in owners[key[0], *run] if one != key]
            earlier = [one for one in others if since[one].entered < since[key].settled]
            shared.update(earlier[:1])
        found[key] = [
            Copied(
                other[1],
                number,
                sum(place in places[other] for place, _ in some),
                since[other].settled < since[key].entered,
            )
            for other, number in shared.most_common()
        ]
    return found


def _since(lines: Iterable[AnyLine]) -> dict[Key, _Since]:
    """Of all entries that were not withdrawn, in the order of entering."""
    seen: dict[Key, dict[str, int]] = {}
    now: dict[Key, str] = {}
    for line in lines:
        key = line.suite, line.entry
        if isinstance(line, Line):
            seen.setdefault(key, {}).setdefault(line.entry_digest, line.number)
            now[key] = line.entry_digest
        else:
            seen.pop(key, None)
    return {key: _Since(min(seen[key].values()), seen[key][now[key]]) for key in seen}


def _runs(judged: Judged) -> list[tuple[Place, object]]:
    """Where every run was made, and what was decided in it."""
    key = judged.task.key
    runs: list[tuple[Place, object]] = [((key, ""), trace) for trace in judged.traces]
    return [*runs, *(((key, one.task), one.design) for one in judged.instances)]
