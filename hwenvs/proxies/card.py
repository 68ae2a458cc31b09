"""The card of a table: what was measured, on what, how well it holds up, and by whom."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwenvs.errors import ProxyError
from hwenvs.files import write_json

BASES = ("measured", "analytic", "transferred")
"""What a table can rest on."""


@dataclass(frozen=True)
class Card:
    """What stands behind the accuracies of a proxy.

    Attributes:
        network: name in the zoo.
        family: kind of decisions, e.g. ``"channel_pruning"``.
        basis: ``"measured"`` on real data; ``"transferred"`` from measurements of another network;
            ``"analytic"``, made from the layer table alone.
        data: the images it was measured on, or ``"none"``.
        images: how many.
        command: the command that made the table.
        date: day of the measurement, ISO 8601.
        baseline_accuracy: accuracy of the uncompressed network, a fraction.
        metric: what accuracy means, e.g. ``"top1"``.
        reconstruction: how weights were re-fitted after pruning.
        heldout: errors and rank correlations on designs that the fit did not see.
        measured_by: who made it.
        notes: what a user should know.
        extra: further entries of the file.
    """

    network: str
    family: str
    basis: str
    data: str
    images: Any
    command: str
    date: str
    baseline_accuracy: float
    metric: str
    reconstruction: str = ""
    heldout: Mapping[str, Any] = field(default_factory=dict)
    measured_by: str = ""
    notes: Any = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any], source: str = "card") -> Card:
        """A card from the entries of its file.

        Args:
            entries: the decoded JSON object.
            source: what to call it in messages.

        Raises:
            ProxyError: if a required entry is missing, or the basis or baseline make no sense.
        """
        fields = dataclasses.fields(cls)
        required = [f.name for f in fields if _has_no_default(f)]
        missing = [name for name in required if name not in entries]
        if missing:
            raise ProxyError(f"{source} lacks {', '.join(missing)}; needed: {', '.join(required)}")
        known = {f.name for f in fields} - {"extra"}
        extra = {**entries.get("extra", {})}
        extra.update({k: v for k, v in entries.items() if k not in known and k != "extra"})
        card = cls(**{k: v for k, v in entries.items() if k in known}, extra=extra)
        if card.basis not in BASES:
            raise ProxyError(f"{source}: basis {card.basis!r} is not one of {', '.join(BASES)}")
        baseline = card.baseline_accuracy
        if not isinstance(baseline, int | float) or not 0 <= baseline <= 1:
            raise ProxyError(f"{source}: baseline_accuracy {baseline!r} is not a fraction")
        return card

    @classmethod
    def read(cls, path: Path) -> Card:
        """The card in the JSON file at ``path``.

        Raises:
            ProxyError: if the file is missing, is not JSON, or lacks entries.
        """
        return cls.from_dict(_entries(path), f"the card {path}")

    def to_dict(self) -> dict[str, Any]:
        """Its entries, with ``extra`` folded back in."""
        entries = dataclasses.asdict(self)
        extra = entries.pop("extra")
        return {**entries, **extra}


def add_entry(path: Path, name: str, value: object) -> None:
    """Adds an entry to the card in the file at ``path``, or replaces it; others stay as they are.

    Raises:
        ProxyError: if there is no card.
    """
    entries = _entries(path)
    Card.from_dict(entries, f"the card {path}")
    write_json(path, {**entries, name: value})


def _entries(path: Path) -> dict[str, Any]:
    """The JSON object in a card's file."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProxyError(f"cannot read the card {path}: {error}") from error
    if not isinstance(entries, dict):
        raise ProxyError(f"the card {path} holds {type(entries).__name__}, not an object")
    return entries


def _has_no_default(entry: dataclasses.Field[Any]) -> bool:
    return entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
