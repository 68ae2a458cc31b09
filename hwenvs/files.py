"""Files that are never half-written."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

Stamp = tuple[str, int, int, int]
"""Where a file lies, its number, size and time."""


def stamps(value: object) -> tuple[Stamp, ...]:
    """What tells whether files that ``value`` names are still the same, from its strings.

    Args:
        value: a string, or mappings and lists of them, as deep as JSON goes.

    Returns:
        One for every string that is the path of a file.
    """
    return tuple(found for text in _strings(value) if (found := _stamp(text)) is not None)


def digests(value: object) -> dict[str, str]:
    """sha256 of the files that ``value`` names, by name; a name of a file has a suffix.

    Args:
        value: as for :func:`stamps`.
    """
    # Ids of networks and chips have none, and may be names of files here by chance.
    named = sorted({text for text in _strings(value) if Path(text).suffix})
    files = ((text, _stamp(text)) for text in named if os.path.isfile(text))  # noqa: PTH113
    return {text: _digest(stamp) for text, stamp in files if stamp is not None}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for entry in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(entry)


def _stamp(text: str) -> Stamp | None:
    try:
        state = os.stat(text)  # noqa: PTH116 (a Path costs more than the look)
    except (OSError, ValueError):
        return None
    place = os.path.abspath(text)  # noqa: PTH100
    return (place, state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(256)
def _digest(stamp: Stamp) -> str:
    """Read again once the file has another stamp."""
    with open(stamp[0], "rb") as file:  # noqa: PTH123
        return hashlib.file_digest(file, "sha256").hexdigest()


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
