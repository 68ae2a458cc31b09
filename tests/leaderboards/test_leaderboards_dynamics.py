"""The digest of an environment changes with everything that a reward depends on, and only then."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hwenvs import problems, proxies
from hwenvs.errors import DataError
from hwenvs.hardware import bismo
from hwenvs.leaderboards import dynamics as module
from hwenvs.leaderboards import frozen as held
from hwenvs.leaderboards.dynamics import dynamics, stale
from hwenvs.leaderboards.freezing import Place, Recipe, freeze, frozen, recipes
from hwenvs.leaderboards.suites import load_suite, read_suite
from hwenvs.problems import Problem
from hwenvs.problems import chain as chains

IDS = ("AMC-ResNet20-v0", "HAQ-ResNet20-v0", "NAS-ProxylessCIFAR-v0", "DeepCompression-LeNet5-v0")


def make(environment: str, **arguments: Any) -> Problem:
    # Compiled anew: problems are remembered by their arguments, not by what those stand for.
    problems._remembered.cache_clear()
    problem: Problem = gym.make(environment, **arguments).unwrapped.problem  # type: ignore[attr-defined]
    return problem


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Problems are kept for the life of a process; here they change."""
    forget()
    yield
    forget()


def forget() -> None:
    held._problem.cache_clear()
    problems._remembered.cache_clear()


@pytest.mark.parametrize("environment", IDS)
def test_equal_environments_have_equal_digests(environment: str) -> None:
    assert dynamics(make(environment)) == dynamics(make(environment))


def test_another_process_finds_the_same_digests() -> None:
    code = (
        "import gymnasium as gym, hwenvs\n"
        "from hwenvs.leaderboards.dynamics import dynamics\n"
        f"for name in {IDS}: print(dynamics(gym.make(name).unwrapped.problem))"
    )
    # Another order of sets and dictionaries of strings, too.
    environ = {**os.environ, "PYTHONHASHSEED": "4711"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environ,
    )
    assert done.stdout.split() == [dynamics(make(name)) for name in IDS]


@pytest.mark.parametrize(
    "arguments",
    [
        {"budget": 0.5000001},
        {"cost": "params"},
        {"hardware": "roofline", "cost": "latency"},
        {"reward": "error_times_log_macs"},
        {"constraint": "projected"},
        {"round_to": 2},
        {"floor": 0.11},
    ],
    ids=str,
)
def test_every_argument_is_part_of_the_digest(arguments: dict[str, Any]) -> None:
    assert dynamics(make(IDS[0], **arguments)) != dynamics(make(IDS[0]))


def test_an_agents_doings_are_not() -> None:
    problem = make(IDS[0])
    before = dynamics(problem)
    problem.optimum = 0.9
    problem.evaluate([problem.reference.designs[0]])
    assert dynamics(problem) == before


@pytest.mark.parametrize(
    ("environment", "constant"),
    [("HAQ-ResNet20-v0", "clock"), ("HAQ-MobileNetV1-v0", "bandwidth")],
)
def test_a_hardware_constant_with_another_digit_changes_the_digest(
    environment: str, constant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dynamics(make(environment))
    chip = bismo.CHIPS["bismo-edge"]
    changed = replace(chip, **{constant: getattr(chip, constant) * (1 + 1e-9)})
    monkeypatch.setitem(bismo.CHIPS, "bismo-edge", changed)
    assert dynamics(make(environment)) != before


def test_another_reward_rule_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make(IDS[0])
    before, original = dynamics(problem), type(problem.reward).of
    monkeypatch.setattr(
        type(problem.reward), "of", lambda self, *given: original(self, *given) + 1e-12
    )
    assert dynamics(make(IDS[0])) != before


def test_another_rule_of_the_walk_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before, original = dynamics(make(IDS[0])), chains.ChainProblem.decide

    def lower(self: Any, walk: Any, actions: Any) -> Any:
        return np.maximum(original(self, walk, actions) - 1, 0)

    monkeypatch.setattr(chains.ChainProblem, "decide", lower)
    assert dynamics(make(IDS[0])) != before


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped tables that environments read instead."""
    folder = shutil.copytree(proxies.TABLES, tmp_path / "tables")
    monkeypatch.setattr(proxies, "TABLES", folder)
    monkeypatch.setattr(module, "TABLES", folder)
    return folder


def test_any_byte_of_a_table_changes_the_digest(tables: Path) -> None:
    problem = make(IDS[0])
    before = dynamics(problem)
    path = tables / "resnet20.channel_pruning.npz"
    content = path.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        # The problem holds what it read before: this is about the bytes alone.
        assert dynamics(problem) != before
    path.write_bytes(content)
    assert dynamics(problem) == before


def test_a_changed_entry_of_a_table_is_named_by_the_suite(tables: Path) -> None:
    recipe = Recipe(title="One", evaluations=5, seeds=10, environments=[Place(environment=IDS[0])])
    suite = frozen("one", 1, recipe)
    assert stale(suite) == []
    path = tables / "resnet20.channel_pruning.npz"
    with np.load(path, allow_pickle=False) as packed:
        entries = dict(packed)
    name = max(entries, key=lambda key: entries[key].size * (entries[key].dtype.kind == "f"))
    entries[name] = entries[name] * (1 + 1e-6)
    np.savez(path, **entries)
    forget()
    (fault,) = stale(suite)
    assert f"suite one-v1: {IDS[0]}: no longer what was frozen" in fault


def test_what_is_measured_cannot_be_frozen() -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("torch")
    with pytest.raises(DataError, match="measured, not read from tables"):
        dynamics(make("AMC-DigitsLeNet-v0"))


# Suites.


def test_freezing_twice_changes_nothing_and_a_change_is_a_new_version(tmp_path: Path) -> None:
    recipe = Recipe(title="One", evaluations=5, seeds=10, environments=[Place(environment=IDS[2])])
    first = freeze("one", tmp_path, recipe)
    content = first.read_bytes()
    assert freeze("one", tmp_path, recipe) == first
    longer = recipe.model_copy(update={"evaluations": 6})
    second = freeze("one", tmp_path, longer)
    assert (first.name, second.name) == ("one-v1.json", "one-v2.json")
    assert first.read_bytes() == content
    assert load_suite("one", tmp_path).evaluations == 6
    assert load_suite("one-v1", tmp_path).evaluations == 5


def test_the_tenth_version_is_newer_than_the_ninth(tmp_path: Path) -> None:
    recipe = Recipe(title="One", evaluations=5, seeds=10, environments=[Place(environment=IDS[2])])
    suite = frozen("one", 9, recipe)
    for version in (9, 10):
        made = suite.model_copy(update={"version": version})
        (tmp_path / f"{made.id}.json").write_bytes(made.text.encode())
    assert load_suite("one", tmp_path).version == 10


def test_every_environment_of_a_recipe_can_be_frozen() -> None:
    made = [recipe for recipe in recipes().values() if isinstance(recipe, Recipe)]
    assert made
    for place in (place for recipe in made for place in recipe.environments):
        assert len(dynamics(make(place.environment, **place.arguments))) == 64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": list(range(9))}, "seeds: .*at least 10"),
        ({"seeds": [*range(9), 8]}, "a seed stands twice"),
        ({"evaluations": 0}, "evaluations: "),
        ({"tasks": []}, "tasks: .*at least 1"),
        ({"more": 1}, "more: Extra"),
        ({"version": 2}, "holds the suite one-v2"),
        ({"name": "One"}, "name: "),
    ],
    ids=str,
)
def test_a_suite_that_makes_no_sense_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    recipe = Recipe(title="One", evaluations=5, seeds=10, environments=[Place(environment=IDS[2])])
    fields = json.loads(frozen("one", 1, recipe).text)
    path = tmp_path / "one-v1.json"
    path.write_text(json.dumps({**fields, **changes}))
    with pytest.raises(DataError, match=message):
        read_suite(path)
