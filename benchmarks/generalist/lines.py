"""The record: a line of JSON for each training and each search."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a line is about."""
    return row["method"], row.get("task"), row["seed"], row["evaluations"]


def read(path: Path) -> list[Row]:
    """The lines of ``path``; a last one that was cut off is dropped."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        with suppress(json.JSONDecodeError):
            rows.append(json.loads(line))
    return rows


def append(path: Path, row: Row) -> None:
    """One more line; it begins on a line of its own even after one that was cut off."""
    cut = path.is_file() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * cut + json.dumps(row) + "\n")
