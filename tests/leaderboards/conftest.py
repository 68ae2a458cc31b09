"""A small board: a suite of two quick environments and entries of three solvers."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.errors import EntryError
from hwenvs.leaderboards.board import ENTRIES, LOG
from hwenvs.leaderboards.entries import RUNS, open_entry
from hwenvs.leaderboards.freezing import Place, PolicyRecipe, Recipe, freeze
from hwenvs.leaderboards.log import append
from hwenvs.leaderboards.perceptron import Policy
from hwenvs.leaderboards.policies import write_policy
from hwenvs.leaderboards.submit import submit, submit_policy
from hwenvs.leaderboards.suites import PolicySuite, TraceSuite, read_suite
from hwenvs.leaderboards.verify import verify
from hwenvs.solving import get_solver, solve
from hwenvs.tasks.environment import TaskEnv

SOLVERS = ("random", "regularized-evolution", "uniform")
RULE = "haq"
"""Of the policies."""

LONGEST_MESSAGE = 600
"""Characters: a message names a place and repeats nothing long."""

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


@pytest.fixture(scope="session")
def fields() -> dict[str, Any]:
    """Fields of an entry that say little; tests must not change them."""
    return {
        "track": "search",
        "method": "A method",
        "authors": ["Somebody"],
        "code": "https://example.org/code",
        "commit": "0" * 40,
        "tuning": "Not tuned.",
        "trained_on_test_instances": False,
        "licence": "MIT",
    }


@pytest.fixture(scope="session")
def policy_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The same without a track: a policy has but one."""
    return {name: value for name, value in fields.items() if name != "track"}


@pytest.fixture(scope="session")
def board_folder(tmp_path_factory: pytest.TempPathFactory, fields: dict[str, Any]) -> Path:
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
        about = {**fields, "method": f"Bundled {name}"}
        verdict = submit(runs, suite, name, about, folder / ENTRIES)
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


@pytest.fixture
def refusal() -> Callable[[Path, TraceSuite], str]:
    """Why an entry is refused, in a message that is short and stays on one line."""

    def said(entry: Path, suite: TraceSuite) -> str:
        with pytest.raises(EntryError) as caught:
            verify(open_entry(entry), suite)
        message = str(caught.value)
        assert len(message) < LONGEST_MESSAGE + len(str(entry))
        assert message.isprintable()
        return message

    return said


@pytest.fixture(scope="session")
def constant() -> Callable[[float], Policy]:
    """Policies that look at nothing."""
    features = len(TaskEnv(RULE).observation_names)

    def policy(action: float) -> Policy:
        return Policy((np.zeros((1, features)),), (np.array([action]),), "relu", "clip")

    return policy


@pytest.fixture(scope="session")
def policy_folder(
    tmp_path_factory: pytest.TempPathFactory,
    constant: Callable[[float], Policy],
    policy_fields: dict[str, Any],
) -> Path:
    """A board with one suite of policies and the entry ``five-bits``; tests must not change it."""
    folder = tmp_path_factory.mktemp("policies")
    recipe = PolicyRecipe(title="Bits on chips held back", instances=10, families=[RULE])
    suite = read_suite(freeze("bits", folder / "suites", recipe))
    path = folder / "constant.npz"
    write_policy(constant(0.5), path)
    verdict = submit_policy(path, suite, "five-bits", policy_fields, folder / ENTRIES)
    append(folder / LOG, verdict)
    return folder


@pytest.fixture(scope="session")
def policy_suite(policy_folder: Path) -> PolicySuite:
    """The suite of :func:`policy_folder`."""
    found = read_suite(policy_folder / "suites" / "bits-v1.json")
    assert isinstance(found, PolicySuite)
    return found


@pytest.fixture
def policy_board(policy_folder: Path, tmp_path: Path) -> Path:
    """A copy of :func:`policy_folder` that a test may change."""
    return shutil.copytree(policy_folder, tmp_path / "leaderboards")


@pytest.fixture
def policy_entry(policy_board: Path) -> Path:
    """The folder of its entry ``five-bits``."""
    return policy_board / ENTRIES / "bits-v1" / "five-bits"
