"""What Gymnasium and mo-gymnasium do with vector rewards: checks, wrappers, many copies at once."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

Play = Callable[..., tuple[list, dict]]
IDS = ("MO-AMC-ResNet20-v0", "MO-HAQ-ResNet20-v0", "MO-NAS-ProxylessCIFAR-v0")


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
def test_gymnasiums_checks_pass(env: gym.Env) -> None:
    # It takes rewards for numbers: mo-gymnasium's own tests weigh the vectors before, too.  Not
    # with LinearReward, which puts one and the same array of weights into every info.
    weighed = gym.wrappers.TransformReward(env.unwrapped, lambda reward: float(reward.sum()))
    check_env(weighed, skip_render_check=True)


def test_mo_gymnasium_makes_and_wraps_them(play: Play) -> None:
    mo_gymnasium = pytest.importorskip("mo_gymnasium")
    plain = mo_gymnasium.make("MO-AMC-ResNet20-v0")
    rewards, _ = play(plain, 3)
    weights = np.array([0.75, 0.25])
    weighed, info = play(mo_gymnasium.wrappers.LinearReward(plain, weights), 3)
    assert weighed[-1] == np.dot(rewards[-1], weights)
    assert np.array_equal(info["vector_reward"], rewards[-1])
    recorded = mo_gymnasium.wrappers.MORecordEpisodeStatistics(plain, gamma=0.9)
    _, info = play(recorded, 3)
    assert np.array_equal(info["episode"]["r"], rewards[-1])
    assert info["episode"]["dr"] == pytest.approx(rewards[-1] * 0.9 ** (len(rewards) - 1))


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_many_at_once_equal_single_ones(name: str, mode: str) -> None:
    envs = gym.make_vec(name, num_envs=3, autoreset_mode=mode)
    singles = [gym.make(name) for _ in range(3)]
    envs.reset(seed=0)
    for env in singles:
        env.reset(seed=0)
    envs.action_space.seed(5)
    for _ in range(singles[0].unwrapped.problem.horizon):
        actions = envs.action_space.sample()
        _, rewards, ended, _, infos = envs.step(actions)
        alone = [env.step(action) for env, action in zip(singles, actions, strict=True)]
        assert rewards.dtype == np.float32
        assert all(reward in envs.unwrapped.reward_space for reward in rewards)
        assert np.array_equal(rewards, np.stack([step[1] for step in alone]))
    assert ended.all()
    last = infos.get("final_info", infos)
    assert last["accuracy"].tolist() == [step[4]["accuracy"] for step in alone]


def test_mo_gymnasiums_vector_environments_equal_native_ones() -> None:
    vector = pytest.importorskip("mo_gymnasium.wrappers.vector")
    made = vector.MOSyncVectorEnv([lambda: gym.make("MO-AMC-ResNet20-v0") for _ in range(2)])
    native = gym.make_vec("MO-AMC-ResNet20-v0", num_envs=2)
    assert native.unwrapped.reward_space == made.reward_space
    made.reset(seed=0)
    native.reset(seed=0)
    native.action_space.seed(2)
    for _ in range(18):
        actions = native.action_space.sample()
        assert np.array_equal(made.step(actions)[1], native.step(actions)[1])


def test_mo_gymnasiums_vector_wrapper_counts_vectors() -> None:
    vector = pytest.importorskip("mo_gymnasium.wrappers.vector")
    envs = vector.MORecordEpisodeStatistics(gym.make_vec("MO-AMC-ResNet20-v0", num_envs=3), 0.9)
    envs.reset(seed=0)
    envs.action_space.seed(2)
    ended = np.zeros(3, dtype=bool)
    while not ended.any():
        _, rewards, ended, _, infos = envs.step(envs.action_space.sample())
    assert np.array_equal(infos["episode"]["r"], rewards)
    assert infos["episode"]["dr"] == pytest.approx(rewards * 0.9**17)
    assert infos["episode"]["l"].tolist() == [18] * 3
