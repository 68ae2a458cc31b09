"""The vector environment as Stable-Baselines3's ``VecEnv``, beside its own of scalar ones."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, DDPG, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from hwenvs.baselines.stable_baselines import DesignVecEnv
from hwenvs.errors import ArgumentError, UnknownNameError

BOX, CHOICES = "HAQ-ResNet20-v0", "NAS-ProxylessCIFAR-v0"


def scalars(name: str, count: int, **arguments: Any) -> DummyVecEnv:
    return DummyVecEnv([lambda: gym.make(name, **arguments)] * count)


def plain(value: Any) -> Any:
    """What ``==`` compares, arrays as lists."""
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", ["AMC-ResNet20-v0", BOX, CHOICES])
def test_trajectories_equal_those_of_scalar_environments(name: str, count: int) -> None:
    ours, theirs = DesignVecEnv(name, count), scalars(name, count)
    assert (ours.observation_space, ours.action_space) == (
        theirs.observation_space,
        theirs.action_space,
    )
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    ours.action_space.seed(0)
    episodes = 0
    for _ in range(2 * ours.envs.problem.horizon + 3):
        actions = np.stack([ours.action_space.sample() for _ in range(count)])
        mine, other = ours.step(actions), theirs.step(actions)
        for array, expected in zip(mine[:3], other[:3], strict=True):
            np.testing.assert_array_equal(array, expected)
            assert array.dtype == expected.dtype
        assert plain(mine[3]) == plain(other[3])
        assert plain(ours.reset_infos) == plain(theirs.reset_infos)
        episodes += int(mine[2].sum())
    assert episodes == 2 * count


def weights(model: Any) -> list[torch.Tensor]:
    return [tensor.detach() for tensor in model.policy.parameters()]


@pytest.mark.parametrize(
    ("algorithm", "name", "settings"),
    [
        (PPO, BOX, {"n_steps": 36, "batch_size": 48, "n_epochs": 2}),
        (PPO, CHOICES, {"n_steps": 22, "batch_size": 22, "n_epochs": 2}),
        (A2C, BOX, {"n_steps": 9}),
        (DDPG, BOX, {"learning_starts": 40, "batch_size": 16, "train_freq": 12}),
        (MaskablePPO, CHOICES, {"n_steps": 22, "batch_size": 22, "n_epochs": 2}),
    ],
)
def test_algorithms_learn_the_same_on_both(
    algorithm: Any, name: str, settings: dict[str, Any]
) -> None:
    learned = []
    for envs in (DesignVecEnv(name, 4), scalars(name, 4)):
        small = {"net_arch": [8, 8]}
        model = algorithm("MlpPolicy", envs, seed=0, device="cpu", policy_kwargs=small, **settings)
        before = [tensor.clone() for tensor in weights(model)]
        model.learn(160)
        assert any(not torch.equal(a, b) for a, b in zip(weights(model), before, strict=True))
        learned.append(weights(model))
    for ours, theirs in zip(*learned, strict=True):
        assert torch.equal(ours, theirs)


def test_symmetric_actions_are_the_same_fractions() -> None:
    ours, other = DesignVecEnv(BOX, 2, symmetric=True), DesignVecEnv(BOX, 2)
    assert ours.action_space.low == -1.0
    ours.reset(), other.reset()
    asked = np.array([[-1.0], [0.5]], dtype=np.float32)
    for _ in range(3):
        mine, theirs = ours.step(asked)[0], other.step(asked * 0.5 + 0.5)[0]
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(ArgumentError, match="are choices"):
        DesignVecEnv(CHOICES, 2, symmetric=True)


def test_arguments_reach_the_environment() -> None:
    assert DesignVecEnv(BOX, 2, budget=0.3).get_attr("problem")[0].budget.fraction == 0.3


def test_wrappers_of_stable_baselines_wrap_it() -> None:
    envs = VecMonitor(DesignVecEnv(BOX, 2))
    envs.reset()
    for _ in range(36):
        infos = envs.step(np.full((2, 1), 0.5, dtype=np.float32))[3]
    assert infos[0]["episode"]["l"] == 36


def test_masks_exist_where_actions_are_choices() -> None:
    choosing, asking = DesignVecEnv(CHOICES, 3), DesignVecEnv(BOX, 3)
    choosing.reset()
    assert np.shape(choosing.env_method("action_masks")) == (3, 7)
    assert np.shape(choosing.env_method("action_masks", indices=[2])) == (1, 7)
    assert choosing.has_attr("action_masks")
    assert not asking.has_attr("action_masks")


def test_what_copies_share_cannot_be_set_for_some() -> None:
    envs = DesignVecEnv(BOX, 3)
    envs.set_attr("render_mode", "ansi")
    assert envs.get_attr("render_mode", 1) == ["ansi"]
    with pytest.raises(ArgumentError, match="all share it"):
        envs.set_attr("render_mode", None, indices=0)
    with pytest.raises(UnknownNameError, match="Known: action_masks, get_state, render"):
        envs.env_method("set_state", (1, 2))
    assert envs.env_is_wrapped(gym.Wrapper) == [False] * 3


def test_unknown_environments_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'HAQ-ResNet20-v0'"):
        DesignVecEnv("HAQ-ResNet2-v0", 2)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ("AMC-Generalist-v0", "TaskVecEnv"),
        ("MO-AMC-ResNet20-v0", "take AMC-ResNet20-v0"),
        ("CartPole-v1", "no environment of hwenvs.*make_vec_env takes it"),
    ],
)
def test_what_it_does_not_take_is_refused_with_what_does(environment: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        DesignVecEnv(environment, 2)


def test_every_copy_has_a_picture() -> None:
    envs = DesignVecEnv(BOX, 2, render_mode="rgb_array")
    envs.reset()
    pictures = envs.get_images()
    assert len(pictures) == 2
    assert pictures[0].ndim == 3


def test_plain_stable_baselines_needs_the_id_only() -> None:
    model = PPO("MlpPolicy", BOX, n_steps=36, batch_size=36, n_epochs=1, device="cpu").learn(36)
    assert model.num_timesteps == 36
    envs = make_vec_env(BOX, n_envs=2)
    assert A2C("MlpPolicy", envs, n_steps=4, device="cpu").learn(8).num_timesteps == 8


def test_options_of_reset_are_refused_by_name() -> None:
    env = DesignVecEnv("AMC-ResNet20-v0", 2)
    env.set_options({"foo": 1})
    with pytest.raises(UnknownNameError, match="unknown option of reset 'foo'"):
        env.reset()
