"""A board of two suites and their union, of which one row has a rival of its name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwenvs.leaderboards.board import ENTRIES, LOG, SUITES, Board, check_board
from hwenvs.leaderboards.freezing import Place, Recipe, UnionRecipe, freeze
from hwenvs.leaderboards.log import Badge, append
from hwenvs.leaderboards.ranking import Row
from hwenvs.leaderboards.submit import submit
from hwenvs.leaderboards.suites import TraceSuite, UnionSuite, load_suite, read_suite
from hwenvs.solving import get_solver, solve
from hwenvs.solving.records import Run

PLACES = {
    "bits": [Place(environment="HAQ-ResNet20-v0")],
    "ops": [
        Place(environment="NAS-ProxylessCIFAR-v0", key=f"NAS-{chip}-v0", arguments=arguments)
        for chip, arguments in (("cpu", {}), ("mobile", {"hardware": "mobile"}))
    ],
}
ENTRANTS: tuple[tuple[str, str, str, Badge], ...] = (
    ("bits", "random", "Ada", "reproduced"),
    ("ops", "random", "Ada", "replayed"),
    ("bits", "uniform", "Ada", "indistinguishable"),
    ("bits", "regularized-evolution", "Ada", "reproduced"),
    ("ops", "regularized-evolution", "Bo", "reproduced"),
)
"""Suite, solver and name, author, badge: of the last two one took the other's name."""


Recipes = Callable[..., Recipe]


@pytest.fixture(scope="session")
def recipe() -> Recipes:
    """What a part is made of, by name and evaluations."""

    def of(name: str, evaluations: int = 6) -> Recipe:
        return Recipe(title=name, evaluations=evaluations, seeds=10, environments=PLACES[name])

    return of


@pytest.fixture(scope="session")
def both() -> UnionRecipe:
    """What the union is made of."""
    return UnionRecipe(title="Both", parts=list(PLACES))


def _runs(suite: TraceSuite, solver: str) -> list[Run]:
    return [
        solve(get_solver(solver), task.environment, suite.evaluations, seed, **task.arguments)
        for task in suite.tasks
        for seed in suite.seeds
    ]


@pytest.fixture(scope="session")
def union_folder(
    tmp_path_factory: pytest.TempPathFactory,
    fields: dict[str, Any],
    recipe: Recipes,
    both: UnionRecipe,
) -> Path:
    """A board of two suites and their union; tests must not change it."""
    folder = tmp_path_factory.mktemp("union")
    suites = {name: read_suite(freeze(name, folder / SUITES, recipe(name))) for name in PLACES}
    freeze("both", folder / SUITES, both)
    for name, solver, author, badge in ENTRANTS:
        suite = suites[name]
        assert isinstance(suite, TraceSuite)
        about = {**fields, "authors": [author]}
        verdict = submit(_runs(suite, solver), suite, solver, about, folder / ENTRIES)
        append(folder / LOG, verdict, badge)
    return folder


@pytest.fixture(scope="session")
def checked(union_folder: Path) -> Board:
    """That board, recomputed."""
    found = check_board(union_folder, union_folder / SUITES)
    assert found.faults == []
    return found


@pytest.fixture(scope="session")
def union(union_folder: Path) -> UnionSuite:
    """The union."""
    found = load_suite("both", union_folder / SUITES)
    assert isinstance(found, UnionSuite)
    return found


@pytest.fixture(scope="session")
def rows(checked: Board, union: UnionSuite) -> dict[str, Row]:
    """Its table by name, best first."""
    return {row.name: row for row in checked.rows(union)}


@pytest.fixture
def board(union_folder: Path, tmp_path: Path) -> Path:
    """A copy of :func:`union_folder` that a test may change."""
    return shutil.copytree(union_folder, tmp_path / "leaderboards")
