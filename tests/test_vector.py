"""Many environments at once: the same bits as so many environments one by one."""

from __future__ import annotations

import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from hwenvs.environment import DesignEnv
from hwenvs.errors import ActionError, ArgumentError, DesignError, UnknownNameError
from hwenvs.vector import DesignVectorEnv

COUNT = 9


def assert_same(one: Any, other: Any, where: str = "") -> None:
    """Equal bit for bit, whatever the memory order."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f"{where}/{key}")
        return
    assert (one.dtype, one.shape) == (other.dtype, other.shape), where
    if one.dtype == object:
        for a, b in zip(one, other, strict=True):
            assert_same(a, b, where)
    else:
        assert np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(other).tobytes(), where


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_vector_env_equals_scalar_envs(
    env_id: str, arguments: dict[str, Any], mode: str, make_actions: Any
) -> None:
    def make() -> gym.Env:
        return gym.make(env_id, **arguments)

    one_by_one = SyncVectorEnv([make] * COUNT, autoreset_mode=mode)
    together = gym.make_vec(env_id, num_envs=COUNT, autoreset_mode=mode, **arguments)
    assert isinstance(together, DesignVectorEnv)
    steps = 2 * together.problem.horizon + 3
    assert_same(together.reset(seed=1)[0], one_by_one.reset(seed=1)[0])
    for step, actions in enumerate(make_actions(5, steps, COUNT, together.single_action_space)):
        for a, b in zip(together.step(actions), one_by_one.step(actions), strict=True):
            assert_same(a, b, f"step {step}")


@pytest.mark.parametrize("count", [1, 2, 300])
def test_any_number_of_copies_agrees(count: int, make_actions: Any) -> None:
    actions = make_actions(6, 14, 300)
    rewards = []
    for size in (count, 300):
        envs = gym.make_vec("AMC-MobileNetV1-v0", num_envs=size)
        envs.reset()
        for step in range(14):
            last = envs.step(actions[step, :size])
        rewards.append(last[1][:count])
    assert rewards[0].tobytes() == rewards[1].tobytes()


def test_make_vec_gives_the_native_environment_with_its_spaces(env_id: str) -> None:
    envs = gym.make_vec(env_id, num_envs=4096)
    assert isinstance(envs, DesignVectorEnv)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert envs.observation_space.shape == (4096, 12)
    assert envs.action_space.shape == (4096, *envs.single_action_space.shape)
    observations, _ = envs.reset(seed=0)
    assert observations in envs.observation_space
    assert envs.step(envs.action_space.sample())[0] in envs.observation_space


def test_next_step_resets_after_the_end_and_ignores_that_action() -> None:
    envs = gym.make_vec("AMC-ResNet20-v0", num_envs=3)
    first, _ = envs.reset()
    half = np.full((3, 1), 0.5, np.float32)
    for _ in range(18):
        observations, _, ended, _, infos = envs.step(half)
    assert ended.all()
    assert (observations[:, 0] == 1.0).all()
    assert set(infos) >= {"design", "_design", "accuracy", "_accuracy"}
    observations, rewards, ended, _, infos = envs.step(np.full((3, 1), np.nan, np.float32))
    assert np.array_equal(observations, first)
    assert not ended.any()
    assert (rewards.tolist(), infos) == ([0.0] * 3, {})


def test_same_step_resets_at_once_and_keeps_the_end_in_the_info() -> None:
    envs = gym.make_vec("AMC-ResNet20-v0", num_envs=3, autoreset_mode=AutoresetMode.SAME_STEP)
    first, _ = envs.reset()
    for _ in range(18):
        observations, _, ended, _, infos = envs.step(np.full((3, 1), 0.5, np.float32))
    assert ended.all()
    assert np.array_equal(observations, first)
    assert infos["final_obs"][0][0] == 1.0
    assert infos["final_info"]["design"].shape == (3, 18)
    assert infos["_final_info"].all()


def test_disabled_autoreset_waits_for_a_reset() -> None:
    envs = gym.make_vec("AMC-ResNet20-v0", num_envs=2, autoreset_mode="Disabled")
    half = np.full((2, 1), 0.5, np.float32)
    envs.reset()
    for _ in range(18):
        envs.step(half)
    with pytest.raises(ResetNeeded):
        envs.step(half)
    envs.reset(options={"reset_mask": np.array([True, True])})
    envs.step(half)
    for mask in ([True, False], [True], [1, 1], "no", 5, []):
        with pytest.raises(ArgumentError, match="lockstep"):
            envs.reset(options={"reset_mask": np.array(mask)})


def test_steps_need_a_reset_first() -> None:
    with pytest.raises(ResetNeeded):
        gym.make_vec("AMC-ResNet20-v0", num_envs=2).step(np.zeros((2, 1), np.float32))


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.array([[0.5], [np.nan]], np.float32), "nan of environment 1"),
        (np.array([[0.5], [1.5]], np.float32), "1.5 of environment 1"),
        (np.array([[-0.5], [0.5]], np.float32), "-0.5 of environment 0"),
        (np.array([0.5, 0.5], np.float32), r"shape \(2,\)"),
        (np.array([[0.5]] * 3, np.float32), r"shape \(3, 1\)"),
        (np.array([["a"], ["b"]]), "type <U1"),
        ([[0.1], [0.2, 0.3]], "is not an array of floats"),
    ],
)
def test_bad_actions_raise_one_clear_error(actions: Any, message: str) -> None:
    envs = gym.make_vec("AMC-ResNet20-v0", num_envs=2)
    envs.reset()
    with pytest.raises(ActionError, match=message):
        envs.step(actions)


@pytest.mark.parametrize("count", [0, -1, 2.5, True])
def test_a_bad_number_of_copies_raises_an_error(count: Any) -> None:
    with pytest.raises(ArgumentError, match="num_envs must be"):
        gym.make_vec("AMC-ResNet20-v0", num_envs=count)


def test_the_number_of_copies_may_be_one_of_numpys() -> None:
    assert gym.make_vec("AMC-ResNet20-v0", num_envs=np.int64(2)).num_envs == 2


@pytest.mark.parametrize("prefix", ["", "MO-"])
def test_arguments_that_nobody_takes_are_refused_by_name(prefix: str) -> None:
    env_id = f"{prefix}AMC-ResNet20-v0"
    with pytest.raises(UnknownNameError, match=r"'budgets'. Did you mean 'budget'"):
        gym.make_vec(env_id, num_envs=2, budgets=0.5)
    with pytest.raises(ArgumentError, match=r"max_episode_steps .*vectorization_mode='sync'"):
        gym.make_vec(env_id, num_envs=2, max_episode_steps=5)
    one_by_one = gym.make_vec(env_id, num_envs=2, vectorization_mode="sync", max_episode_steps=5)
    one_by_one.close()


def test_environments_of_many_tasks_say_where_autoreset_modes_go() -> None:
    with pytest.raises(ArgumentError, match="vector_kwargs="):
        gym.make_vec("AMC-Generalist-v0", num_envs=2, autoreset_mode="SameStep")
    gym.make_vec(
        "AMC-Generalist-v0", num_envs=2, vector_kwargs={"autoreset_mode": "SameStep"}
    ).close()
    with pytest.raises(UnknownNameError, match=r"'splitt'. Did you mean 'split'"):
        gym.make("AMC-Generalist-v0", splitt="test")


def test_unknown_modes_suggest_others() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'NextStep'"):
        gym.make_vec("AMC-ResNet20-v0", num_envs=2, autoreset_mode="NextStp")
    with pytest.raises(UnknownNameError, match="rgb_array"):
        gym.make_vec("AMC-ResNet20-v0", num_envs=2, render_mode="human")


def test_states_restore_the_rest_of_the_episode(env_id: str, make_actions: Any) -> None:
    envs = gym.make_vec(env_id, num_envs=COUNT)
    horizon = envs.problem.horizon
    actions = make_actions(7, horizon, COUNT, envs.single_action_space)
    envs.reset()
    for step in range(horizon // 2):
        before = envs.step(actions[step])[0]
    saved = envs.get_state()
    assert saved.shape == (COUNT, horizon // 2)
    ends = [envs.step(a) for a in actions[horizon // 2 :]]
    assert_same(envs.set_state(saved), before)
    again = [envs.step(a) for a in actions[horizon // 2 :]]
    assert_same(again[-1][1], ends[-1][1])
    assert_same(again[-1][4], ends[-1][4])
    twin = pickle.loads(pickle.dumps(envs))
    assert_same(twin.get_state(), envs.get_state())
    with pytest.raises(DesignError, match="a state of 1 environment for"):
        envs.set_state(saved[:1])


def test_states_go_between_scalar_and_vector_environments() -> None:
    env = DesignEnv(network="resnet20")
    env.reset()
    env.step(np.array([0.3], np.float32))
    envs = DesignVectorEnv(network="resnet20", num_envs=2)
    observations = envs.set_state([env.get_state()] * 2)
    assert np.array_equal(observations[1], env.set_state(env.get_state()))


def test_seeds_may_be_a_list_of_one_per_copy() -> None:
    envs = gym.make_vec("AMC-ResNet20-v0", num_envs=2)
    envs.reset(seed=[1, 2])
    with pytest.raises(ArgumentError, match="3 seeds for 2"):
        envs.reset(seed=[1, 2, 3])
    with pytest.raises(ArgumentError, match="1 seed for 2 environments"):
        envs.reset(seed=[1])


def test_returned_arrays_belong_to_the_caller() -> None:
    envs = gym.make_vec("AMC-ResNet20-v0", num_envs=2)
    observations, _ = envs.reset()
    kept = observations.copy()
    for _ in range(3):
        envs.step(np.full((2, 1), 0.5, np.float32))
    assert np.array_equal(observations, kept)
    observations[:] = 7.0
    assert np.array_equal(envs.reset()[0], kept)


def test_pictures_of_finished_copies_show_the_design_that_was_judged() -> None:
    arguments = {"hardware": "mobile", "constraint": "projected", "budget": 0.4}
    one = gym.make("NAS-ProxylessCIFAR-v0", render_mode="ansi", **arguments)
    many = gym.make_vec("NAS-ProxylessCIFAR-v0", num_envs=2, render_mode="ansi", **arguments)
    one.reset()
    many.reset()
    largest = one.action_space.n - 1
    for _ in range(many.unwrapped.problem.horizon):
        info = one.step(largest)[-1]
        many.step(np.full(2, largest))
    assert info["feasible"]
    for picture in many.render():
        assert picture.splitlines() == one.render().splitlines()[: len(picture.splitlines())]
