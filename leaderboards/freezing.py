"""Freezing: a list of environments becomes a suite, with its references and digests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from hwenvs.errors import DataError, unknown_name
from hwenvs.files import replacing
from hwenvs.leaderboards.dynamics import dynamics, dynamics_of, tasks_of
from hwenvs.leaderboards.reading import fault
from hwenvs.leaderboards.suites import (
    FOLDER,
    Family,
    Frozen,
    Part,
    PolicySuite,
    Suite,
    Task,
    TraceSuite,
    UnionSuite,
    load_suite,
    read_suite,
    suite_names,
)
from hwenvs.leaderboards.unions import members
from hwenvs.making import problem_of
from hwenvs.tasks.environment import TaskEnv

RECIPES = Path(__file__).parent / "suites.yaml"
"""What each suite is made of."""


class Place(Frozen):
    """An environment to freeze: its id, what entries call it (the id by default), arguments."""

    environment: str
    key: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)


class Recipe(Frozen):
    """A suite before it is frozen, see :class:`hwenvs.leaderboards.suites.TraceSuite`."""

    title: str
    evaluations: int
    seeds: int
    environments: list[Place] = Field(min_length=1)


class PolicyRecipe(Frozen):
    """A suite of policies before it is frozen: instances of every family, and rules' names."""

    title: str
    instances: int
    families: list[str] = Field(min_length=1)


class UnionRecipe(Frozen):
    """A union before it is frozen: names of its parts, whose newest versions it takes."""

    title: str
    parts: list[str] = Field(min_length=2)


AnyRecipe = Recipe | PolicyRecipe | UnionRecipe


def recipes(path: Path = RECIPES) -> dict[str, AnyRecipe]:
    """What suites are made of, by name.

    Raises:
        DataError: if the file is not what it should be.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {name: _recipe(entry) for name, entry in entries.items()}
    except (OSError, yaml.YAMLError, ValidationError, AttributeError) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _recipe(entry: Any) -> AnyRecipe:
    kinds: dict[str, type[AnyRecipe]] = {"families": PolicyRecipe, "parts": UnionRecipe}
    named = (kind for field, kind in kinds.items() if isinstance(entry, dict) and field in entry)
    return next(named, Recipe).model_validate(entry)


def frozen(name: str, version: int, recipe: AnyRecipe, folder: Path = FOLDER) -> Suite:
    """The suite of a recipe: references computed, dynamics digested.

    Args:
        name: of the suite.
        version: of it.
        recipe: what it is made of.
        folder: of the frozen suites, where the parts of a union are.

    Raises:
        HwenvsError: if an environment cannot be made, has no optimum or no table; if there is no
            such rule, it has fewer tasks than instances, or another has other observations; if a
            part is not frozen, or cannot be ranked together with the others.
    """
    if isinstance(recipe, UnionRecipe):
        return _of_parts(name, version, recipe, folder)
    if isinstance(recipe, PolicyRecipe):
        return _of_policies(name, version, recipe)
    return TraceSuite(
        name=name,
        version=version,
        title=recipe.title,
        evaluations=recipe.evaluations,
        seeds=list(range(recipe.seeds)),
        tasks=[_task(place) for place in recipe.environments],
    )


def _of_policies(name: str, version: int, recipe: PolicyRecipe) -> PolicySuite:
    for rule in recipe.families:
        if recipe.instances > len(known := tasks_of(rule)):
            raise DataError(
                f"suite {name} asks for {recipe.instances} instances of {rule}, which has "
                f"{len(known)} tasks to test on"
            )
    layouts = {rule: TaskEnv(rule, "test").observation_names for rule in recipe.families}
    if len(set(layouts.values())) > 1:
        raise DataError(
            f"suite {name}: no policy fits {' and '.join(layouts)}, which are seen differently"
        )
    families = [Family(rule=rule, dynamics=dynamics_of(rule)) for rule in recipe.families]
    return PolicySuite(
        name=name,
        version=version,
        title=recipe.title,
        instances=recipe.instances,
        families=families,
    )


def _of_parts(name: str, version: int, recipe: UnionRecipe, folder: Path) -> UnionSuite:
    there = {one.rpartition("-v")[0] for one in suite_names(folder)}
    if absent := [part for part in recipe.parts if part not in there]:
        raise DataError(
            f"suite {name} is made of {', '.join(recipe.parts)}; not frozen yet: "
            f"{', '.join(absent)} (hwenvs leaderboard freeze {absent[0]})"
        )
    suites = [load_suite(part, folder) for part in recipe.parts]
    made = UnionSuite(
        name=name,
        version=version,
        title=recipe.title,
        parts=[Part(suite=suite.id, digest=suite.digest) for suite in suites],
    )
    members(made, suites)
    return made


def freeze(name: str, folder: Path = FOLDER, recipe: AnyRecipe | None = None) -> Path:
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
    made = frozen(name, newest + 1, recipe, folder)
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

    problem = problem_of(place.environment, place.arguments)
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
