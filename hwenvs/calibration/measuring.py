"""Runs measurements on worker processes and writes each to the journal as it arrives."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch

from hwenvs.calibration.bench import Bench
from hwenvs.calibration.journal import Journal
from hwenvs.calibration.sweeps import sweep_group

Progress = Callable[[str, int, int], None]
"""Receives what is measured, how much of it is done and how much there is."""


@dataclass(frozen=True)
class SweepTask:
    """Measure one group alone at several keep-counts on the first ``images`` images."""

    key: str
    group: int
    counts: tuple[int, ...]
    images: int


@dataclass(frozen=True)
class DesignTask:
    """Measure a joint design."""

    key: str
    design: tuple[int, ...]


class Measures(Protocol):
    """A bench: what is needed to measure designs."""

    def prepare(self) -> None:
        """Computes what all measurements share, before processes are forked."""

    def measure(self, design: Sequence[int]) -> Any:
        """A dataclass with what was measured."""


_bench: Measures | None = None


def run_tasks(
    bench: Measures,
    tasks: Sequence[SweepTask | DesignTask],
    journal: Journal,
    workers: int,
    label: str,
    progress: Progress | None = None,
) -> None:
    """Measures what the journal does not hold yet.

    Workers are forked, so that they share the bench's memory, and use one thread each.

    Args:
        bench: the measuring bench.
        tasks: what to measure.
        journal: receives every result at once.
        workers: number of processes; 1 measures in this one.
        label: what ``progress`` calls it.
        progress: called after every result.
    """
    global _bench
    todo = [task for task in tasks if task.key not in journal]
    done = len(tasks) - len(todo)
    if progress is not None:
        progress(label, done, len(tasks))
    if todo:
        bench.prepare()
    _bench = bench
    try:
        for key, values in _results(todo, workers):
            journal.add(key, **values)
            done += 1
            if progress is not None:
                progress(label, done, len(tasks))
    finally:
        _bench = None


def _results(
    tasks: Sequence[SweepTask | DesignTask], workers: int
) -> Iterator[tuple[str, dict[str, object]]]:
    if workers == 1:
        yield from map(_measure, tasks)
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a forked child hangs in a thread pool that its parent has started
    try:
        with multiprocessing.get_context("fork").Pool(workers, _quiet) as pool:
            yield from pool.imap_unordered(_measure, tasks)
    finally:
        torch.set_num_threads(threads)


def _quiet() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)


def _measure(task: SweepTask | DesignTask) -> tuple[str, dict[str, object]]:
    assert _bench is not None
    if isinstance(task, DesignTask):
        return task.key, {"design": list(task.design), **asdict(_bench.measure(task.design))}
    assert isinstance(_bench, Bench)
    results = sweep_group(_bench, task.group, list(task.counts), task.images)
    rows = [{"kept": count, **asdict(measured)} for count, measured in results]
    return task.key, {"rows": rows}
