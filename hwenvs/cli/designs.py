"""Designs as typed on the command line, and what the shipped table says about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hwenvs.errors import DesignError, SolverError

if TYPE_CHECKING:
    from hwenvs.problems import Problem

NAMED = ("uniform", "optimum")
"""Designs that a problem has by itself."""


def parse_designs(texts: Sequence[str], problem: Problem) -> dict[str, tuple[int, ...]]:
    """Designs by label; each text is ``[LABEL=]`` and what :func:`choose_design` takes."""
    designs = {}
    for index, text in enumerate(texts):
        label, separator, rest = text.partition("=")
        if not separator:
            label, rest = (text if text in NAMED else f"design {index + 1}"), text
        designs[label] = choose_design(problem, rest)
    return designs


def choose_design(problem: Problem, text: str, environment: str | None = None) -> tuple[int, ...]:
    """The design that ``text`` names: ``uniform``, ``optimum``, or what :func:`read_design` takes.

    Where the optimum can be certified, ``problem.optimum`` is set, so that scores are known.

    Args:
        problem: what it is a design of.
        text: what was typed.
        environment: whose records count; default: all.

    Raises:
        DesignError: if the text is none of these.
        SolverError: if the optimum is asked for and cannot be certified.
    """
    from hwenvs.baselines.exact import optimum

    try:
        found = optimum(problem)
    except SolverError as error:
        if text == "optimum":
            raise SolverError(
                f"there is no certified optimum to take ({error}): name another design, e.g. "
                "--design uniform"
            ) from error
    else:
        problem.optimum = found.reward
        if text == "optimum":
            return found.design
    if text == "uniform":
        return tuple(int(kept) for kept in problem.reference.designs[0])
    return read_design(text, environment)


def read_design(text: str, environment: str | None = None) -> tuple[int, ...]:
    """The design in ``24,48,...``, ``@file.json`` (a list) or ``best:runs.jsonl``.

    Raises:
        DesignError: if the text is none of these, or the records are of other environments than
            ``environment``.
        ArgumentError: if the run records cannot be read.
    """
    if text.startswith("best:"):
        from hwenvs.solving import read_runs

        path = Path(text.removeprefix("best:"))
        runs = read_runs(path)
        if not runs:
            raise DesignError(f"{path} holds no runs")
        names = sorted({run.environment for run in runs})
        if environment is not None:
            runs = [run for run in runs if run.environment.rpartition(":")[2] == environment]
        if not runs:
            raise DesignError(f"{path} holds runs of {', '.join(names)}, none of {environment}")
        run = max(runs, key=lambda run: max(run.rewards))
        return tuple(run.designs[run.best])
    try:
        if text.startswith("@"):
            entries = json.loads(Path(text[1:]).read_text(encoding="utf-8"))
        else:
            entries = [int(part) for part in text.split(",")]
        return tuple(int(entry) for entry in entries)
    except (OSError, ValueError, TypeError) as error:
        raise DesignError(
            f"cannot read the design {text!r} ({error}); give kept channels 24,48,..., "
            "@file.json, best:runs.jsonl, uniform or optimum"
        ) from error


def predict(problem: Problem, designs: Sequence[Sequence[int]]) -> list[float | None]:
    """Accuracies that the problem's proxy predicts; None for what lies outside its options."""
    guesses: list[float | None] = []
    for design in designs:
        try:
            guesses.append(float(problem.evaluate(np.array([design])).accuracy[0]))
        except DesignError:
            guesses.append(None)
    return guesses
