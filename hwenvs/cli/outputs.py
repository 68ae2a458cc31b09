"""Where commands write: refused before anything is computed, not after."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hwenvs.errors import ArgumentError


def folder(path: Path | None) -> Path | None:
    """``path``, if it is a folder that can be written into, or can be made; None stays None.

    As a callback of an option it speaks up before the command begins.

    Raises:
        ArgumentError: if it is neither; says why.
    """
    if path is not None:
        _try(path, path)
    return path


def file(path: Path | None) -> Path | None:
    """``path``, if a file of that name can be written; None stays None.  As :func:`folder`.

    Raises:
        ArgumentError: if it cannot; says why.
    """
    if path is not None:
        if path.is_dir():
            raise ArgumentError(f"cannot write {path}: it is a folder, name a file")
        _try(path, path.parent)
    return path


def _try(named: Path, place: Path) -> None:
    """Writes into ``place``, or the folder that it would be made in, and leaves nothing there."""
    try:
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            what = "it" if place == named else str(place)
            raise ArgumentError(f"cannot write {named}: {what} is a file, no folder")
        # Permissions do not tell: some file systems take nothing from anybody.
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise ArgumentError(
            f"cannot write {named}: nothing can be written into {place} ({error.strerror})"
        ) from error
