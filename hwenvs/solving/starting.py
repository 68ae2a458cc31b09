"""How worker processes start, and what they hear of Ctrl-C: nothing.

On Linux workers are forked, but not from this process, whose threads may hold locks: from a process
of one thread that has imported what they need (:func:`preload`) and does nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Literal

from hwenvs.errors import WorkerError

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext
    from multiprocessing.process import BaseProcess

METHOD: Literal["forkserver", "spawn"] = "forkserver" if sys.platform == "linux" else "spawn"
"""How workers start: forked from a process with everything imported, or each afresh."""

RESTART_AFTER = 0.5
"""Seconds until a process is started again that could not be: those that died are then gone."""


def preload(modules: Iterable[str]) -> None:
    """Starts the process that workers are forked from, and does not wait for it.

    It ends with this process, and stays as it is: what later workers need more, each imports.

    Args:
        modules: imported there once for all workers, if they exist; they may start no threads.
    """
    if METHOD == "forkserver":
        from multiprocessing import forkserver

        forkserver.set_forkserver_preload([*modules, "hwenvs.solving.preloading"])
        _ensure_server()


def started(serve: Callable[..., None], *arguments: Any) -> tuple[BaseProcess, Connection]:
    """A process that serves, and this end of its pipe.

    Args:
        serve: a function of a module, called with the other end, ``arguments``, and this process's
            filters of warnings and environment variables.
        *arguments: for ``serve``.

    Raises:
        WorkerError: if it cannot be started, nor once more.
    """
    try:
        return _started(serve, *arguments)
    except (EOFError, OSError):  # the process that it is forked from has died
        time.sleep(RESTART_AFTER)
    try:
        return _started(serve, *arguments)
    except (EOFError, OSError) as error:
        raise WorkerError(
            f"no worker process can be started ({error!r}): the one that workers are forked from "
            "died twice, perhaps for want of memory"
        ) from error


def _started(serve: Callable[..., None], *arguments: Any) -> tuple[BaseProcess, Connection]:
    """As :func:`started`, in one attempt.

    Raises:
        EOFError, OSError: if the process that it is forked from dies meanwhile.
    """
    context = _context()
    ours, theirs = context.Pipe()
    with _one_thread():
        # The process that it is forked from may have been started under other circumstances.
        circumstances = list(warnings.filters), dict(os.environ)
        process = context.Process(target=serve, args=(theirs, *arguments, *circumstances))
        if METHOD == "forkserver":
            _ensure_server()
            process.start()  # waits until that process has imported everything: Ctrl-C ends this
        else:
            with _interrupts_later():
                process.start()
    theirs.close()  # so that the pipe ends when the worker does
    return process, ours


def _ensure_server() -> None:
    """Starts the process that workers are forked from, unless it runs."""
    from multiprocessing import forkserver

    with _one_thread(), _interrupts_later():
        forkserver.ensure_running()


def _context() -> ForkServerContext | SpawnContext:
    """How processes start, by :data:`METHOD`."""
    if METHOD == "forkserver":
        return multiprocessing.get_context("forkserver")
    return multiprocessing.get_context("spawn")


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


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Ctrl-C waits until the end; processes started inside do not hear it at all.

    They inherit the mask of blocked signals.
    """
    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # it would unblock the signal when it is started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
