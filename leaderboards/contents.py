"""What lies in a folder that strangers filled, as digests; links are not followed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

Files = dict[str, bytes | None]
"""Digests by path; None for what is no plain file."""


def files_below(root: Path) -> Files:
    """Digests of files by path below ``root``; None for links and for folders without a file."""
    return {path.relative_to(root).as_posix(): _content(path) for path in sorted(_walk(root))}


def _content(path: Path) -> bytes | None:
    """A digest, since a stranger's file may be as long as he likes."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _walk(folder: Path) -> Iterator[Path]:
    if folder.is_symlink():
        yield folder
        return
    for path in folder.iterdir() if folder.is_dir() else ():
        # An empty folder is none of git's: it is where another repository would be checked out.
        if path.is_dir() and not path.is_symlink() and any(path.iterdir()):
            yield from _walk(path)
        else:
            yield path
