"""Canonical JSON and digests: equal things have equal bytes, everywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def canonical(value: Any) -> bytes:
    """``value`` as JSON with sorted keys and no spaces, in UTF-8.

    Floats are written with the fewest digits that read back as the same number.

    Raises:
        ValueError: if a number is not finite.
        TypeError: if something has no JSON.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def settled(value: Any) -> Any:
    """JSON-able ``value`` with whole floats as integers: 1 and 1.0 are the same setting."""
    if isinstance(value, Mapping):
        return {name: settled(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [settled(entry) for entry in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def digest(value: Any) -> str:
    """sha256 of the canonical JSON of ``value``, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def files_digest(folder: Path, names: Iterable[str]) -> str:
    """sha256 over names and bytes of files in ``folder``."""
    found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    return digest(found)
