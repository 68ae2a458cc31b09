"""A small board: a suite of two quick environments and entries of three solvers."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hwenvs.leaderboards.board import ENTRIES, LOG
from hwenvs.leaderboards.entries import RUNS
from hwenvs.leaderboards.freezing import Place, Recipe, freeze
from hwenvs.leaderboards.log import append
from hwenvs.leaderboards.submit import submit
from hwenvs.leaderboards.suites import TraceSuite, read_suite
from hwenvs.solving import get_solver, solve

SOLVERS = ("random", "regularized-evolution", "uniform")
BADGES = {"random": "reproduced", "regularized-evolution": "indistinguishable"}

RECIPE = Recipe(
    title="Two quick environments",
    evaluations=20,
    seeds=10,
    environments=[
        Place(environment="HAQ-ResNet20-v0"),
        Place(
            environment="NAS-ProxylessCIFAR-v0",
            key="NAS-ProxylessCIFAR-mobile-v0",
            arguments={"hardware": "mobile"},
        ),
    ],
)


def about(**changed: Any) -> dict[str, Any]:
    """Fields of an entry that say little."""
    return {
        "track": "search",
        "method": "A method",
        "authors": ["Somebody"],
        "code": "https://example.org/code",
        "commit": "0" * 40,
        "tuning": "Not tuned.",
        "trained_on_test_instances": False,
        "licence": "MIT",
        **changed,
    }


@pytest.fixture(scope="session")
def board_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``suites/small-v1.json``, three logged entries and their log.

    Tests must not change it: copy it first.
    """
    folder = tmp_path_factory.mktemp("leaderboards")
    suite = read_suite(freeze("small", folder / "suites", RECIPE))
    for name in SOLVERS:
        runs = [
            solve(get_solver(name), task.environment, suite.evaluations, seed, **task.arguments)
            for task in suite.tasks
            for seed in suite.seeds
        ]
        verdict = submit(runs, suite, name, about(method=f"Bundled {name}"), folder / ENTRIES)
        reruns = [(suite.tasks[0].key, 3)] if name in BADGES else []
        append(folder / LOG, verdict, BADGES.get(name, "replayed"), reruns)  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="session")
def small_suite(board_folder: Path) -> TraceSuite:
    """The suite of :func:`board_folder`."""
    return read_suite(board_folder / "suites" / "small-v1.json")


@pytest.fixture
def board(board_folder: Path, tmp_path: Path) -> Path:
    """A copy of :func:`board_folder` that a test may change."""
    return shutil.copytree(board_folder, tmp_path / "leaderboards")


@pytest.fixture
def entry(board: Path) -> Path:
    """The folder of its entry ``random``."""
    return board / ENTRIES / "small-v1" / "random"


Rewrite = Callable[..., bytes]


@pytest.fixture
def rewrite() -> Rewrite:
    """Puts other lines (objects, or bytes as they are) into an entry's traces."""

    def write(folder: Path, lines: Sequence[object]) -> bytes:
        text = b"".join(
            (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n"
            for line in lines
        )
        packed = gzip.compress(text)
        (folder / RUNS).write_bytes(packed)
        return packed

    return write


@pytest.fixture
def lines(entry: Path) -> list[dict[str, Any]]:
    """The traces of :func:`entry`, one object a run."""
    text = gzip.decompress((entry / RUNS).read_bytes())
    return [json.loads(line) for line in text.splitlines()]
