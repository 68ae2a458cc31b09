"""Many runs on a pool of processes, with news of all of them while they work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Generic

from hwenvs.errors import WorkerError
from hwenvs.solving.loop import Callback, solve
from hwenvs.solving.records import Run
from hwenvs.solving.solvers import solver_modules
from hwenvs.solving.starting import preload
from hwenvs.solving.workers import Failure, Item, News, Result, Work, Worker, heard

Progress = Callable[[int, int, float], None]
"""Receives a task's index, its finished evaluations and its best reward so far."""

RETRIES = 3
"""How many times a task is tried again after its worker died."""

CHECK_EVERY = 1.0
"""Seconds between two looks at workers that say nothing."""


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

    Raises:
        Exception: what a task raises, with its traceback as a note; the others are given up.
        WorkerError: if a task's worker died again and again.
    """
    if workers == 1:
        for index, task in enumerate(tasks):
            watch = None if progress is None else _watcher(progress, index)
            yield index, solve(callback=watch, **task)
        return
    names = [task["solver"] for task in tasks if isinstance(task["solver"], str)]
    pool = perform(_solve, tasks, workers, progress=progress, modules=solver_modules(names))
    with closing(pool) as results:
        for index, result in results:
            if isinstance(result, Failure):
                if result.trace:
                    result.error.add_note(result.trace)
                raise result.error
            yield index, result


def perform(
    work: Work[Item, Result],
    items: Sequence[Item],
    workers: int,
    retries: int = RETRIES,
    progress: Progress | None = None,
    modules: Iterable[str] = (),
) -> Generator[tuple[int, Result | Failure], None, None]:
    """Does ``work`` on every item, on processes that are replaced where one dies.

    An item whose worker dies is tried again after all others; one that raises is not.  However
    this ends, by an exception or by closing the generator, the processes end with it.

    Args:
        work: a function of a module.
        items: what to do it on.
        workers: processes, one thread each; they are kept from item to item.
        retries: how many times an item is tried again after its worker died.
        progress: see :func:`solve_many`.
        modules: that the work needs, see :func:`preload`.

    Yields:
        Index and result, or failure, of each item as it ends.
    """
    if items:
        preload([work.__module__, *modules])
    pool = _Pool(work, items, workers, retries, progress)
    try:
        while pool.working:
            pool.assign()
            for worker in heard(pool.workers, CHECK_EVERY):
                yield from pool.hear(worker)
    finally:
        pool.close()


class _Pool(Generic[Item, Result]):
    """Items that wait, and workers that have the others in their hands."""

    def __init__(
        self,
        work: Work[Item, Result],
        items: Sequence[Item],
        most: int,
        retries: int,
        progress: Progress | None,
    ) -> None:
        self._work, self._items, self._most = work, items, most
        self._retries, self._progress = retries, progress
        self._waiting = deque(range(len(items)))
        self._deaths = [0] * len(items)
        self.workers: list[Worker[Item, Result]] = []

    @property
    def working(self) -> bool:
        """Whether anything is left to do."""
        return bool(self._waiting) or any(w.index is not None for w in self.workers)

    def assign(self) -> None:
        """Gives waiting items to idle workers, and starts workers while more may be used."""
        idle = [worker for worker in self.workers if worker.index is None]
        while self._waiting and (idle or len(self.workers) < self._most):
            if not idle:
                idle.append(Worker(self._work, self._progress is not None))
                self.workers.append(idle[-1])
            worker = idle.pop()
            if worker.give(self._waiting[0], self._items[self._waiting[0]]):
                self._waiting.popleft()
            else:
                self._remove(worker)

    def hear(self, worker: Worker[Item, Result]) -> Iterator[tuple[int, Result | Failure]]:
        """Takes what a worker has sent, or notices that it has died."""
        index, message = worker.index, worker.receive()
        if message is None:
            self._remove(worker)
            if index is not None:
                yield from self._lost(index, worker.ending)
        elif index is not None and isinstance(message, News):
            if self._progress is not None:
                self._progress(index, message.done, message.best)
        elif index is not None and not isinstance(message, News):
            worker.index = None
            yield index, message

    def close(self) -> None:
        """Ends all workers, whatever they are doing."""
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.close()

    def _lost(self, index: int, ending: str) -> Iterator[tuple[int, Failure]]:
        """Lines an item up again whose worker has died, unless that has happened too often."""
        self._deaths[index] += 1
        if self._deaths[index] <= self._retries:
            self._waiting.append(index)
            return
        times = "once" if self._deaths[index] == 1 else f"{self._deaths[index]} times"
        yield index, Failure(WorkerError(f"its worker process died {times}, the last {ending}"))

    def _remove(self, worker: Worker[Item, Result]) -> None:
        self.workers.remove(worker)
        worker.close()


def _solve(task: Mapping[str, Any], callback: Callback | None) -> Run:
    return solve(callback=callback, **task)


def _watcher(progress: Progress, index: int) -> Callback:
    return lambda done, best: progress(index, done, best)
