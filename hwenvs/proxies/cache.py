"""Measured designs on disk: one file for each way of measuring, shared by any number of processes.

A line is a JSON object; the first holds the settings that the others belong to.  Lines are appended
under a lock, each in one write, and read when somebody asks for a design that is not known yet.  A
line that a killed process left torn is skipped.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hwenvs.errors import DataError

ENVIRONMENT_VARIABLE = "HWENVS_CACHE"
"""Names the folder of the cache."""

Record = Mapping[str, float]
Design = tuple[int, ...]


def cache_folder() -> Path:
    """The folder that ``HWENVS_CACHE`` names, or the platform's folder for caches."""
    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "hwenvs" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "hwenvs"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwenvs"


class DesignCache:
    """What is known of designs, in memory and in a file.

    Args:
        folder: where the file goes; None keeps everything in memory.
        name: start of the file's name.
        settings: JSON-able; equal settings share a file, others never do.

    Raises:
        DataError: if the file cannot be written.
    """

    def __init__(self, folder: Path | None, name: str, settings: Mapping[str, Any]) -> None:
        text = json.dumps(settings, sort_keys=True)
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.path = None if folder is None else folder / f"{name}.{self.digest}.jsonl"
        self._known: dict[Design, Record] = {}
        self._read = 0
        if self.path is not None:
            self._append(self.path, {"settings": dict(settings)}, only_first=True)
            self._refresh()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, design: Sequence[int]) -> Record | None:
        """What is known of ``design``, here or in any other process; None if nothing is."""
        key = tuple(design)
        if key not in self._known:
            self._refresh()
        return self._known.get(key)

    def add(self, design: Sequence[int], record: Record) -> None:
        """Remembers ``record``; it is in the file when this returns.

        Raises:
            DataError: if the file cannot be written.
        """
        self._known[tuple(design)] = record
        if self.path is not None:
            self._append(self.path, {"design": list(design), **record})

    def _refresh(self) -> None:
        """Reads what was appended since the last time, up to the last whole line."""
        if self.path is None or not self.path.exists() or self.path.stat().st_size <= self._read:
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                entries = json.loads(line)
                self._known[tuple(map(int, entries.pop("design")))] = entries
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # torn, or the settings

    @staticmethod
    def _append(path: Path, entries: Mapping[str, Any], only_first: bool = False) -> None:
        line = (json.dumps(entries) + "\n").encode()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            file = os.open(path, flags, 0o644)
            try:
                with _locked(file):
                    size = os.fstat(file).st_size
                    if size and only_first:
                        return
                    if size:
                        os.lseek(file, -1, os.SEEK_END)
                        line = line if os.read(file, 1) == b"\n" else b"\n" + line
                    os.write(file, line)
            finally:
                os.close(file)
        except OSError as error:
            raise DataError(
                f"cannot write the cache {path} ({error}): pass cache='folder', cache=False, or "
                f"set {ENVIRONMENT_VARIABLE}"
            ) from error


@contextmanager
def _locked(file: int) -> Iterator[None]:
    """Holds the file for one process; where there are no locks, appending is atomic enough."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
