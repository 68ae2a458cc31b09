"""Environments with vector rewards, one of every kind of action, and their episodes."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium as gym
import pytest

Play = Callable[..., tuple[list, dict]]
IDS = ("MO-AMC-ResNet20-v0", "MO-HAQ-ResNet20-v0", "MO-NAS-ProxylessCIFAR-v0")


@pytest.fixture(params=IDS)
def env(request: pytest.FixtureRequest) -> gym.Env:
    """An environment of every kind of action, as users get it."""
    return gym.make(request.param)


def _play(env: gym.Env, seed: int) -> tuple[list, dict]:
    env.action_space.seed(seed)
    env.reset(seed=seed)
    rewards, ended = [], False
    while not ended:
        _, reward, ended, cut, info = env.step(env.action_space.sample())
        assert not cut
        rewards.append(reward)
    return rewards, info


@pytest.fixture(scope="session")
def play() -> Play:
    """Plays an episode of random actions: its rewards and its last info."""
    return _play
