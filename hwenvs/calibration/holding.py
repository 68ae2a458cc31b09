"""Files that one process at a time writes: free again when it ends, however it ends."""

from __future__ import annotations

import os
from pathlib import Path
from weakref import WeakValueDictionary, finalize

from hwenvs.errors import DataError


class Held:
    """A file that no other process holds, until nobody refers to this or the process ends.

    Args:
        descriptor: of the open file; closed then.
    """

    def __init__(self, descriptor: int) -> None:
        self.release = finalize(self, os.close, descriptor)


_HELD: WeakValueDictionary[tuple[int, int], Held] = WeakValueDictionary()
"""What this process holds, by device and number of the file."""


def hold(path: Path) -> Held | None:
    """Holds the file, made if absent, against other processes; this one may hold it several times.

    Returns:
        What keeps it held; None where there are no such locks.

    Raises:
        DataError: if another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        return None
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    held = Held(descriptor)
    state = os.fstat(descriptor)
    key = state.st_dev, state.st_ino
    if key in _HELD:
        return _HELD[key]
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(
            f"another process measures into the folder {path.parent} (it holds {path.name}): let "
            "it end first, or choose another output folder"
        ) from error
    except OSError:  # a file system without locks
        return None
    _HELD[key] = held
    return held


def _let_go() -> None:
    """A forked process holds nothing: it may outlive the one that does."""
    for held in list(_HELD.values()):
        held.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
