"""Many runs on a pool of processes, with news of all of them while they work."""

from __future__ import annotations

import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hwenvs.records import Run
from hwenvs.solving import Callback, solve

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

Progress = Callable[[int, int, float], None]
"""Receives a task's index, its finished evaluations and its best reward so far."""

NEWS_EVERY = 0.1
"""Seconds between two messages of a worker."""


def solve_many(
    tasks: Sequence[Mapping[str, Any]],
    workers: int = 1,
    progress: Progress | None = None,
) -> Iterator[tuple[int, Run]]:
    """Runs ``tasks`` (arguments of :func:`solve`) on a process pool, one thread per worker.

    Worker processes start afresh: with several workers, scripts need the usual
    ``if __name__ == "__main__"``.

    Args:
        tasks: what to run.
        workers: processes; 1 runs in this one.
        progress: called in this process, while tasks run, with a task's index, its finished
            evaluations and its best reward.

    Yields:
        Index and record of each task as it ends.
    """
    if workers == 1:
        for index, task in enumerate(tasks):
            watch = None if progress is None else _watcher(progress, index)
            yield index, solve(callback=watch, **task)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy locks that threads hold
    news: Queue[tuple[int, int, float]] = context.Queue()
    with ProcessPoolExecutor(workers, context, _remember, (news, warnings.filters)) as pool:
        with _one_thread():
            futures = {pool.submit(_report, index, task): index for index, task in enumerate(tasks)}
        try:
            yield from _as_they_end(futures, news, progress)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _as_they_end(
    futures: dict[Future[Run], int], news: Queue[tuple[int, int, float]], progress: Progress | None
) -> Iterator[tuple[int, Run]]:
    waiting = set(futures)
    while waiting:
        ended, waiting = wait(waiting, NEWS_EVERY, FIRST_COMPLETED)
        while not news.empty():
            item = news.get()
            if progress is not None:
                progress(*item)
        for future in ended:
            yield futures[future], future.result()


_news: Queue[tuple[int, int, float]] | None = None


def _remember(news: Queue[tuple[int, int, float]], filters: Sequence[Any]) -> None:
    """Once per worker: where to send how far it is, and which warnings the parent wants."""
    global _news
    _news = news
    warnings.filters[:] = filters  # type: ignore[index]


def _report(index: int, task: Mapping[str, Any]) -> Run:
    """Runs a task in a worker and tells the parent from time to time how far it is."""
    told = 0.0

    def callback(done: int, best: float) -> None:
        nonlocal told
        now = time.monotonic()
        if _news is not None and now - told >= NEWS_EVERY:
            told = now
            _news.put((index, done, best))

    return solve(callback=callback, **task)


def _watcher(progress: Progress, index: int) -> Callback:
    return lambda done, best: progress(index, done, best)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started inside use one thread each."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
