"""Worker processes: each has one thread, a pipe of its own, and a task in its hands or none.

A worker that is killed takes nothing with it but that task: no lock, no queue, no other worker.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar, cast

from hwenvs.errors import SolverError
from hwenvs.solving.loop import Callback
from hwenvs.solving.starting import started

Item = TypeVar("Item")
Result = TypeVar("Result")

Work = Callable[[Item, Callback | None], Result]
"""What workers do with an item: a function of a module, so that they can import it."""

NEWS_EVERY = 0.1
"""Seconds between two messages of a worker."""

PATIENCE = 5.0
"""Seconds that a worker gets to end after it was told to."""


@dataclass(frozen=True)
class Failure:
    """A task that gave no result.

    Attributes:
        error: what the task raised, or the :class:`WorkerError` that tells how its worker ended.
        trace: the traceback in the worker; empty where the worker died.
    """

    error: Exception
    trace: str = ""


@dataclass(frozen=True)
class News:
    """How far a task is.

    Attributes:
        done: finished evaluations.
        best: best reward so far.
    """

    done: int
    best: float


def attempt(
    work: Work[Item, Result], item: Item, callback: Callback | None = None
) -> Result | Failure:
    """``work`` on ``item``; what it raises becomes a failure that other processes can read."""
    try:
        return work(item, callback)
    except Exception as error:  # noqa: BLE001 - whatever a solver raises is told by name
        return Failure(_portable(error), traceback.format_exc())


class Worker(Generic[Item, Result]):
    """A process that does ``work`` on what it is sent, until it is closed.

    Args:
        work: a function of a module.
        tell: whether news are wanted.

    Attributes:
        index: number of the task in its hands; None while it is idle.
        process: the process.

    Raises:
        WorkerError: if no process can be started.
    """

    def __init__(self, work: Work[Item, Result], tell: bool) -> None:
        self.index: int | None = None
        self.process, self._pipe = started(_serve, work, tell)

    def give(self, index: int, item: Item) -> bool:
        """Sends a task; False if the worker has died meanwhile."""
        try:
            self._pipe.send(item)
        except OSError:
            return False
        self.index = index
        return True

    def receive(self) -> Result | Failure | News | None:
        """What the worker has sent; None if it has died, perhaps in the middle of a message."""
        try:
            if self._pipe.poll():
                return cast("Result | Failure | News", self._pipe.recv())
        except (EOFError, OSError):
            return None
        return None

    @property
    def ending(self) -> str:
        """How the process ended, in words; waits for it."""
        self.process.join(PATIENCE)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"ended with exit code {code}"
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:  # real-time signals have numbers only
            return f"was killed by signal {-code}"

    def stop(self) -> None:
        """Tells the process to end; does not wait for it."""
        self._pipe.close()
        self.process.terminate()

    def close(self) -> None:
        """Waits until the process has ended, and makes it end if it does not."""
        self._pipe.close()
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def heard(workers: Sequence[Worker[Item, Result]], seconds: float) -> list[Worker[Item, Result]]:
    """Those of ``workers`` that have sent something or have died, after ``seconds`` at most."""
    ready = wait([worker._pipe for worker in workers], seconds)
    return [w for w in workers if w._pipe in ready or not w.process.is_alive()]


def _serve(
    connection: Connection,
    work: Work[Any, Any],
    tell: bool,
    filters: list[Any],
    environment: Mapping[str, str],
) -> None:
    """A worker's life: task after task, with the parent's warnings and environment variables."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warnings.filters[:] = filters  # type: ignore[index]
    os.environ.clear()
    os.environ.update(environment)
    with suppress(EOFError, OSError):  # the parent has closed the pipe
        while True:
            item = connection.recv()
            connection.send(attempt(work, item, _teller(connection) if tell else None))


def _end_with_parent() -> None:
    """Ends this process when its parent has died, which then cannot tell it to."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _teller(connection: Connection) -> Callback:
    """Tells the parent from time to time how far a task is."""
    told = 0.0

    def callback(done: int, best: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= NEWS_EVERY:
            told = now
            connection.send(News(done, best))

    return callback


def _portable(error: Exception) -> Exception:
    """``error``, or its text where it does not survive the way to another process."""
    with suppress(Exception):
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    return SolverError(f"{type(error).__name__}: {error}")
