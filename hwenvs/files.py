"""Files that are never half-written."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def stamps(value: object) -> tuple[tuple[str | int, ...], ...]:
    """What tells whether files that ``value`` names are still the same, from its strings.

    Args:
        value: a string, or mappings and lists of them, as deep as JSON goes.

    Returns:
        For every string that is the path of a file: where it lies, its number, size and time.
    """
    if isinstance(value, Mapping):
        return tuple(found for entry in value.values() for found in stamps(entry))
    if isinstance(value, list | tuple):
        return tuple(found for entry in value for found in stamps(entry))
    if not isinstance(value, str):
        return ()
    try:
        state = os.stat(value)  # noqa: PTH116 (a Path costs more than the look)
    except (OSError, ValueError):
        return ()
    place = os.path.abspath(value)  # noqa: PTH100
    return ((place, state.st_ino, state.st_size, state.st_mtime_ns),)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path`` in one step when the block ends.

    The folder is made if it is missing.  If the block fails, ``path`` stays as it was.  The file
    may be read by whom the umask allows, whatever its writer thinks of that (safetensors: nobody).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # Python can only read the umask by changing it, in all threads: a new file shows it.
        temporary.touch()
        mode = temporary.stat().st_mode
        temporary.unlink()
        yield temporary
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Writes ``value`` for people and programs to read, as in :func:`replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


@contextmanager
def gzipped(path: Path) -> Iterator[gzip.GzipFile]:
    """A gzip file to write to, which takes the place of ``path`` as in :func:`replacing`.

    It holds no name and no time stamp: equal content gives equal bytes.
    """
    with (
        replacing(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file,
    ):
        yield file
