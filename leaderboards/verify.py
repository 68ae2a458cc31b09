"""The verifier: what an entry is worth, computed here from its decisions or its policy alone.

It is a pure function of an entry's files, the suite and the environments: a submitter, a maintainer
and a machine get the same verdict, bit for bit.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import DesignError, EntryError
from hwenvs.leaderboards.entries import LARGEST, About, Entry, Trace, read_traces
from hwenvs.leaderboards.reading import clipped
from hwenvs.leaderboards.replay import replayed
from hwenvs.leaderboards.rollouts import judge_policy
from hwenvs.leaderboards.suites import PolicySuite, Suite, Task, TraceSuite, UnionSuite
from hwenvs.leaderboards.verdict import Instance, Judged, Verdict

Floats = NDArray[np.float64]

TRACKS = (*TraceSuite.tracks, *PolicySuite.tracks)
"""Tracks that can be judged."""

__all__ = [
    "TRACKS",
    "Instance",
    "Judged",
    "Verdict",
    "check_open",
    "check_track",
    "verify",
    "without_runs",
]


def verify(entry: Entry, suite: Suite) -> Verdict:
    """Replays every design of an entry, or rolls its policy out, and computes its scores.

    Args:
        entry: an opened folder.
        suite: the suite that it was submitted to.

    Raises:
        EntryError: if the entry breaks a rule; the message says where.
    """
    if entry.about.suite != suite.id:
        raise EntryError(f"{entry.folder} was submitted to {entry.about.suite}, not to {suite.id}")
    check_track(entry.about, suite, str(entry.folder))
    if isinstance(suite, PolicySuite):
        return Verdict(entry, suite, judge_policy(entry, suite))
    assert isinstance(suite, TraceSuite)
    return Verdict(entry, suite, _judge_traces(entry, suite))


def check_track(about: About, suite: Suite, place: str) -> None:
    """Whether a suite ranks what is claimed.

    Raises:
        EntryError: if it does not.
    """
    check_open(suite)
    if about.track not in suite.tracks:
        raise EntryError(
            f"{place}: the track {about.track!r} cannot be judged on {suite.id}, which takes "
            + " and ".join(suite.tracks)
        )


def check_open(suite: Suite) -> None:
    """Whether a suite takes entries.

    Raises:
        EntryError: if it is a union.
    """
    if isinstance(suite, UnionSuite):
        raise EntryError(f"{suite.closed}; submit to them")


def without_runs(task: Task, suite: TraceSuite) -> Judged:
    """What an entry that has no run on a task of ``suite`` is worth there: 0 for each."""
    curves, nothing = np.zeros((len(suite.seeds), suite.evaluations)), (None,) * len(suite.seeds)
    return Judged(task, curves, tuple(suite.seeds), 0, None, None, nothing)


def _judge_traces(entry: Entry, suite: TraceSuite) -> tuple[Judged, ...]:
    runs: dict[str, dict[int, Trace]] = {task.key: {} for task in suite.tasks}
    for number, trace in enumerate(read_traces(entry, suite), start=1):
        _place(runs, trace, suite, f"{entry.folder.name}, line {number}")
    return tuple(_judge(task, runs[task.key], suite, entry) for task in suite.tasks)


def _place(runs: dict[str, dict[int, Trace]], trace: Trace, suite: TraceSuite, place: str) -> None:
    """Sorts a trace to its task and seed.

    Raises:
        EntryError: if the suite asks for no such run, it came before, or it is too long.
    """
    if trace.environment not in runs:
        known = ", ".join(runs)
        raise EntryError(
            f"{place}: {suite.id} has no '{clipped(trace.environment)}'; it has {known}"
        )
    if trace.seed not in suite.seeds:
        raise EntryError(f"{place}: seed {trace.seed} is none of the suite's {suite.seeds}")
    if trace.seed in runs[trace.environment]:
        raise EntryError(f"{place}: a second run on {trace.environment} with seed {trace.seed}")
    if len(trace.designs) > suite.evaluations:
        raise EntryError(
            f"{place}: {len(trace.designs)} evaluations; {suite.id} allows {suite.evaluations}"
        )
    runs[trace.environment][trace.seed] = trace


def _judge(task: Task, runs: dict[int, Trace], suite: TraceSuite, entry: Entry) -> Judged:
    if not runs:
        return without_runs(task, suite)
    curves = np.zeros((len(suite.seeds), suite.evaluations))
    missing = tuple(seed for seed in suite.seeds if seed not in runs)
    seconds = tuple(runs[s].seconds if s in runs else None for s in suite.seeds)
    order = sorted(runs)
    blocks = [_array(task, runs[seed], entry) for seed in order]
    rewards = _rewards(task, np.concatenate(blocks), order, blocks, entry)
    traces = tuple(hashlib.sha256(block.tobytes()).digest() for block in blocks)
    best = int(rewards.argmax())
    ends = np.cumsum([len(block) for block in blocks])
    for seed, part in zip(order, np.split(rewards, ends[:-1]), strict=True):
        row = curves[suite.seeds.index(seed)]
        scores = np.maximum.accumulate((part - task.uniform) / (task.optimum - task.uniform))
        row[: len(part)] = scores
        row[len(part) :] = scores[-1]
    design = tuple(int(kept) for kept in np.concatenate(blocks)[best])
    return Judged(
        task,
        np.maximum(curves, 0.0),
        missing,
        len(set(traces)),
        design,
        float(rewards[best]),
        seconds,
        traces=traces,
    )


def _array(task: Task, trace: Trace, entry: Entry) -> NDArray[np.int64]:
    """Designs [E, T] of a trace, each entry within the range of its decision."""
    where = f"{entry.folder.name}, {task.key}, seed {trace.seed}"
    horizon, problem = len(task.design), task.problem()
    for number, design in enumerate(trace.designs, start=1):
        if len(design) != horizon:
            raise EntryError(
                f"{where}, evaluation {number}: {len(design)} decisions instead of {horizon}"
            )
    try:
        block = np.array(trace.designs, dtype=np.int64)
        problem.actions(block)
    except OverflowError as error:
        number = next(n for n, design in enumerate(trace.designs, 1) if not _fits(design))
        raise EntryError(f"{where}, evaluation {number}: a number beyond 64 bits") from error
    except DesignError as error:
        raise EntryError(f"{where}, {_first_fault(task, block)}") from error
    return block


def _fits(design: list[int]) -> bool:
    """Whether its integers fit in 64 bits, of which there is one more below zero than above."""
    return min(design) >= -LARGEST - 1 and max(design) <= LARGEST


def _first_fault(task: Task, block: NDArray[np.int64]) -> str:
    """Which evaluation asks for what is out of range, found by asking for one at a time."""
    for number, design in enumerate(block, start=1):
        try:
            task.problem().actions(design[None])
        except DesignError as error:
            return f"evaluation {number}: {error}"
    raise AssertionError("designs that are refused together are refused one by one")


def _rewards(
    task: Task,
    designs: NDArray[np.int64],
    seeds: list[int],
    blocks: list[NDArray[np.int64]],
    entry: Entry,
) -> Floats:
    """Rewards of all designs of a task; each must be one that the environment leaves as it is."""
    found = replayed(task.problem(), designs)
    wrong = np.flatnonzero(~found.feasible | (found.designs != designs).any(axis=1))
    if len(wrong):
        place, ends = int(wrong[0]), np.cumsum([len(block) for block in blocks])
        run = int(np.searchsorted(ends, place, side="right"))
        number = place - int(ends[run] - len(blocks[run])) + 1
        raise EntryError(
            f"{entry.folder.name}, {task.key}, seed {seeds[run]}, evaluation {number}: the "
            "environment makes another design of this one, or it costs too much: it was never "
            "finished there"
        )
    return found.rewards
