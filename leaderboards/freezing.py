"""Freezing: a list of environments becomes a suite, with its references and digests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import yaml
from pydantic import Field, ValidationError

from hwenvs.errors import DataError, unknown_name
from hwenvs.files import replacing
from hwenvs.leaderboards.dynamics import dynamics
from hwenvs.leaderboards.reading import fault
from hwenvs.leaderboards.suites import FOLDER, Frozen, Suite, Task, read_suite, suite_names

RECIPES = Path(__file__).parent / "suites.yaml"
"""What each suite is made of."""


ALL = "all"
"""The suite of what all others hold."""


class Place(Frozen):
    """An environment to freeze: its id, what entries call it (the id by default), arguments."""

    environment: str
    key: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)


class Recipe(Frozen):
    """A suite before it is frozen, see :class:`hwenvs.leaderboards.suites.Suite`."""

    title: str
    evaluations: int
    seeds: int
    environments: list[Place] = Field(min_length=1)


def recipes(path: Path = RECIPES) -> dict[str, Recipe]:
    """What suites are made of, by name; ``all`` is made of all others.

    Raises:
        DataError: if the file is not what it should be.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = {name: Recipe.model_validate(entry) for name, entry in entries.items()}
    except (OSError, yaml.YAMLError, ValidationError, AttributeError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    return {**found, ALL: _all(list(found.values()))}


def _all(parts: list[Recipe]) -> Recipe:
    return Recipe(
        title="All environments of the other suites",
        evaluations=max(part.evaluations for part in parts),
        seeds=max(part.seeds for part in parts),
        environments=[place for part in parts for place in part.environments],
    )


def frozen(name: str, version: int, recipe: Recipe) -> Suite:
    """The suite of a recipe: references computed, dynamics digested.

    Raises:
        HwenvsError: if an environment cannot be made, has no optimum or no table.
    """
    return Suite(
        name=name,
        version=version,
        title=recipe.title,
        evaluations=recipe.evaluations,
        seeds=list(range(recipe.seeds)),
        tasks=[_task(place) for place in recipe.environments],
    )


def freeze(name: str, folder: Path = FOLDER, recipe: Recipe | None = None) -> Path:
    """Writes the next version of a suite, unless the newest one holds the same.

    Raises:
        UnknownNameError: if there is no recipe of that name.
        HwenvsError: as for :func:`frozen`.
    """
    if recipe is None:
        known = recipes()
        if name not in known:
            raise unknown_name("suite", name, known)
        recipe = known[name]
    versions = [
        int(one.rpartition("-v")[2])
        for one in suite_names(folder)
        if one.rpartition("-v")[0] == name
    ]
    newest = max(versions, default=0)
    made = frozen(name, newest + 1, recipe)
    if newest:
        path = folder / f"{name}-v{newest}.json"
        if read_suite(path) == made.model_copy(update={"version": newest}):
            return path
    path = folder / f"{made.id}.json"
    with replacing(path) as temporary:
        temporary.write_bytes(made.text.encode())
    return path


def _task(place: Place) -> Task:
    from hwenvs.baselines.exact import optimum

    problem = gym.make(place.environment, **place.arguments).unwrapped.problem  # type: ignore[attr-defined]
    best = optimum(problem)
    try:
        return Task(
            key=place.key or place.environment,
            environment=place.environment,
            arguments=dict(place.arguments),
            uniform=float(problem.reference.reward[0]),
            optimum=best.reward,
            proved=best.proved,
            design=list(best.design),
            dynamics=dynamics(problem),
        )
    except ValidationError as error:
        raise DataError(f"{place.environment} cannot be frozen: {fault(error)}") from error
