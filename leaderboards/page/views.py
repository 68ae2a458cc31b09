"""What the template shows: entries, environments and suites with everything worked out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from hwenvs.leaderboards.board import LOG, Board
from hwenvs.leaderboards.dynamics import tasks_of
from hwenvs.leaderboards.log import head, latest
from hwenvs.leaderboards.page.cells import Cell, anchor
from hwenvs.leaderboards.page.designs import Choice, choices, picture
from hwenvs.leaderboards.page.entrants import Entrant, entrants_of
from hwenvs.leaderboards.page.pictures import Curve, learning_curves
from hwenvs.leaderboards.page.text import fixed
from hwenvs.leaderboards.suites import Family, PolicySuite, Suite, Task, TraceSuite


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
class Group:
    """A family of tasks on the page.

    Attributes:
        family: it.
        anchor: of its section.
        tasks: how many there are.
        key: entries and their cells, best median first.
    """

    family: Family
    anchor: str
    tasks: int
    key: tuple[tuple[Entrant, Cell], ...]


@dataclass(frozen=True)
class Section:
    """A suite on the page: environments of traces, or groups of tasks for policies."""

    suite: Suite
    entrants: tuple[Entrant, ...]
    environments: tuple[Environment, ...] = ()
    groups: tuple[Group, ...] = ()

    @property
    def policies(self) -> bool:
        """Whether policies are ranked, on instances instead of runs."""
        return isinstance(self.suite, PolicySuite)

    @property
    def runs(self) -> int:
        """Runs on an environment, instances of a family."""
        if isinstance(self.suite, PolicySuite):
            return self.suite.instances
        assert isinstance(self.suite, TraceSuite)
        return len(self.suite.seeds)


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
        entrants = entrants_of(board.rows(suite), suite, last)
        sections.append(_section(suite, entrants))
    return Page(head(board.folder / LOG), len(board.lines), tuple(sections))


def _section(suite: Suite, entrants: tuple[Entrant, ...]) -> Section:
    if isinstance(suite, PolicySuite):
        groups = tuple(
            Group(family, anchor(suite, family), len(tasks_of(family.rule)), _key(place, entrants))
            for place, family in enumerate(suite.families)
        )
        return Section(suite, entrants, groups=groups)
    assert isinstance(suite, TraceSuite)
    environments = tuple(
        _environment(suite, place, task, entrants) for place, task in enumerate(suite.tasks)
    )
    return Section(suite, entrants, environments)


def _key(place: int, entrants: tuple[Entrant, ...]) -> tuple[tuple[Entrant, Cell], ...]:
    """Entries and their cells in a place of the suite, best median first."""
    # Rounded, so that order does not hang on the last bit.
    pairs = [(entrant, entrant.cells[place]) for entrant in entrants]
    return tuple(sorted(pairs, key=lambda pair: -round(pair[1].middle, 9)))


def _environment(
    suite: Suite, place: int, task: Task, entrants: tuple[Entrant, ...]
) -> Environment:
    best, design = _best(place, entrants)
    shown = design or tuple(task.design)
    problem = task.problem()
    accuracy, optimal = problem.evaluate([list(shown), task.design]).accuracy
    score = 0.0 if best is None else best.cells[place].best or 0.0
    return Environment(
        task,
        anchor(suite, task),
        _curves(task, place, entrants),
        _key(place, entrants),
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
