"""Episodes of random actions, to be compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

Episode = list[tuple[Any, ...]]


def _play(env: gym.Env, seed: int = 0, **options: Any) -> Episode:
    random = np.random.default_rng(seed)
    steps: Episode = [env.reset(**options)]
    ended = False
    while not ended:
        steps.append(env.step(random.random(1, dtype=np.float32)))
        ended = steps[-1][2]
    return steps


@pytest.fixture(scope="session")
def play() -> Callable[..., Episode]:
    """Plays an episode of random actions, the reset first."""
    return _play
