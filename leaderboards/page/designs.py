"""Designs as pictures: what every decision keeps, within its options, beside the optimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from hwenvs.errors import ArgumentError
from hwenvs.leaderboards.page.pictures import text
from hwenvs.problems import Problem
from hwenvs.problems.chain import ChainProblem
from hwenvs.problems.decision import Decision
from hwenvs.problems.kinds import kinds_of

FEW = 12
"""Options that are drawn as steps of a ladder; more are fractions of the whole."""

HEIGHT, LEFT, TOP = 120, 62, 8
NARROWEST, WIDEST, USUAL = 13, 40, 560
"""Pixels of a column, and of all columns together where that fits."""

LETTER = 5.6
"""Pixels of a letter of a name."""


@dataclass(frozen=True)
class Choice:
    """A decision as the table beside the picture shows it."""

    name: str
    chosen: str
    optimum: str
    options: str


@dataclass(frozen=True)
class Panel:
    """Decisions of one kind, such as the bits of all layers' weights.

    Attributes:
        label: of its axis.
        names: of its decisions, without the kind.
        decisions: their options.
        places: of its decisions in a design.
    """

    label: str
    names: tuple[str, ...]
    decisions: tuple[Decision, ...]
    places: tuple[int, ...]

    @property
    def ladder(self) -> list[int]:
        """All options, ascending, where decisions share a few; none otherwise."""
        if len({decision.size for decision in self.decisions}) > 1:
            return []
        options = sorted({int(kept) for one in self.decisions for kept in one.kept})
        return options if len(options) <= FEW else []


def picture(
    problem: Problem, label: str, optimum: Sequence[int], design: Sequence[int] | None
) -> Markup:
    """Bars for ``design`` over the range of the options, with marks for ``optimum``.

    Args:
        problem: whose designs they are.
        label: what the figure shows, for those who do not see it.
        optimum: the best design.
        design: an entry's; None where there is none.

    Raises:
        ArgumentError: if the problem's decisions are not numbers of options.
    """
    kinds = panels(problem)
    column = min(max(USUAL // len(kinds[0].places), NARROWEST), WIDEST)
    longest = max(len(name) for name in kinds[0].names)
    foot = round(longest * LETTER) + 14
    width = LEFT + column * len(kinds[0].places) + 8
    height = TOP + len(kinds) * (HEIGHT + 14) + foot
    parts = []
    for number, panel in enumerate(kinds):
        top = TOP + number * (HEIGHT + 14)
        parts.append(_axis(panel, problem.levels, top, width))
        parts.append(_bars(panel, column, top, optimum, design))
    bottom = TOP + len(kinds) * (HEIGHT + 14)
    for place, name in enumerate(kinds[0].names):
        parts.append(text(LEFT + column * (place + 0.5) + 3, bottom, name, "end", turned=True))
    return Markup(
        '<svg class="design" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" '
        'aria-label="{2}">{3}</svg>'
    ).format(width, height, label, Markup("").join(parts))


def choices(problem: Problem, optimum: Sequence[int], design: Sequence[int] | None) -> list[Choice]:
    """What the picture shows, decision by decision, in words.

    Raises:
        ArgumentError: as :func:`picture`.
    """
    found = []
    for place, decision in enumerate(_decisions(problem)):
        options = [_named(int(kept), problem.levels) for kept in decision.kept]
        among = ", ".join(options)
        if len(options) > FEW or (len(options) > 3 and not problem.levels and _even(decision)):
            step = f" by {int(decision.kept[1] - decision.kept[0])}" if _even(decision) else ""
            among = f"{options[0]} to {options[-1]}{step}"
        chosen = "" if design is None else _named(design[place], problem.levels)
        best = _named(optimum[place], problem.levels)
        found.append(Choice(problem.names[place], chosen, best, among))
    return found


def panels(problem: Problem) -> list[Panel]:
    """Decisions by kind, each on an axis of its own."""
    decisions = _decisions(problem)
    found = []
    for kind in kinds_of(problem.names, problem.unit):
        own = tuple(decisions[place] for place in kind.places)
        label = f"{kind.name}: {kind.unit}" if kind.name else kind.unit
        panel = Panel(label, kind.names, own, kind.places)
        if not panel.ladder and not kind.unit.startswith("%"):
            panel = Panel(f"% of {panel.label}", kind.names, own, kind.places)
        found.append(panel)
    return found


def _axis(panel: Panel, levels: Sequence[str], top: int, width: int) -> Markup:
    ladder, rules, labels = panel.ladder, [], []
    ticks = [(place / 4, f"{25 * place}") for place in range(5)]
    if ladder:
        # A name stands in the middle of its step.
        ticks = [
            ((place + 1) / len(ladder), _named(option, levels))
            for place, option in enumerate(ladder)
        ]
    for share, name in ticks:
        y = round(top + HEIGHT * (1 - share))
        rules.append(f"M{LEFT} {y}H{width - 8}")
        shift = HEIGHT / len(ladder) / 2 if ladder else 0
        labels.append(text(LEFT - 5, round(y + shift) + 3, name, "end"))
    label = text(11, top + HEIGHT / 2, panel.label, turned=True)
    return (
        Markup('<path class="axis" d="{}"/>').format("".join(rules))
        + label
        + Markup("").join(labels)
    )


def _bars(
    panel: Panel,
    column: int,
    top: int,
    optimum: Sequence[int],
    design: Sequence[int] | None,
) -> Markup:
    """One path for the ranges, one for the design, one for the optimum: pages stay small."""
    ranges, bars, marks = [], [], []
    gap, wide = round(column * 0.14), column - 2 * round(column * 0.14)
    for number, (place, decision) in enumerate(zip(panel.places, panel.decisions, strict=True)):
        x = LEFT + column * number + gap
        lowest, highest = (_share(panel, decision, int(decision.kept[end])) for end in (0, -1))
        if panel.ladder:
            lowest -= 1 / len(panel.ladder)  # the whole step of the lowest option
        ranges.append(_box(x, wide, top, lowest, highest))
        if design is not None:
            bars.append(_box(x, wide, top, 0.0, _share(panel, decision, design[place])))
        y = round(top + HEIGHT * (1 - _share(panel, decision, optimum[place])))
        marks.append(f"M{x - 1} {y}h{wide + 2}")
    paths = (("range", ranges), ("bar", bars), ("halo", marks), ("optimum", marks))
    return Markup("").join(
        Markup('<path class="{}" d="{}"/>').format(look, "".join(parts))
        for look, parts in paths
        if parts
    )


def _box(x: int, wide: int, top: int, low: float, high: float) -> str:
    upper, lower = round(top + HEIGHT * (1 - high)), round(top + HEIGHT * (1 - low))
    return f"M{x} {upper}h{wide}V{lower}h-{wide}z"


def _share(panel: Panel, decision: Decision, kept: int) -> float:
    """How high an option stands, from 0 to 1."""
    ladder = panel.ladder
    return (ladder.index(kept) + 1) / len(ladder) if ladder else kept / decision.size


def _named(kept: int, levels: Sequence[str]) -> str:
    return levels[kept - 1] if levels else str(kept)


def _even(decision: Decision) -> bool:
    return len(decision.kept) > 1 and len(np.unique(np.diff(decision.kept))) == 1


def _decisions(problem: Problem) -> Sequence[Decision]:
    if not isinstance(problem, ChainProblem):
        raise ArgumentError(f"designs of {problem.title} are no choices among options")
    return problem.decisions
