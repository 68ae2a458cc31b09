"""Verdicts: what the verifier found, of traces and of policies alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.canonical import digest
from hwenvs.leaderboards.entries import Entry
from hwenvs.leaderboards.suites import Family, Suite, Task

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Instance:
    """A task that was drawn for a policy, and what the policy made of it.

    Attributes:
        task: its id.
        design: [T] integer decisions.
        score: 0 for the uniform design, 1 for the best; below 0 for what is worse than uniform.
    """

    task: str
    design: tuple[int, ...]
    score: float


@dataclass(frozen=True)
class Judged:
    """All runs of an entry on one task, or a policy on all instances of one family.

    Attributes:
        task: the task or family.
        curves: [seeds, E] best score so far after every evaluation, at least 0; a missing run has
            zeros throughout, a run that ended early keeps its last value. [instances, 1] for a
            policy, which makes one design of each.
        missing: seeds without a run.
        distinct: runs that differ from one another; instances of a policy all do.
        design: the best design of all runs, None without any and for policies.
        reward: the best reward; None likewise without any.
        seconds: wall-clock of the runs as claimed, None where nothing is claimed.
        instances: of a policy, in the order of ``curves``; none for traces.
        traces: sha256 of the designs of every run, in the order of seeds; none for policies.
    """

    task: Task | Family
    curves: Floats
    missing: tuple[int, ...]
    distinct: int
    design: tuple[int, ...] | None
    reward: float | None
    seconds: tuple[float | None, ...]
    instances: tuple[Instance, ...] = ()
    traces: tuple[bytes, ...] = ()

    @property
    def scores(self) -> Floats:
        """[seeds] final scores; [instances] of a policy."""
        final: Floats = self.curves[:, -1]
        return final


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        entry: the entry.
        suite: its suite.
        judged: by task or family, in the suite's order.
    """

    entry: Entry
    suite: Suite
    judged: tuple[Judged, ...]

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.entry.about.name

    @property
    def scores(self) -> Floats:
        """[tasks, seeds] final scores; [families, instances] of a policy."""
        return np.stack([judged.scores for judged in self.judged])

    @property
    def missing(self) -> int:
        """Runs that the suite asks for and the entry lacks; they score 0."""
        return sum(len(judged.missing) for judged in self.judged)

    @property
    def effective(self) -> int:
        """The fewest runs on a task that differ from one another."""
        return min(judged.distinct for judged in self.judged)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: what the log's digest is of."""
        found: dict[str, Any] = {
            "suite": self.suite.id,
            "suite_digest": self.suite.digest,
            "entry": self.entry.about.name,
            "entry_digest": self.entry.digest,
            "scores": {one.task.key: [float(s) for s in one.scores] for one in self.judged},
            "missing": {one.task.key: list(one.missing) for one in self.judged if one.missing},
            "distinct": {one.task.key: one.distinct for one in self.judged},
        }
        designs = {
            one.task.key: {each.task: list(each.design) for each in one.instances}
            for one in self.judged
            if one.instances
        }
        return {**found, "designs": designs} if designs else found

    @property
    def digest(self) -> str:
        """sha256 of :meth:`to_dict`."""
        return digest(self.to_dict())
