"""Decisions of several kinds in turn, such as a density and a codebook for every layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_KINDS = 4


@dataclass(frozen=True)
class Kind:
    """Decisions that are all about the same, such as the bits of the layers' weights.

    Attributes:
        name: what they are about, e.g. ``"weights"``; empty where all decisions are of one kind.
        unit: what they count in.
        names: of the decisions, without the kind.
        places: of the decisions in a design.
    """

    name: str
    unit: str
    names: tuple[str, ...]
    places: tuple[int, ...]


def kinds_of(names: Sequence[str], unit: str) -> tuple[Kind, ...]:
    """Decisions by kind, if every name ends with a kind and all kinds are equally many.

    Args:
        names: of all decisions.
        unit: what they count in; one a kind between commas, or one for all.
    """
    by_kind: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        by_kind.setdefault(name.rpartition(" ")[2], []).append(place)
    even = len({len(places) for places in by_kind.values()}) == 1
    if not (all(" " in name for name in names) and even and 1 < len(by_kind) <= MOST_KINDS):
        by_kind = {"": list(range(len(names)))}
    units = unit.split(", ")
    if len(units) != len(by_kind):
        units = [unit] * len(by_kind)
    return tuple(
        Kind(
            kind,
            own,
            tuple(names[place].removesuffix(kind).rstrip() for place in places),
            tuple(places),
        )
        for (kind, places), own in zip(by_kind.items(), units, strict=True)
    )


def in_turn(kinds: Sequence[Kind]) -> str:
    """What the entries of a design count in, e.g. ``"% of the weights and bits in turn"``."""
    units = list(dict.fromkeys(kind.unit for kind in kinds))
    return " and ".join(units) + (" in turn" if len(units) > 1 else "")
