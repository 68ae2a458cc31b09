"""Entries as the page shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hwenvs.leaderboards.badges import decisive
from hwenvs.leaderboards.copies import Copied
from hwenvs.leaderboards.entries import About
from hwenvs.leaderboards.log import AnyLine, Line, latest
from hwenvs.leaderboards.page.cells import Cell, cell
from hwenvs.leaderboards.page.colours import SLOTS
from hwenvs.leaderboards.page.pictures import interval, swatch
from hwenvs.leaderboards.ranking import Row
from hwenvs.leaderboards.suites import Suite
from hwenvs.leaderboards.unions import parts_of
from hwenvs.reporting.statistics import interquartile_mean


@dataclass(frozen=True)
class Share:
    """What a row of a union has from one of its parts.

    Attributes:
        line: the one of the log that its badge is from.
        mean: interquartile mean of its scores there.
        missing: runs that it lacks.
    """

    line: Line
    mean: float
    missing: int


@dataclass(frozen=True)
class Entrant:
    """An entry on the page.

    Attributes:
        row: its line of the table.
        lines: its verdict in the log; of a row of a union, those of its entries.
        decisive: the lines that their badges are from, see
            :func:`hwenvs.leaderboards.badges.decisive`.
        anchor: of its section.
        look: CSS class of its colour and dash.
        first: whether it opens its tier.
        rival: the first entry of its tier, where that is another.
        cells: by environment.
        copied: runs that entries before it had; unknown of a row of a union.
    """

    row: Row
    lines: tuple[Line, ...]
    decisive: tuple[Line, ...]
    anchor: str
    look: str
    first: bool
    rival: str | None
    cells: tuple[Cell, ...]
    copied: tuple[Copied, ...]

    @property
    def about(self) -> About:
        """What its authors say."""
        return self.row.verdict.entry.about

    @property
    def shares(self) -> dict[str, Share]:
        """What is ranked, by id of the suite: its entry there, or its entries in parts."""
        pairs = zip(parts_of(self.row.verdict), self.decisive, strict=True)
        return {
            part.suite.id: Share(line, float(interquartile_mean(part.scores.ravel())), part.missing)
            for part, line in pairs
        }

    @property
    def trained(self) -> bool:
        """Whether anything was learnt on the suite, or on a part of it, before the runs."""
        parts = parts_of(self.row.verdict)
        return any(part.entry.about.trained_on_test_instances for part in parts)

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
        return f"{self.row.name} {self.about.method} {self.about.track}".lower()

    @property
    def hyperparameters(self) -> str:
        """As JSON."""
        return json.dumps(self.about.hyperparameters, indent=2, ensure_ascii=False, sort_keys=True)


def entrants_of(
    rows: Sequence[Row],
    suite: Suite,
    anchors: Sequence[str],
    lines: Sequence[AnyLine],
    copied: Mapping[tuple[str, str], Sequence[Copied]],
) -> tuple[Entrant, ...]:
    """Entries of a suite, in the order of its table.

    Args:
        rows: the table.
        suite: it.
        anchors: of the sections of its environments or families, in its order.
        lines: of the log.
        copied: by suite and entry, what entries before had.
    """
    last, ruling = latest(lines), decisive(lines)
    opening: dict[int, str] = {}
    found = []
    for place, row in enumerate(rows):
        first = opening.setdefault(row.tier, row.name)
        keys = [(part.suite.id, part.name) for part in parts_of(row.verdict)]
        found.append(
            Entrant(
                row,
                tuple(last[key] for key in keys),
                tuple(ruling[key] for key in keys),
                f"{suite.id}/entry/{row.name}",
                f"c{place}" if place < SLOTS else "rest",
                first == row.name,
                None if first == row.name else first,
                tuple(map(cell, anchors, row.verdict.judged)),
                tuple(copied.get((suite.id, row.name), ())),
            )
        )
    return tuple(found)
