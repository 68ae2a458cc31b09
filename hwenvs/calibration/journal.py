"""An append-only file of measurements, so that a calibration killed at any moment continues."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from hwenvs.errors import DataError


def digest(settings: dict[str, Any]) -> str:
    """A short hash of JSON-able settings."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Journal:
    """One JSON object a line; the first line holds the settings that the measurements belong to.

    Args:
        path: the file, made if absent.
        settings: what was asked for; a journal made with other settings is refused.

    Raises:
        DataError: if the file belongs to other settings.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self.records: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text() if path.exists() else ""
        # A line cut off by a kill is measured again: keep only what ends with a newline.
        whole = text[: text.rfind("\n") + 1]
        lines = whole.splitlines()
        if lines:
            found = json.loads(lines[0])["settings"]
            if found != settings:
                different = sorted(
                    k for k in found.keys() | settings.keys() if found.get(k) != settings.get(k)
                )
                raise DataError(
                    f"{path} holds measurements made with other settings "
                    f"({', '.join(different)}); choose another output folder or delete it"
                )
        for line in lines[1:]:
            record = json.loads(line)
            self.records[record["key"]] = record
        if len(whole) < len(text):
            os.truncate(path, len(whole.encode()))
        if not lines:
            self._write({"settings": settings})

    def __contains__(self, key: str) -> bool:
        return key in self.records

    def add(self, key: str, **values: Any) -> None:
        """Appends one measurement; it is on disk when this returns."""
        record = {"key": key, **values}
        self._write(record)
        self.records[key] = record

    def _write(self, record: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())
