"""What stops a command: Ctrl-C, wherever Python was when it came, and a batch system's SIGTERM."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN_AFTER = 0.05
"""Seconds until an interrupt that Python dropped is raised again."""


def never_drop_interrupts() -> None:
    """An interrupt that finds Python where it cannot raise is raised again a moment later.

    Such places are finalizers and callbacks of weak references, of which each import runs one (of
    importlib's module locks): Python reports "Exception ignored", and the command would go on.
    """
    before = sys.unraisablehook

    def hook(dropped: UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            # Not at once: raised in here it would be dropped once more.
            timer = threading.Timer(AGAIN_AFTER, _interrupt)
            timer.daemon = True
            timer.start()
        else:
            before(dropped)

    sys.unraisablehook = hook


def _interrupt() -> None:
    """Interrupts the main thread; wakes it where it waits, if the system can."""
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Inside, SIGTERM raises KeyboardInterrupt: a machine that is taken back stops as Ctrl-C does.

    Nothing changes in threads other than the main one, which hear no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
