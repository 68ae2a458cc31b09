"""Ids that are no single problem: every way in says so, and what it names instead works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import gymnasium as gym
import pytest

from hwenvs.errors import SolverError
from hwenvs.leaderboards.freezing import Place, Recipe, freeze
from hwenvs.registration import ALL_ENVIRONMENTS, MO_ENVIRONMENTS, TASK_ENVIRONMENTS
from hwenvs.single import check_single
from hwenvs.solving import Recorder, solve
from hwenvs.solving.records import Run, read_runs
from hwenvs.tasks import distribution

if TYPE_CHECKING:
    from tests.conftest import Cli

MANY, VECTOR = "AMC-Generalist-v0", "MO-AMC-ResNet20-v0"
SAID = {
    MANY: f"{MANY} draws another task every episode.*gym.make.task.environment, ",
    VECTOR: f"{VECTOR} pays a vector.*: take AMC-ResNet20-v0,",
}


def refusal(environment: str) -> str:
    with pytest.raises(SolverError) as caught:
        check_single(environment)
    return str(caught.value)


@pytest.mark.parametrize("environment", [*TASK_ENVIRONMENTS, *MO_ENVIRONMENTS])
def test_ids_of_many_problems_or_vectors_are_refused_by_name(environment: str) -> None:
    assert refusal(environment).startswith(f"{environment} ")
    assert refusal(f"hwenvs:{environment}").startswith(f"{environment} ")


def test_all_other_ids_are_let_through() -> None:
    for environment in ALL_ENVIRONMENTS:
        check_single(environment)


@pytest.mark.parametrize("environment", TASK_ENVIRONMENTS)
def test_the_command_that_is_named_instead_runs_a_task_of_the_rule(
    cli: Cli, environment: str, tmp_path: Path
) -> None:
    named = re.search(r"e\.g\. hwenvs (run .*?);", refusal(environment))
    assert named is not None
    options = ["--solver", "random", "--evaluations", 2, "--out", tmp_path]
    cli.succeed(*named[1].split(), *options)
    (path,) = tmp_path.iterdir()
    (run,) = read_runs(path)
    tasks = distribution(TASK_ENVIRONMENTS[environment]["rule"]).train
    assert (run.environment, run.arguments) in [(t.environment, t.arguments) for t in tasks]


def test_the_ids_named_instead_of_vectors_are_single() -> None:
    for environment in MO_ENVIRONMENTS:
        named = re.search(r": take (\S+),", refusal(environment))
        assert named is not None
        assert named[1] in ALL_ENVIRONMENTS


@pytest.mark.parametrize("environment", SAID)
def test_solvers_are_not_run_on_them(environment: str) -> None:
    with pytest.raises(SolverError, match=SAID[environment]):
        solve("random", environment, evaluations=1)
    # Arguments that only the single problem takes do not hide why it is none.
    with pytest.raises(SolverError, match=SAID[environment]):
        solve("random", f"hwenvs:{environment}", evaluations=1, reward="accuracy")
    with pytest.raises(SolverError, match=SAID[environment]):
        Recorder(gym.make(environment), Run("random", environment, {}, 0, 1))


@pytest.mark.parametrize("environment", SAID)
@pytest.mark.parametrize("command", ["run", "compare", "render", "card", "specialise"])
def test_commands_say_what_they_work_on_and_write_nothing(
    cli: Cli, command: str, environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert re.match(f"error: {SAID[environment]}", cli.fail(command, environment))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("environment", SAID)
def test_they_cannot_be_frozen_into_a_suite(environment: str, tmp_path: Path) -> None:
    places = [Place(environment=environment)]
    recipe = Recipe(title="No", evaluations=10, seeds=10, environments=places)
    with pytest.raises(SolverError, match=SAID[environment]):
        freeze("no", tmp_path, recipe)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("environment", SAID)
def test_sweeps_refuse_them_before_any_cell_is_run(
    cli: Cli, environment: str, tmp_path: Path
) -> None:
    plan = tmp_path / "sweep.yaml"
    plan.write_text(f"environments: [{environment}]\nsolvers: [random]\nseeds: 1\n")
    said = cli.fail("sweep", plan, "--out", tmp_path / "results")
    assert re.search(f"environments\\[0\\]: {SAID[environment]}", said)
    assert not (tmp_path / "results").exists()
