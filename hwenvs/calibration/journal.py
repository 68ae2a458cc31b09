"""An append-only file of measurements, so that a calibration killed at any moment continues."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hwenvs.calibration.holding import hold
from hwenvs.errors import DataError


def digest(settings: dict[str, Any]) -> str:
    """A short hash of JSON-able settings."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Journal:
    """One JSON object a line; the first line holds the settings that the measurements belong to.

    As long as there is one, no other process may have one of the same file.

    Args:
        path: the file, made if absent.
        settings: what was asked for; a journal made with other settings is refused.
        untold: settings that older journals do not tell; those are believed.

    Raises:
        DataError: if the file belongs to other settings, is none of a journal, or another process
            writes it.
    """

    def __init__(self, path: Path, settings: dict[str, Any], untold: Collection[str] = ()) -> None:
        self.path = path
        self.records: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._held = hold(path)
        content = path.read_bytes()
        # A line cut off by a kill is measured again: keep only what ends with a newline.
        whole = content[: content.rfind(b"\n") + 1]
        lines = whole.splitlines()
        if lines:
            found = dict(self._parsed(lines[0], 1, "settings")["settings"])
            found |= {k: settings[k] for k in untold if k in settings and k not in found}
            if found != settings:
                different = sorted(
                    k for k in found.keys() | settings.keys() if found.get(k) != settings.get(k)
                )
                raise DataError(
                    f"{path} holds measurements made with other settings "
                    f"({', '.join(different)}); choose another output folder or delete it"
                )
        for number, line in enumerate(lines[1:], 2):
            record = self._parsed(line, number, "key")
            self.records[record["key"]] = record
        if len(whole) < len(content):
            os.truncate(path, len(whole))
        if not lines:
            self._write({"settings": settings})

    def __contains__(self, key: str) -> bool:
        return key in self.records

    def add(self, key: str, **values: Any) -> None:
        """Appends one measurement; it is on disk when this returns."""
        record = {"key": key, **values}
        self._write(record)
        self.records[key] = record

    def _parsed(self, line: bytes, number: int, name: str) -> dict[str, Any]:
        """An object that has an entry ``name``."""
        try:
            record: dict[str, Any] = json.loads(line)
            _ = record[name]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{self.path} is damaged in line {number}; delete the file to measure anew"
            ) from error
        return record

    def _write(self, record: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())
