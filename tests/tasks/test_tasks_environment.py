"""Many tasks in one environment: Gymnasium's rules, drawing, scores, saved states, vectors."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3.common.env_checker as sb3
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from hwenvs.errors import ActionError, ArgumentError, DesignError, UnknownNameError
from hwenvs.registration import TASK_ENVIRONMENTS
from hwenvs.tasks import Rule, Task, distribution
from hwenvs.tasks.compiled import compile_task
from hwenvs.tasks.environment import TaskEnv

IDS = tuple(TASK_ENVIRONMENTS)
SMALL = ("amc/resnet20/mobile/latency/0.4", "amc/mobilenet_v1/counts/macs/0.4")


def play(env: gym.Env, seed: int = 0, **options: Any) -> list[tuple[Any, ...]]:
    """An episode of random actions, the reset first."""
    random = np.random.default_rng(seed)
    steps: list[tuple[Any, ...]] = [env.reset(**options)]
    ended = False
    while not ended:
        steps.append(env.step(random.random(1, dtype=np.float32)))
        ended = steps[-1][2]
    return steps


def same(one: Sequence[tuple[Any, ...]], other: Sequence[tuple[Any, ...]]) -> bool:
    """Whether two episodes agree bit for bit."""
    return len(one) == len(other) and all(
        a[0].tobytes() == b[0].tobytes() and a[1:] == b[1:] for a, b in zip(one, other, strict=True)
    )


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


@pytest.mark.parametrize("name", IDS)
def test_equal_seeds_walk_equal_tasks_with_equal_results(name: str) -> None:
    one, other = gym.make(name), gym.make(name)
    for env in (one, other):
        env.reset(seed=5)
    for episode in range(4):
        assert same(play(one, episode), play(other, episode))


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


def test_an_episode_is_that_of_the_task_alone_but_for_its_reward() -> None:
    task = Task.parse(SMALL[0])
    many, one = gym.make("AMC-Generalist-v0"), gym.make(task.environment, **task.arguments)
    steps, alone = play(many, options={"task": task}), play(one)
    for ours, theirs in zip(steps, alone, strict=True):
        assert np.array_equal(ours[0][: len(theirs[0])], theirs[0])
    info, expected = steps[-1][-1], alone[-1][-1]
    assert info["design"] == tuple(expected["design"].tolist())
    assert {key: info[key] for key in ("accuracy", "costs", "feasible")} == {
        key: expected[key] for key in ("accuracy", "costs", "feasible")
    }
    ends = compile_task(task).certificate
    score = (expected["accuracy"] - ends.reference) / (ends.optimum - ends.reference)
    assert info["score"] == score
    assert steps[-1][1] == max(score, -5.0)
    assert [step[1] for step in steps[1:-1]] == [0.0] * (len(steps) - 2)


def test_the_uniform_design_scores_0_and_rewards_have_a_floor() -> None:
    task = Task.parse(SMALL[0])
    problem = compile_task(task).problem
    for lowest in (-0.25, 0.0):
        env = gym.make("AMC-Generalist-v0", lowest=lowest)
        env.reset(options={"task": task})
        for action in problem.actions(problem.reference.designs)[0]:
            _, reward, _, _, info = env.step(action)
        assert reward == info["score"] == 0.0
        env.reset(options={"task": task})
        for share in [1.0] * 9 + [0.0] * 9:  # early layers whole, nothing left for late ones
            _, reward, _, _, info = env.step(np.array([share], np.float32))
        assert info["score"] < lowest
        assert reward == lowest


def test_the_certified_design_earns_1() -> None:
    from hwenvs.baselines.exact import optimum

    task = Task.parse(SMALL[1])
    problem = compile_task(task).problem
    env = gym.make("AMC-Generalist-v0")
    env.reset(options={"task": task})
    for action in problem.actions([optimum(problem).design])[0]:
        _, reward, ended, _, _ = env.step(action)
    assert ended
    assert reward == pytest.approx(1.0, abs=1e-12)


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


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("name", IDS)
def test_a_copy_goes_on_as_the_original_does(name: str, copier: Any) -> None:
    env = gym.make(name).unwrapped
    env.reset(seed=11)
    for _ in range(5):
        env.step(np.array([0.6], np.float32))
    other = copier(env)
    assert other.get_state() == env.get_state()
    ended = False
    while not ended:
        ours, theirs = (one.step(np.array([0.4], np.float32)) for one in (env, other))
        assert same([ours], [theirs])
        ended = ours[2]
    for one in (env, other):
        with pytest.raises(ResetNeeded):
            one.step(np.array([0.4], np.float32))
    assert same(play(env), play(other))  # the next task is drawn alike


def test_pickles_do_not_carry_tables() -> None:
    env = gym.make("AMC-Generalist-v0").unwrapped
    env.reset(options={"task": SMALL[1]})
    assert len(pickle.dumps(env)) < 200_000


def test_states_of_one_task_can_be_entered_from_another() -> None:
    env = gym.make("AMC-Generalist-v0").unwrapped
    env.reset(options={"task": SMALL[0]})
    for _ in range(3):
        seen = env.step(np.array([0.7], np.float32))[0]
    state = env.get_state()
    after = env.step(np.array([0.2], np.float32))
    play(env, options={"task": SMALL[1]})
    assert np.array_equal(env.set_state(state), seen)
    assert same([env.step(np.array([0.2], np.float32))], [after])
    assert np.array_equal(env.set_state((SMALL[0], state.design)), seen)
    with pytest.raises(DesignError):
        env.set_state((SMALL[0], [10_000]))


def test_vector_copies_walk_different_tasks_as_scalar_ones_do() -> None:
    envs = gym.make_vec("AMC-Generalist-v0", num_envs=4, tasks=SMALL)
    alone = [gym.make("AMC-Generalist-v0", tasks=SMALL) for _ in range(4)]
    observations, infos = envs.reset(seed=[0, 1, 2, 3])
    first = [env.reset(seed=seed) for seed, env in enumerate(alone)]
    assert np.array_equal(observations, [observation for observation, _ in first])
    assert set(infos["task"]) == set(SMALL)  # both, of different lengths
    random = np.random.default_rng(0)
    over, ended = np.zeros(4, dtype=bool), 0
    for _ in range(60):
        actions = random.random((4, 1), dtype=np.float32)
        observations, rewards, over_now, _, infos = envs.step(actions)
        for index, env in enumerate(alone):
            if over[index]:  # the step after the last decision resets
                observation, info = env.reset()
                reward, gone = 0.0, False
            else:
                observation, reward, gone, _, info = env.step(actions[index])
            assert np.array_equal(observations[index], observation)
            assert (rewards[index], over_now[index]) == (reward, gone)
            if "task" in info:
                assert infos["task"][index] == info["task"]
            if gone:
                ended += 1
                assert infos["design"][index] == info["design"]
                assert infos["costs"]["macs"][index] == info["costs"]["macs"]
        over = over_now
    assert ended > 8


def test_designs_of_different_lengths_can_end_in_one_step() -> None:
    networks = ("resnet20", "mobilenet_v1")
    rule = Rule("own", "amc", networks, (), (("counts", "macs"),), (), (0.4,), ())
    envs = gym.make_vec("AMC-Generalist-v0", num_envs=2, rule=rule)
    for index, network in enumerate(networks):
        task = Task("amc", network, "counts", "macs", 0.4)
        base = envs.envs[index].unwrapped
        horizon = compile_task(task).problem.horizon
        envs.reset(seed=0) if index == 0 else None
        base.reset(options={"task": task})
        for _ in range(horizon - 1):
            base.step(np.array([0.5], np.float32))
    _, _, over, _, infos = envs.step(np.full((2, 1), 0.5, np.float32))
    assert over.all()
    assert [len(design) for design in infos["design"]] == [18, 14]


def test_a_rule_of_ones_own_is_certified_when_it_is_walked() -> None:
    rule = Rule("own", "amc", ("resnet20",), (), (("counts", "macs"),), (), (0.35,), ())
    env = gym.make("AMC-Generalist-v0", rule=rule)
    info = play(env)[-1][-1]
    assert info["task"] == "amc/resnet20/counts/macs/0.35"
    assert info["score"] < 1
    flat = Rule("flat", "haq", ("resnet20",), (), (("bismo-edge", "latency"),), (), (1.0,), ())
    env = gym.make("HAQ-Generalist-v0", rule=flat)
    with pytest.raises(ArgumentError, match="no design is better than the uniform one"):
        env.reset()


def test_typos_raise_one_clear_error() -> None:
    with pytest.raises(gym.error.NameNotFound, match="Did you mean: `AMC-Generalist`"):
        gym.make("AMC-Generalst-v0")
    for arguments, error, message in (
        ({"split": "tests"}, UnknownNameError, "Did you mean 'test'"),
        ({"rule": "amcs"}, UnknownNameError, "Did you mean 'amc'"),
        ({"tasks": ["amc/resnet20/mobile/latency/0.45"]}, UnknownNameError, "Did you mean 'amc/"),
        ({"tasks": []}, ArgumentError, "no tasks to draw from"),
        ({"lowest": 0.5}, ArgumentError, "lowest must be 0 or below"),
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
    env.reset(options={"task": SMALL[0]})
    with pytest.raises(ActionError, match="nan is not in"):
        env.step(np.array([np.nan], np.float32))


def test_the_design_so_far_can_be_looked_at() -> None:
    env = gym.make("AMC-Generalist-v0", render_mode="ansi")
    env.reset(options={"task": SMALL[0]})
    env.step(np.array([0.5], np.float32))
    assert "ResNet-20" in env.render()
