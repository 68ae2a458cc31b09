"""Entries beside one another: their learning curves in one figure, and the key to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from hwenvs.leaderboards.page.cells import anchor
from hwenvs.leaderboards.page.entrants import Entrant
from hwenvs.leaderboards.page.pictures import Curve, learning_curves
from hwenvs.leaderboards.suites import Task, TraceSuite
from hwenvs.reporting.statistics import median

Key = tuple[tuple[Entrant, float], ...]
"""Entries and their median final scores, best first."""


@dataclass(frozen=True)
class Overview:
    """Environments of a union on the page; the sections of its parts show the rest of them.

    Attributes:
        task: the environment; None for all of them together.
        anchor: of the environment's section; of the union's where it is all of them.
        curves: the figure.
        key: to it.
    """

    task: Task | None
    anchor: str
    curves: Markup
    key: Key


def overviews(
    union: str, parts: Sequence[TraceSuite], entrants: Sequence[Entrant]
) -> tuple[Overview, ...]:
    """All environments of a union together, then each of them; nothing without entries.

    Args:
        union: its id.
        parts: its suites.
        entrants: its entries, best first.
    """
    if not entrants:
        return ()
    homes = [(part, task) for part in parts for task in part.tasks]
    every = range(len(homes))
    found = [Overview(None, union, curves(union, every, entrants), key(every, entrants))]
    for place, (part, task) in enumerate(homes):
        figure = curves(task.key, [place], entrants)
        found.append(Overview(task, anchor(part, task), figure, key([place], entrants)))
    return tuple(found)


def key(places: Sequence[int], entrants: Sequence[Entrant]) -> Key:
    """Entries by the median of their final scores in some places of the suite, best first."""
    pairs = [
        (entrant, float(median(_runs(places, entrant)[:, -1].tolist()))) for entrant in entrants
    ]
    # Rounded, so that order does not hang on the last bit.
    return tuple(sorted(pairs, key=lambda pair: -round(pair[1], 9)))


def curves(name: str, places: Sequence[int], entrants: Sequence[Entrant]) -> Markup:
    """The figure of all entries in some places of the suite.

    Args:
        name: of the environment, or of what it is all environments of.
        places: the places.
        entrants: at least one, best first.
    """
    drawn = [Curve(entrant.row.name, entrant.look, _runs(places, entrant)) for entrant in entrants]
    label = (
        f"Learning curves on {name}: median best score so far of {len(drawn)} "
        f"{'entry' if len(drawn) == 1 else 'entries'} over evaluations. The list below has the "
        "final medians."
    )
    return learning_curves(label, drawn)


def _runs(places: Sequence[int], entrant: Entrant) -> NDArray[np.float64]:
    """[runs, E] curves of all runs in those places."""
    return np.concatenate([entrant.cells[place].judged.curves for place in places])
