"""Choosing: which of many run records an entry is made of, and why none would do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from hwenvs.errors import ArgumentError, SolverError
from hwenvs.importing import imported
from hwenvs.leaderboards.suites import Task, TraceSuite
from hwenvs.registration import bare_id
from hwenvs.solving import ONE_DESIGN, get_solver
from hwenvs.solving.records import Run
from hwenvs.text import counted


def of_solver(runs: Sequence[Run], words: str | None) -> list[Run]:
    """The runs of the solver that is named, all of them if none is.

    Args:
        runs: of any solvers.
        words: as records call it, or ``"package.module:Class"``, whose ``name`` they have.

    Raises:
        ArgumentError: if there is no such module or class, or none of the runs is of that solver.
    """
    name = None if words is None else _called(words)
    if name is None:
        return list(runs)
    found = [run for run in runs if run.solver == name]
    if not found:
        known = ", ".join(sorted({run.solver for run in runs}))
        shown = words if name == words else f"{words}, which is called {name!r}"
        raise ArgumentError(
            f"{counted(len(runs), 'record')} of {known or 'no solver'}, not {shown}"
        )
    return found


def of_settings(runs: Sequence[Run], given: object) -> list[Run]:
    """The runs with the hyper-parameters that are given, all of them if none has these."""
    return [run for run in runs if run.hyperparameters == given] or list(runs)


def check_alike(runs: Sequence[Run]) -> None:
    """An entry is one solver with one set of hyper-parameters.

    Raises:
        ArgumentError: if ``runs`` are of several; the message says how to pick one.
    """
    rule = "an entry is one solver with one set of hyper-parameters"
    solvers = sorted({run.solver for run in runs})
    if len(solvers) > 1:
        raise ArgumentError(f"{rule}, not {', '.join(solvers)}: --solver NAME picks one")
    names = sorted({name for run in runs for name in run.hyperparameters})
    values = {name: {_json(run.hyperparameters.get(name)) for run in runs} for name in names}
    differing = [f"{n} ({', '.join(sorted(values[n]))})" for n in names if len(values[n]) > 1]
    if differing:
        raise ArgumentError(
            f"{rule}, but the runs of {solvers[0]} differ in {', '.join(differing)}: give the "
            'records of one set alone, or say which it is as "hyperparameters" in the file that '
            "--about names, all of them as in its records"
        )


def of_suite(runs: Sequence[Run], suite: TraceSuite) -> list[Run]:
    """The runs that the suite asks for, in its order: by task, then by seed.

    A solver without any chance in it needs one run a task, which then stands for all seeds.
    """
    places = {key_of(task): place for place, task in enumerate(suite.tasks)}
    found = [(places.get(key_of(run)), run) for run in runs]
    chosen = [
        (place, run.seed, run)
        for place, run in found
        if place is not None and run.seed in suite.seeds
    ]
    known = {(place, seed) for place, seed, _ in chosen}
    chosen += [
        (place, seed, replace(run, seed=seed))
        for place, run in {place: run for place, _, run in chosen}.items()
        if run.solver in ONE_DESIGN
        for seed in suite.seeds
        if (place, seed) not in known
    ]
    return [run for _, _, run in sorted(chosen, key=lambda one: one[:2])]


def reason(runs: Sequence[Run], suite: TraceSuite) -> str:
    """Why the suite asks for none of the runs, in a sentence."""
    records = counted(len(runs), "record")
    here = [run for run in runs if _id(run) in {_id(task) for task in suite.tasks}]
    if not here:
        keys = ", ".join(task.key for task in suite.tasks)
        return f"{records}, none of an environment of {suite.id}: {keys}"
    alike = [run for run in here if key_of(run) in {key_of(task) for task in suite.tasks}]
    if not alike:
        first = here[0]
        asked = _each(_arguments(task) for task in suite.tasks if _id(task) == _id(first))
        return (
            f"{records}, none with the arguments that {suite.id} asks for: {_id(first)} ran with "
            f"{_arguments(first)}, and is asked for with {asked}; arguments that are given count "
            "even if they equal the defaults"
        )
    seeds = _each(str(run.seed) for run in alike)
    return f"{records}, none with a seed of {suite.id}: {seeds}, not {_each(suite.seeds)}"


def key_of(source: Run | Task) -> tuple[str, str]:
    """What a run and a task have in common."""
    return _id(source), _json(source.arguments)


def _called(words: str) -> str | None:
    """What records call a solver; None if only instances with hyper-parameters know."""
    if ":" not in words:
        return words
    name = getattr(imported(words, "solver"), "name", None)
    if isinstance(name, str):
        return name
    try:
        return get_solver(words).name
    except SolverError:
        return None


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _id(source: Run | Task) -> str:
    return bare_id(source.environment)


def _arguments(source: Run | Task) -> str:
    given = ", ".join(f"{name} {value}" for name, value in source.arguments.items())
    return given or "no arguments"


def _each(values: Iterable[Any]) -> str:
    """Values, each once."""
    return ", ".join(dict.fromkeys(map(str, values)))
