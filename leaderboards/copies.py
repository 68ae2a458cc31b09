"""Runs that another entry had before, decision by decision.

Copying is not forbidden: somebody may submit the designs of a certificate, or enter a bundled
solver anew.  But whoever reads the table should see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hwenvs.leaderboards.log import AnyLine, latest
from hwenvs.leaderboards.verdict import Verdict

Key = tuple[str, str]
"""Of an entry: its suite and its name."""


@dataclass(frozen=True)
class Copied:
    """What an entry shares with an earlier one.

    Attributes:
        entry: name of the earlier one, on the same suite.
        runs: how many of the later one's runs are equal to one of its runs on the same task.
    """

    entry: str
    runs: int


def copies(verdicts: Mapping[Key, Verdict], lines: Iterable[AnyLine]) -> dict[Key, list[Copied]]:
    """What every entry of traces shares with those entered before it, the most first.

    A run counts for the earliest entry that has it, whatever the seeds are.

    Args:
        verdicts: of all entries; those that were not logged are left out.
        lines: of the log.
    """
    owners: dict[tuple[str, str, bytes], str] = {}
    found: dict[Key, list[Copied]] = {}
    for key in latest(lines):
        if key not in verdicts:
            continue
        suite, name = key
        runs = [
            (suite, judged.task.key, trace)
            for judged in verdicts[key].judged
            for trace in judged.traces
        ]
        shared = Counter(owners[run] for run in runs if run in owners)
        found[key] = [Copied(*pair) for pair in shared.most_common()]
        owners.update({run: name for run in runs if run not in owners})
    return found
