"""Entries as the page shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hwenvs.leaderboards.entries import About
from hwenvs.leaderboards.log import Line
from hwenvs.leaderboards.page.cells import Cell, cell
from hwenvs.leaderboards.page.colours import SLOTS
from hwenvs.leaderboards.page.pictures import interval, swatch
from hwenvs.leaderboards.ranking import Row
from hwenvs.leaderboards.suites import Suite


@dataclass(frozen=True)
class Entrant:
    """An entry on the page.

    Attributes:
        row: its line of the table.
        line: its verdict in the log.
        anchor: of its section.
        look: CSS class of its colour and dash.
        first: whether it opens its tier.
        rival: the first entry of its tier, where that is another.
        cells: by environment.
    """

    row: Row
    line: Line
    anchor: str
    look: str
    first: bool
    rival: str | None
    cells: tuple[Cell, ...]

    @property
    def about(self) -> About:
        """What its authors say."""
        return self.row.verdict.entry.about

    @property
    def runs(self) -> int:
        """Runs that its suite asks for."""
        return int(self.row.verdict.scores.size)

    @property
    def interval(self) -> Markup:
        """Its mean and interval as a picture."""
        return interval(self.row.mean, self.row.interval)

    @property
    def swatch(self) -> Markup:
        """A piece of its line."""
        return swatch(self.look)

    @property
    def searched(self) -> str:
        """What the filter looks through."""
        return f"{self.about.name} {self.about.method} {self.about.track}".lower()

    @property
    def hyperparameters(self) -> str:
        """As JSON."""
        return json.dumps(self.about.hyperparameters, indent=2, ensure_ascii=False, sort_keys=True)


def entrants_of(
    rows: Sequence[Row], suite: Suite, last: dict[tuple[str, str], Line]
) -> tuple[Entrant, ...]:
    """Entries of a suite, in the order of its table, with the last line of each in the log."""
    opening: dict[int, str] = {}
    found = []
    for place, row in enumerate(rows):
        first = opening.setdefault(row.tier, row.name)
        found.append(
            Entrant(
                row,
                last[suite.id, row.name],
                f"{suite.id}/entry/{row.name}",
                f"c{place}" if place < SLOTS else "rest",
                first == row.name,
                None if first == row.name else first,
                tuple(cell(suite, judged) for judged in row.verdict.judged),
            )
        )
    return tuple(found)
