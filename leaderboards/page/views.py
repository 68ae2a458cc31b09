"""What the template shows: entries, environments and suites with everything worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from hwenvs.leaderboards.board import LOG, Board
from hwenvs.leaderboards.copies import copies
from hwenvs.leaderboards.dynamics import tasks_of
from hwenvs.leaderboards.log import head
from hwenvs.leaderboards.page.cells import anchor
from hwenvs.leaderboards.page.comparisons import Key, Overview, curves, key, overviews
from hwenvs.leaderboards.page.designs import Choice, choices, picture
from hwenvs.leaderboards.page.entrants import Entrant, entrants_of
from hwenvs.leaderboards.page.text import fixed
from hwenvs.leaderboards.suites import (
    Family,
    PolicySuite,
    Suite,
    Task,
    TraceSuite,
    UnionSuite,
)
from hwenvs.leaderboards.unions import members


@dataclass(frozen=True)
class Environment:
    """An environment on the page.

    Attributes:
        task: it.
        anchor: of its section.
        curves: the figure; empty without entries.
        key: to it.
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
    key: Key
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
        key: entries by median score.
    """

    family: Family
    anchor: str
    tasks: int
    key: Key


@dataclass(frozen=True)
class Section:
    """A suite on the page: environments of traces, groups of tasks for policies, or a union.

    Attributes:
        suite: it.
        entrants: its entries, best first.
        environments: of a suite of traces.
        groups: of a suite of policies.
        parts: of a union; of a suite of traces itself alone.
        overviews: of a union: all environments together, then each; none without entries.
    """

    suite: Suite
    entrants: tuple[Entrant, ...]
    environments: tuple[Environment, ...] = ()
    groups: tuple[Group, ...] = ()
    parts: tuple[TraceSuite, ...] = ()
    overviews: tuple[Overview, ...] = ()

    @property
    def policies(self) -> bool:
        """Whether policies are ranked, on instances instead of runs."""
        return isinstance(self.suite, PolicySuite)

    @property
    def whole(self) -> bool:
        """Whether a policy meets all test tasks there are, so that none are drawn."""
        return self.policies and all(group.tasks == self.runs for group in self.groups)

    @property
    def union(self) -> bool:
        """Whether entries of other suites are ranked."""
        return isinstance(self.suite, UnionSuite)

    @property
    def runs(self) -> int:
        """Runs on an environment, instances of a family."""
        if isinstance(self.suite, PolicySuite):
            return self.suite.instances
        return len(self.parts[0].seeds)

    @property
    def evaluations(self) -> int:
        """Of a run."""
        return self.parts[0].evaluations

    @property
    def tasks(self) -> int:
        """Environments."""
        return sum(len(part.tasks) for part in self.parts)


@dataclass(frozen=True)
class Page:
    """Everything on the page: the log's head, its length, the suites, and ids of retired ones."""

    head: str
    lines: int
    sections: tuple[Section, ...]
    retired: tuple[str, ...]


def page(board: Board) -> Page:
    """The whole board as the template shows it."""
    copied = copies(board.verdicts, board.lines)
    sections = []
    for suite in board.suites:
        parts = _parts(suite, board.suites)
        anchors = _anchors(suite, parts)
        entrants = entrants_of(board.rows(suite), suite, anchors, board.lines, copied)
        sections.append(_section(suite, parts, entrants))
    retired = tuple(suite.id for suite in board.retired)
    return Page(head(board.folder / LOG), len(board.lines), tuple(sections), retired)


def _parts(suite: Suite, suites: Sequence[Suite]) -> tuple[TraceSuite, ...]:
    """Where the environments of a suite are told in full; nowhere for one of policies."""
    if isinstance(suite, UnionSuite):
        return members(suite, suites)
    return (suite,) if isinstance(suite, TraceSuite) else ()


def _anchors(suite: Suite, parts: Sequence[TraceSuite]) -> list[str]:
    if isinstance(suite, PolicySuite):
        return [anchor(suite, family) for family in suite.families]
    return [anchor(part, task) for part in parts for task in part.tasks]


def _section(suite: Suite, parts: tuple[TraceSuite, ...], entrants: tuple[Entrant, ...]) -> Section:
    if isinstance(suite, PolicySuite):
        groups = tuple(
            Group(family, anchor(suite, family), len(tasks_of(family.rule)), key([place], entrants))
            for place, family in enumerate(suite.families)
        )
        return Section(suite, entrants, groups=groups)
    if isinstance(suite, UnionSuite):
        told = overviews(suite.id, parts, entrants)
        return Section(suite, entrants, parts=parts, overviews=told)
    assert isinstance(suite, TraceSuite)
    environments = tuple(
        _environment(suite, place, task, entrants) for place, task in enumerate(suite.tasks)
    )
    return Section(suite, entrants, environments, parts=parts)


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
        curves(task.key, [place], entrants) if entrants else Markup(""),
        key([place], entrants),
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


def _label(task: Task, best: Entrant | None, score: float) -> str:
    shown = "marks for the " + ("certified optimum" if task.proved else "best known design")
    if best is not None:
        shown = f"bars for the best design of {best.row.name} (score {fixed(score)}), {shown}"
    return f"{len(task.design)} decisions of {task.key}: {shown}. The table below has all values."
