"""Designs as typed on the command line, and what the shipped table says about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hwenvs.errors import ArgumentError, DesignError, SolverError, unknown_name
from hwenvs.problems.chain import ChainProblem
from hwenvs.problems.kinds import in_turn, kinds_of

if TYPE_CHECKING:
    from hwenvs.problems import Problem

UNIFORM, OPTIMUM = NAMED = ("uniform", "optimum")
"""Designs that a problem has by itself."""


def parse_designs(texts: Sequence[str], problem: Problem) -> dict[str, tuple[int, ...]]:
    """Designs by label; each text is ``[LABEL=]`` and what :func:`choose_design` takes.

    Raises:
        ArgumentError: if two designs have the same label.
        DesignError, SolverError: as :func:`choose_design`; of several designs with the label.
    """
    wanted: dict[str, str] = {}
    for index, text in enumerate(texts):
        label, separator, rest = text.partition("=")
        if not separator:
            label, rest = (text if text in NAMED else f"design {index + 1}"), text
        if label in wanted:
            raise ArgumentError(f"two designs are called {label!r}: give each a LABEL= of its own")
        wanted[label] = rest
    # The optimum last: a mistake in another design is told before it is searched for.
    order = sorted(wanted, key=lambda label: wanted[label] == OPTIMUM)
    chosen = {}
    for label in order:
        try:
            chosen[label] = choose_design(problem, wanted[label])
        except DesignError as error:
            if len(wanted) == 1:
                raise
            raise DesignError(f"{label}: {error}") from error
    return {label: chosen[label] for label in wanted}


def choose_design(problem: Problem, text: str, environment: str | None = None) -> tuple[int, ...]:
    """The design that ``text`` names: ``uniform``, ``optimum``, or what :func:`read_design` takes.

    Args:
        problem: what it is a design of.
        text: what was typed.
        environment: whose records count; default: all.

    Raises:
        DesignError: if the text is none of these.
        SolverError: if the optimum is asked for and cannot be certified.
    """
    from hwenvs.baselines.exact import optimum

    if text == UNIFORM:
        return tuple(int(kept) for kept in problem.reference.designs[0])
    if text != OPTIMUM:
        return read_design(text, problem, environment)
    try:
        return optimum(problem).design
    except SolverError as error:
        raise SolverError(
            f"there is no certified optimum to take ({error}): name another design, e.g. "
            "--design uniform"
        ) from error


def find_scale(problem: Problem) -> None:
    """Sets ``problem.optimum``, so that scores are known, where it can be certified."""
    from hwenvs.baselines.exact import optimum

    try:
        problem.optimum = optimum(problem).reward
    except SolverError:
        problem.optimum = None


def read_design(text: str, problem: Problem, environment: str | None = None) -> tuple[int, ...]:
    """The design in ``24,48,...``, ``@file.json`` (a list) or ``best:runs.jsonl``.

    Where decisions are choices, their names (``mb3_k5``) stand for their numbers.

    Raises:
        DesignError: if the text is none of these, its length or an entry does not fit ``problem``,
            or the records are of other environments than ``environment``.
        ArgumentError: if the run records cannot be read.
    """
    if text.startswith("best:"):
        return _whole(_best(Path(text.removeprefix("best:")), environment), problem)
    return _whole(_typed(text, problem), problem)


def _whole(design: tuple[int, ...], problem: Problem) -> tuple[int, ...]:
    """``design``, if it has an entry in its range for every decision of ``problem``."""
    if len(design) != problem.horizon:
        raise DesignError(
            f"{problem.title}: a design has {problem.horizon} entries, one a decision, "
            f"not {len(design)}"
        )
    if isinstance(problem, ChainProblem):
        problem.decisions.entries([design])
    return design


def _typed(text: str, problem: Problem) -> tuple[int, ...]:
    """The design in ``24,48,...`` or ``@file.json``."""
    try:
        entries = text.split(",")
        if text.startswith("@"):
            entries = json.loads(Path(text[1:]).read_text(encoding="utf-8"))
            if not isinstance(entries, list):
                raise ValueError("the file holds no list")
        return tuple(_entry(entry, problem) for entry in entries)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DesignError(
            f"cannot read the design {text!r} ({reason}); give {_example(problem)}, @file.json, "
            "best:runs.jsonl, uniform or optimum"
        ) from error


def _best(path: Path, environment: str | None) -> tuple[int, ...]:
    """The best design of the records at ``path``."""
    from hwenvs.solving import read_runs

    runs = read_runs(path)
    if not runs:
        raise DesignError(f"{path} holds no runs")
    names = sorted({run.environment for run in runs})
    if environment is not None:
        runs = [run for run in runs if run.environment == environment]
    if not runs:
        raise DesignError(f"{path} holds runs of {', '.join(names)}, none of {environment}")
    run = max(runs, key=lambda run: max(run.rewards))
    return tuple(run.designs[run.best])


def _entry(given: object, problem: Problem) -> int:
    """An entry of a design as it was written: a whole number, or the name of a choice.

    Raises:
        ValueError: if it is neither; the message suggests the nearest name.
    """
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    word = given.strip() if isinstance(given, str) else ""
    if word.removeprefix("-").isdecimal():
        return int(word)
    if not word or not problem.levels:
        raise ValueError(f"{given!r} is no whole number")
    if word not in problem.levels:
        raise unknown_name(problem.unit, word, problem.levels)
    return problem.levels.index(word) + 1


def _example(problem: Problem) -> str:
    """What decisions count in, and how a design of ``problem`` may begin."""
    if not isinstance(problem, ChainProblem):
        return "a whole number a decision"
    first = [int(decision.kept[len(decision.kept) // 2]) for decision in problem.decisions[:2]]
    numbers = ",".join(map(str, first))
    if problem.levels:
        named = ",".join(problem.levels[entry - 1] for entry in first)
        return f"{problem.unit}s {named},... or {numbers},..."
    return f"{in_turn(kinds_of(problem.names, problem.unit))} {numbers},..."


def predict(problem: Problem, designs: Sequence[Sequence[int]]) -> list[float | None]:
    """Accuracies that the problem's proxy predicts; None for what lies outside its options."""
    guesses: list[float | None] = []
    for design in designs:
        try:
            guesses.append(float(problem.evaluate(np.array([design])).accuracy[0]))
        except DesignError:
            guesses.append(None)
    return guesses
