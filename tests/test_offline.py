"""Runs become Minari data sets that hold what the solver saw, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
import pytest

import hwenvs
from hwenvs.errors import (
    ArgumentError,
    DesignError,
    MissingExtraError,
    SolverError,
    UnknownNameError,
)
from hwenvs.offline import default_name, export_minari, replay
from hwenvs.solving import solve
from hwenvs.solving.records import Run, write_runs

if TYPE_CHECKING:
    from tests.conftest import Cli

minari = pytest.importorskip("minari")

ROOT = Path(__file__).parents[1]

IDS = ("AMC-ResNet20-v0", "HAQ-ResNet20-v0", "NAS-ProxylessCIFAR-v0")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Minari looks for data sets, empty at first."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    return tmp_path / "minari"


def few_runs(name: str = "AMC-ResNet20-v0", seeds: int = 2, **arguments: object) -> list[Run]:
    return [solve("random", name, 3, seed=seed, **arguments) for seed in range(seeds)]


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("data_format", ["arrow", "parquet", "hdf5"])
def test_a_loaded_data_set_replays_bit_for_bit(name: str, data_format: str) -> None:
    if data_format == "hdf5":
        pytest.importorskip("h5py")
    runs = few_runs(name)
    made = export_minari(runs, "hwenvs/tests/random-v1", data_format=data_format)
    dataset = minari.load_dataset("hwenvs/tests/random-v1")
    assert dataset.total_episodes == made.total_episodes == 6
    rewards = [reward for run in runs for reward in run.rewards]
    designs = [design for run in runs for design in run.designs]
    env = gym.make(name)
    for episode, paid, design in zip(dataset, rewards, designs, strict=True):
        observation, _ = env.reset(seed=0)
        assert observation.dtype == episode.observations.dtype
        assert np.array_equal(observation, episode.observations[0])
        for step, action in enumerate(episode.actions):
            observation, reward, ended, cut, info = env.step(action)
            assert np.array_equal(observation, episode.observations[step + 1])
            assert reward == episode.rewards[step]
            assert ended == episode.terminations[step]
            assert cut == episode.truncations[step]
        assert ended
        assert episode.rewards.sum() == paid
        assert info["design"].tolist() == design == episode.infos["decision"][1:].tolist()


def test_infos_tell_accuracy_and_costs_at_the_last_step() -> None:
    (run,) = few_runs(seeds=1)
    dataset = export_minari([run])
    for index, episode in enumerate(dataset):
        assert len(episode.infos["accuracy"]) == len(episode) + 1
        assert episode.infos["accuracy"][-1] == run.accuracies[index]
        for quantity, values in run.costs.items():
            assert episode.infos[f"cost_{quantity}"][-1] == values[index]
            assert np.isnan(episode.infos[f"cost_{quantity}"][:-1]).all()
        assert episode.infos["feasible"].tolist() == [False] * len(episode) + [True]


def test_masks_are_those_of_the_environment() -> None:
    dataset = export_minari(few_runs("NAS-ProxylessCIFAR-v0", seeds=1))
    env = gym.make("NAS-ProxylessCIFAR-v0")
    for episode in dataset:
        _, info = env.reset(seed=0)
        for step, action in enumerate(episode.actions):
            assert np.array_equal(info["action_mask"], episode.infos["action_mask"][step])
            assert info["action_mask"][action]
            info = env.step(action)[4]


def test_the_data_set_says_where_it_comes_from() -> None:
    runs = few_runs(budget=0.4, constraint="projected")
    dataset = export_minari(runs, author="A. Uthor", author_email="a@example.org")
    metadata = dataset.storage.metadata
    assert dataset.id == default_name(runs) == "hwenvs/amc-resnet20/random-v0"
    assert metadata["algorithm_name"] == "random"
    assert metadata["author"] == {"A. Uthor"}
    assert metadata["author_email"] == {"a@example.org"}
    source = metadata["hwenvs"]
    assert source["environment"] == "AMC-ResNet20-v0"
    assert source["arguments"] == {"budget": 0.4, "constraint": "projected"}
    assert [run["seed"] for run in source["runs"]] == [0, 1]
    assert source["runs"][0]["versions"]["hwenvs"] == hwenvs.__version__
    episodes = list(dataset.storage.get_episode_metadata(range(6)))
    assert [one["solver_seed"] for one in episodes] == [0, 0, 0, 1, 1, 1]
    assert [one["evaluation"] for one in episodes] == [0, 1, 2, 0, 1, 2]
    assert [list(one["design"]) for one in episodes] == runs[0].designs + runs[1].designs
    assert [one["rewards_sum"] for one in episodes] == runs[0].rewards + runs[1].rewards


def test_the_environment_is_recovered_with_its_arguments() -> None:
    dataset = export_minari(few_runs(budget=0.4, constraint="projected"))
    env = dataset.recover_environment()
    assert env.unwrapped.problem.spec() == (
        gym.make("AMC-ResNet20-v0", budget=0.4, constraint="projected").unwrapped.problem.spec()
    )
    code = (
        "import minari, hwenvs\n"
        f"print(minari.load_dataset({dataset.id!r}).recover_environment().spec.kwargs['budget'])"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    given = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=given)
    assert done.stdout.strip() == "0.4"


def test_minaris_normalised_score_is_the_score() -> None:
    (run,) = few_runs(seeds=1)
    dataset = export_minari([run])
    returns = np.array([episode.rewards.sum() for episode in dataset])
    assert minari.get_normalized_score(dataset, returns) == pytest.approx(run.scores)


def test_a_taken_name_is_refused_unless_it_is_overwritten(folder: Path) -> None:
    first, second = few_runs()
    export_minari([first], "hwenvs/tests/random-v0")
    with pytest.raises(ArgumentError, match=r"exists already.*overwrite"):
        export_minari([second], "hwenvs/tests/random-v0")
    assert minari.load_dataset("hwenvs/tests/random-v0").total_episodes == 3
    export_minari([first, second], "hwenvs/tests/random-v0", overwrite=True)
    assert minari.load_dataset("hwenvs/tests/random-v0").total_episodes == 6
    assert list(minari.list_local_datasets()) == ["hwenvs/tests/random-v0"]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_folder_of_data_sets_is_never_overwritten() -> None:
    runs = few_runs(seeds=1)
    export_minari(runs, "hwenvs/tests-v0/random-v0")
    with pytest.raises(ArgumentError, match="folder of others"):
        export_minari(runs, "hwenvs/tests-v0", overwrite=True)
    assert minari.load_dataset("hwenvs/tests-v0/random-v0").total_episodes == 3


def test_a_data_set_lies_within_no_other_and_overwriting_leaves_its_neighbours(
    folder: Path,
) -> None:
    runs = few_runs(seeds=1)
    export_minari(runs, "hwenvs/tests-v0")
    for name in ("hwenvs/tests-v0/random-v0", "hwenvs/tests-v0/data/random-v0"):
        with pytest.raises(ArgumentError, match="cannot lie within the data set hwenvs/tests-v0"):
            export_minari(runs, name)
    neighbour = folder / "hwenvs" / "tests-v0" / "notes.txt"
    neighbour.write_text("mine", encoding="utf-8")
    export_minari(few_runs(seeds=2), "hwenvs/tests-v0", overwrite=True)
    assert minari.load_dataset("hwenvs/tests-v0").total_episodes == 6
    assert neighbour.read_text(encoding="utf-8") == "mine"
    export_minari(runs, "hwenvs/data/random-v0")  # a namespace may have this name


@pytest.mark.parametrize("name", ["random-v0", "hwenvs/random", "a/../b-v0", "/a/b-v0", 5])
def test_names_that_minari_does_not_take_are_refused(name: Any) -> None:
    with pytest.raises(ArgumentError, match="no name of a Minari data set"):
        export_minari(few_runs(seeds=1), name)


def test_runs_of_different_environments_are_refused() -> None:
    one, other = few_runs(seeds=1), few_runs(seeds=1, budget=0.4)
    with pytest.raises(ArgumentError, match="one environment"):
        export_minari([*one, *other])
    with pytest.raises(ArgumentError, match="HAQ-ResNet20-v0"):
        export_minari([*one, *few_runs("HAQ-ResNet20-v0", seeds=1)])


def test_equal_arguments_are_one_environment_however_they_are_written() -> None:
    (run,) = few_runs(seeds=1, budget=1.0)
    same = [run, replace(run, arguments={"budget": 1}, environment=f"hwenvs:{run.environment}")]
    assert export_minari(same).total_episodes == 6


def test_records_with_more_or_fewer_rewards_than_designs_are_refused() -> None:
    (run,) = few_runs(seeds=1)
    for rewards in (run.rewards[:2], [*run.rewards, 0.0]):
        with pytest.raises(ArgumentError, match=rf"3 designs, but {len(rewards)} rewards"):
            export_minari([replace(run, rewards=rewards)])


def test_runs_without_designs_are_refused() -> None:
    with pytest.raises(ArgumentError, match="nothing to export"):
        export_minari([Run("random", "AMC-ResNet20-v0", {}, 0, 3)])
    with pytest.raises(ArgumentError, match="nothing to export"):
        export_minari([])


def test_a_record_that_pays_something_else_leaves_nothing_behind(folder: Path) -> None:
    (run,) = few_runs(seeds=1)
    embellished = replace(run, rewards=[*run.rewards[:2], run.rewards[2] + 1e-9])
    with pytest.raises(SolverError, match=r"seed 0, evaluation 2.*the record says"):
        export_minari([embellished])
    assert not minari.list_local_datasets()
    assert not any(folder.iterdir())


def test_episodes_are_made_one_at_a_time() -> None:
    (run,) = few_runs(seeds=1)
    run.designs[1] = [0] * len(run.designs[1])  # no design at all
    episodes = replay(run, gym.make(run.environment))
    assert next(episodes).rewards.sum() == run.rewards[0]
    with pytest.raises(DesignError, match="at decision 0"):
        next(episodes)


def test_other_environments_are_refused() -> None:
    (run,) = few_runs(seeds=1)
    with pytest.raises(SolverError, match="environment of hwenvs"):
        next(replay(run, gym.make("CartPole-v1")))
    for name, message in (
        ("CartPole-v1", "environment of hwenvs"),
        ("MO-AMC-ResNet20-v0", "pays a vector"),
        ("AMC-Generalist-v0", "draws another task"),
    ):
        with pytest.raises(SolverError, match=message):
            export_minari([replace(run, environment=name)])


def test_an_unknown_format_and_a_missing_package_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = few_runs(seeds=1)
    with pytest.raises(UnknownNameError, match="arrow"):
        export_minari(runs, data_format="csv")
    monkeypatch.setitem(sys.modules, "minari.dataset.minari_storage", None)
    with pytest.raises(MissingExtraError, match=r"hwenvs\[offline\]"):
        export_minari(runs)


def test_the_command_exports_what_was_chosen(cli: Cli, tmp_path: Path) -> None:
    first, second = few_runs(), few_runs("HAQ-ResNet20-v0", seeds=1)
    write_runs(tmp_path / "runs" / "all.jsonl", [*first, *second])
    command = ["export-minari", tmp_path / "runs", "--environment", "AMC-ResNet20-v0"]
    printed = cli.succeed(*command)
    assert "hwenvs/amc-resnet20/random-v0: 6 episodes, 108 steps" in printed
    assert minari.load_dataset("hwenvs/amc-resnet20/random-v0").total_episodes == 6
    assert "exists already" in cli.fail(*command)
    cli.succeed(*command, "--overwrite")
    assert "nothing to export" in cli.fail(*command, "--solvers", "ddpg", "--overwrite")


def test_the_code_of_the_page_runs() -> None:
    page = (ROOT / "docs" / "offline.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(compile(block, "offline.md", "exec"), {})
    assert list(minari.list_local_datasets()) == ["hwenvs/amc-resnet20/random-v0"]
