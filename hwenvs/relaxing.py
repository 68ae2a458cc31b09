"""Choices as fractions: what learners and searchers of continuous actions make of discrete ones."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from hwenvs.solving import Recorder


class Relaxed(Recorder):
    """A recorder whose discrete actions are asked for by fractions, shared out evenly.

    The environment, its rewards and the record stay the same: the fraction ``a`` stands for choice
    ``floor(a n)`` of ``n``.

    Args:
        recorder: what is relaxed.
    """

    def __init__(self, recorder: Recorder) -> None:
        gym.Wrapper.__init__(self, recorder)
        self.problem, self.run = recorder.problem, recorder.run
        space = recorder.action_space
        assert isinstance(space, spaces.Discrete)
        self.choices = int(space.n)
        self.action_space = spaces.Box(0.0, 1.0, (1,), np.float32)

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Back to the first decision."""
        return self.env.reset(**options)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """A step with the choice that ``action`` [1] stands for."""
        place = int(float(np.asarray(action).item()) * self.choices)
        observation, reward, terminated, truncated, info = self.env.step(
            min(place, self.choices - 1)
        )
        return observation, float(reward), terminated, truncated, info

    def actions(self, designs: ArrayLike) -> NDArray[Any]:
        """Actions [B, T, 1] that ask for ``designs`` [B, T]: the middles of the choices' shares."""
        middles = (self.problem.actions(designs) + 0.5) / self.choices
        return middles.astype(np.float32)[:, :, None]


def relaxed(env: Recorder) -> Recorder:
    """``env`` with continuous actions: itself, or :class:`Relaxed` where they are choices."""
    return Relaxed(env) if isinstance(env.action_space, spaces.Discrete) else env
