"""What the template shows: entries, environments and suites with everything worked out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from hwenvs.leaderboards.board import LOG, Board
from hwenvs.leaderboards.entries import About
from hwenvs.leaderboards.log import Line, head, latest
from hwenvs.leaderboards.page.cells import Cell, anchor, cell
from hwenvs.leaderboards.page.colours import SLOTS
from hwenvs.leaderboards.page.designs import Choice, choices, picture
from hwenvs.leaderboards.page.pictures import Curve, interval, learning_curves, swatch
from hwenvs.leaderboards.page.text import fixed
from hwenvs.leaderboards.ranking import Row
from hwenvs.leaderboards.suites import Suite, Task


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


@dataclass(frozen=True)
class Environment:
    """An environment on the page.

    Attributes:
        task: it.
        anchor: of its section.
        curves: the figure; empty without entries.
        key: entries and their cells, best median first.
        best: whose design is shown.
        design: that design.
        score, accuracy: of that design.
        optimal_accuracy: of the optimum.
        differing: decisions in which the two differ.
        picture: the figure of both.
        choices: the same in words.
    """

    task: Task
    anchor: str
    curves: Markup
    key: tuple[tuple[Entrant, Cell], ...]
    best: Entrant | None
    design: tuple[int, ...]
    score: float
    accuracy: float
    optimal_accuracy: float
    differing: int
    picture: Markup
    choices: list[Choice]


@dataclass(frozen=True)
class Section:
    """A suite on the page."""

    suite: Suite
    entrants: tuple[Entrant, ...]
    environments: tuple[Environment, ...]


@dataclass(frozen=True)
class Page:
    """Everything on the page: the log's head, its length, and the suites."""

    head: str
    lines: int
    sections: tuple[Section, ...]


def page(board: Board) -> Page:
    """The whole board as the template shows it."""
    last = latest(list(board.lines))
    sections = []
    for suite in board.suites:
        entrants = _entrants(board.rows(suite), suite, last)
        environments = tuple(
            _environment(suite, place, task, entrants) for place, task in enumerate(suite.tasks)
        )
        sections.append(Section(suite, entrants, environments))
    return Page(head(board.folder / LOG), len(board.lines), tuple(sections))


def _entrants(
    rows: Sequence[Row], suite: Suite, last: dict[tuple[str, str], Line]
) -> tuple[Entrant, ...]:
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


def _environment(
    suite: Suite, place: int, task: Task, entrants: tuple[Entrant, ...]
) -> Environment:
    # Rounded, so that order does not hang on the last bit.
    key = sorted(
        ((entrant, entrant.cells[place]) for entrant in entrants),
        key=lambda pair: -round(pair[1].middle, 9),
    )
    best, design = _best(place, entrants)
    shown = design or tuple(task.design)
    problem = task.problem()
    accuracy, optimal = problem.evaluate([list(shown), task.design]).accuracy
    score = 0.0 if best is None else best.cells[place].best or 0.0
    return Environment(
        task,
        anchor(suite, task),
        _curves(task, place, entrants),
        tuple(key),
        best,
        shown,
        score,
        float(accuracy),
        float(optimal),
        sum(a != b for a, b in zip(shown, task.design, strict=True)),
        picture(problem, _label(task, best, score), task.design, design),
        choices(problem, task.design, design),
    )


def _best(
    place: int, entrants: tuple[Entrant, ...]
) -> tuple[Entrant | None, tuple[int, ...] | None]:
    """The best design of all entries and the highest ranked of those that have one as good."""
    best: Entrant | None = None
    most = -np.inf
    for entrant in entrants:
        reward = entrant.cells[place].judged.reward
        if reward is not None and reward > most:
            best, most = entrant, reward
    return best, None if best is None else best.cells[place].judged.design


def _curves(task: Task, place: int, entrants: tuple[Entrant, ...]) -> Markup:
    if not entrants:
        return Markup("")
    curves = [
        Curve(entrant.row.name, entrant.look, entrant.cells[place].judged.curves)
        for entrant in entrants
    ]
    label = (
        f"Learning curves on {task.key}: median best score so far of {len(curves)} "
        f"{'entry' if len(curves) == 1 else 'entries'} over evaluations. The list below has the "
        "final medians."
    )
    return learning_curves(label, curves)


def _label(task: Task, best: Entrant | None, score: float) -> str:
    shown = "marks for the " + ("certified optimum" if task.proved else "best known design")
    if best is not None:
        shown = f"bars for the best design of {best.row.name} (score {fixed(score)}), {shown}"
    return f"{len(task.design)} decisions of {task.key}: {shown}. The table below has all values."
