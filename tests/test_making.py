"""Environments out of data: nothing is imported or wrapped, and what is wrong is said in a line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import pytest

from hwenvs.errors import ArgumentError, HwenvsError, SolverError, UnknownNameError
from hwenvs.making import WRAPPING, make, problem_of
from hwenvs.reporting.results import collect
from hwenvs.solving import solve
from hwenvs.solving.records import Run
from hwenvs.sweeps.plan import EnvironmentEntry

if TYPE_CHECKING:
    from tests.conftest import Cli

ID = "AMC-ResNet20-v0"

WRONG: dict[str, tuple[str, dict[str, Any], type[HwenvsError], str]] = {
    "a module": (f"evil:{ID}", {}, UnknownNameError, f"unknown environment 'evil:{ID}'.*'{ID}'"),
    "an unknown id": ("Nope-v0", {}, UnknownNameError, "unknown environment 'Nope-v0'"),
    "another version": ("AMC-ResNet20-v7", {}, UnknownNameError, f"Did you mean '{ID}'"),
    "no id": ("", {}, UnknownNameError, "unknown environment ''"),
    "many tasks": ("AMC-Generalist-v0", {}, SolverError, "draws another task every episode"),
    "an unknown argument": (ID, {"budgt": 0.5}, UnknownNameError, "'budgt'.*'budget'"),
    "a word": (ID, {"budget": "half"}, HwenvsError, "budget"),
    "an end of episodes": (ID, {"max_episode_steps": 3}, ArgumentError, "max_episode_steps is no"),
    "a checker": (ID, {"disable_env_checker": True}, ArgumentError, "disable_env_checker is no"),
    "an id beside the id": (ID, {"id": ID}, ArgumentError, "id is no argument of the environment"),
    "wrappers": (ID, {"additional_wrappers": []}, UnknownNameError, "additional_wrappers"),
    "a mode that is no word": (ID, {"render_mode": 1}, ArgumentError, "render_mode must be a word"),
}


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in the way of imports that must not be imported."""
    (tmp_path / "evil.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture(scope="module")
def run() -> Run:
    return solve("random", ID, 2)


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_made_is_told(what: str) -> None:
    environment, arguments, kind, message = WRONG[what]
    for maker in (make, problem_of):
        with pytest.raises(kind, match=message):
            maker(environment, arguments)
    assert "evil" not in sys.modules


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize("what", WRONG)
def test_records_sweeps_and_solvers_make_environments_alike(what: str, run: Run) -> None:
    environment, arguments, kind, message = WRONG[what]
    recorded = Run(**{**asdict(run), "environment": environment, "arguments": arguments})
    with pytest.raises(kind, match=message):
        collect([recorded])
    with pytest.raises(kind, match=message):
        solve("random", environment, 2, **arguments)
    if "render_mode" not in arguments:
        with pytest.raises(kind, match=message):
            EnvironmentEntry(environment=environment, arguments=arguments).check()
    assert "evil" not in sys.modules


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize("what", WRONG)
def test_commands_refuse_such_records_in_a_line(
    what: str, run: Run, cli: Cli, tmp_path: Path
) -> None:
    environment, arguments, *_ = WRONG[what]
    path = tmp_path / "runs.jsonl"
    fields = {**asdict(run), "environment": environment, "arguments": arguments}
    path.write_text(json.dumps(fields) + "\n")
    for command in (("report", path, "--out", tmp_path / "report"), ("export-minari", path)):
        if command[0] == "export-minari":
            pytest.importorskip("minari")
        said = cli.fail(*command)
        assert said.startswith("error: "), said
    assert "evil" not in sys.modules


def test_every_argument_that_gymnasium_keeps_is_known() -> None:
    assert set(WRAPPING) >= {"id", "max_episode_steps", "disable_env_checker"}
    assert "kwargs" not in WRAPPING


def test_the_prefix_of_the_package_changes_nothing() -> None:
    assert (
        problem_of(f"hwenvs:{ID}", {"budget": 0.4}).title == problem_of(ID, {"budget": 0.4}).title
    )


def test_one_s_own_environment_is_made_once_it_is_registered() -> None:
    gym.register("Mine-v0", "hwenvs.environment:DesignEnv", kwargs=dict(gym.spec(ID).kwargs))
    try:
        assert problem_of("Mine-v0", {"budget": 0.4}).horizon == problem_of(ID, {}).horizon
        assert len(solve("random", "Mine-v0", 2).rewards) == 2
    finally:
        del gym.registry["Mine-v0"]


def test_environments_of_others_are_none_of_designs() -> None:
    with pytest.raises(ArgumentError, match="CartPole-v1 is no environment of designs"):
        problem_of("CartPole-v1", {})
