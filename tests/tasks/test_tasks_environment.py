"""Many tasks in one environment: Gymnasium's rules, drawing, observations, clear errors."""

from __future__ import annotations

import warnings

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3.common.env_checker as sb3
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from hwenvs.errors import ActionError, ArgumentError, BudgetError, UnknownNameError
from hwenvs.registration import TASK_ENVIRONMENTS
from hwenvs.tasks import Rule, Task, distribution
from hwenvs.tasks.environment import TaskEnv

IDS = tuple(TASK_ENVIRONMENTS)
SMALL = ("amc/resnet20/mobile/latency/0.4", "amc/mobilenet_v1/counts/macs/0.4")
UNTESTED = Rule("own", "amc", ("resnet20",), (), (("counts", "macs"),), (), (0.4, 0.6), ())


@pytest.mark.parametrize("name", IDS)
def test_gymnasium_checks_pass_without_a_warning(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(name, disable_env_checker=True).unwrapped)


@pytest.mark.parametrize("name", IDS)
def test_stable_baselines_checks_pass_without_a_warning(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Advice, not a rule: actions are AMC's fractions in [0, 1], and SB3 rescales them itself.
        warnings.filterwarnings("ignore", message="We recommend you to use a symmetric")
        sb3.check_env(gym.make(name), warn=True)


def test_tasks_are_drawn_from_the_split() -> None:
    train, test = distribution("amc").split()
    for split, part in (("train", train), ("test", test)):
        env = gym.make("AMC-Generalist-v0", split=split)
        drawn = {env.reset(seed=seed)[1]["task"] for seed in range(12)}
        assert len(drawn) > 3
        assert drawn <= set(part.ids)
    env = gym.make("AMC-Generalist-v0", tasks=SMALL)
    assert {env.reset(seed=seed)[1]["task"] for seed in range(12)} == set(SMALL)


@pytest.mark.parametrize("given", ["id", "task"])
def test_a_task_can_be_asked_for_whatever_the_split(given: str) -> None:
    task = distribution("amc").test.where(network="resnet20")[0]
    env = gym.make("AMC-Generalist-v0", split="train")
    _, info = env.reset(options={"task": task.id if given == "id" else task})
    assert info == {"task": task.id}
    assert env.unwrapped.task == task


def test_tasks_of_ones_own_can_be_asked_for_by_id() -> None:
    own = Task("amc", "resnet20", "mobile", "latency", 0.45)  # of no rule
    env = gym.make("AMC-Generalist-v0", tasks=[own])
    first, drawn = env.reset(seed=0)
    asked, info = env.reset(options={"task": drawn["task"]})
    assert info == drawn == {"task": own.id}
    assert np.array_equal(first, asked)
    assert np.array_equal(env.unwrapped.set_state((own.id, [])), first)
    _, info = env.reset(options={"task": SMALL[0]})  # those of the rule stay known
    assert info == {"task": SMALL[0]}


@pytest.mark.parametrize(
    "arguments",
    [
        {"tasks": [Task("amc", "resnet20", "mobile", "latency", 0.45), SMALL[1]]},
        {"rule": UNTESTED},
    ],
)
def test_an_environments_specification_survives_json(arguments: dict[str, object]) -> None:
    env = gym.make("AMC-Generalist-v0", **arguments)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.tasks == env.unwrapped.tasks
    assert again.unwrapped.distribution == env.unwrapped.distribution
    (one, first), (other, second) = env.reset(seed=1), again.reset(seed=1)
    assert first == second
    assert np.array_equal(one, other)


def test_observations_tell_the_budget_the_chip_and_the_network() -> None:
    env = gym.make("AMC-Generalist-v0")
    names = env.unwrapped.observation_names
    assert len(names) == len(set(names)) == env.observation_space.shape[0]
    base = Task.parse("amc/resnet20/mobile/latency/0.4")
    changed = {
        "budget": ("budget",),
        "chip": ("depthwise: cost of a MAC, whole", "linear: cost left, half the inputs"),
        "network": ("decisions", "MACs", "image", "accuracy"),
    }
    others = {
        "budget": Task("amc", "resnet20", "mobile", "latency", 0.6),
        "chip": Task("amc", "resnet20", "bitfusion", "latency", 0.4),
        "network": Task("amc", "mobilenet_v1", "mobile", "latency", 0.4),
    }
    first = dict(zip(names, env.reset(options={"task": base})[0].tolist(), strict=True))
    for what, task in others.items():
        seen = dict(zip(names, env.reset(options={"task": task})[0].tolist(), strict=True))
        assert all(seen[name] != first[name] for name in changed[what])
        static = {name for some in changed.values() for name in some} - set(changed[what])
        assert all(seen[name] == first[name] for name in static), what


def test_the_budgeted_cost_is_told_apart() -> None:
    env = gym.make("AMC-Generalist-v0")
    names = env.unwrapped.observation_names
    for cost, chip in (("macs", "counts"), ("size", "counts"), ("latency", "mobile")):
        task = Task("amc", "resnet20", chip, cost, 0.4)
        seen = dict(zip(names, env.reset(options={"task": task})[0].tolist(), strict=True))
        hot = [name for name in names if name.startswith("budgeted") and seen[name] == 1.0]
        assert hot == [f"budgeted: {cost}"]


def test_typos_raise_one_clear_error() -> None:
    with pytest.raises(gym.error.NameNotFound, match="Did you mean: `AMC-Generalist`"):
        gym.make("AMC-Generalst-v0")
    for arguments, error, message in (
        ({"split": "tests"}, UnknownNameError, "Did you mean 'test'"),
        ({"rule": "amcs"}, UnknownNameError, "Did you mean 'amc'"),
        ({"tasks": ["amc/resnet20/mobile/latency/0.45"]}, UnknownNameError, "Did you mean 'amc/"),
        ({"split": ["train"]}, UnknownNameError, r"unknown split \['train'\]"),
        ({"rule": ["amc"]}, UnknownNameError, "Known: amc, haq"),
        ({"tasks": 5}, ArgumentError, "tasks must be a list of them, not 5"),
        ({"tasks": SMALL[0]}, ArgumentError, f"tasks must be a list of them, not '{SMALL[0]}'"),
        ({"tasks": [5]}, UnknownNameError, "unknown task 5"),
        ({"tasks": []}, ArgumentError, "no tasks to draw from in an empty tasks="),
        ({"tasks": [{"kind": "amc"}]}, ArgumentError, r"a task has \['budget', .*not \['kind'\]"),
        ({"rule": {"name": "own"}}, ArgumentError, r"a rule has \['kind', .*not \['name'\]"),
        (
            {"rule": UNTESTED, "split": "test"},
            ArgumentError,
            "no tasks to draw from in the test split of rule 'own'$",
        ),
        ({"lowest": 0.5}, ArgumentError, "lowest must be 0 or below"),
        ({"lowest": "none"}, ArgumentError, "lowest must be 0 or below, not 'none'"),
        ({"lowest": float("nan")}, ArgumentError, "lowest must be 0 or below"),
    ):
        with pytest.raises(error, match=message):
            gym.make("AMC-Generalist-v0", **arguments)
    with pytest.raises(UnknownNameError, match="Did you mean 'rgb_array'"):
        TaskEnv(render_mode="rgb")
    env = gym.make("AMC-Generalist-v0", disable_env_checker=True).unwrapped
    for call in (env.get_state, env.render, lambda: env.step(np.array([0.5], np.float32))):
        with pytest.raises(ResetNeeded):
            call()
    with pytest.raises(UnknownNameError, match="unknown option of reset 'taks'"):
        env.reset(options={"taks": SMALL[0]})
    with pytest.raises(ArgumentError, match="is not one of amc"):
        env.reset(options={"task": distribution("haq").train[0]})
    for budget, error, message in (
        (0.001, BudgetError, r"^task amc/resnet20/mobile/latency/0\.001: budget 0\.001 allows"),
        (1.0, ArgumentError, r"^task amc/resnet20/mobile/latency/1\.0: no design is better"),
    ):
        with pytest.raises(error, match=message):
            env.reset(options={"task": Task("amc", "resnet20", "mobile", "latency", budget)})
    env.reset(options={"task": SMALL[0]})
    with pytest.raises(ActionError, match="nan is not in"):
        env.step(np.array([np.nan], np.float32))


def test_the_design_so_far_can_be_looked_at() -> None:
    env = gym.make("AMC-Generalist-v0", render_mode="ansi")
    env.reset(options={"task": SMALL[0]})
    env.step(np.array([0.5], np.float32))
    assert "ResNet-20" in env.render()
