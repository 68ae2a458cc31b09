"""Deep Q-learning: values of choices, the best of which is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import stable_baselines3

from hwenvs.baselines.stable_baselines.base import StableBaselines
from hwenvs.baselines.stable_baselines.off_policy import ReplaySettings
from hwenvs.solving import Recorder
from hwenvs.solving.relaxing import gridded


@dataclass(frozen=True)
class DQNSettings(ReplaySettings):
    """Of DQN.

    Attributes:
        levels: choices that stand for fractions, where the environment asks for these.
        target_episodes: episodes after which the target network is copied anew.
        exploration: fraction of the run in which random choices become rarer.
        epsilon: fraction of random choices afterwards.
    """

    levels: int = 11
    target_episodes: int = 4
    exploration: float = 0.5
    epsilon: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("target_episodes")
        self._fractions("exploration", "epsilon")

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:
        """Arguments of the algorithm."""
        return {
            **super().keywords(horizon, space),
            "target_update_interval": self.target_episodes * horizon,
            "exploration_fraction": self.exploration,
            "exploration_final_eps": self.epsilon,
        }


class DQN(StableBaselines[DQNSettings]):
    """Deep Q-learning (Mnih et al., Nature 2015) on choices, or on a grid of fractions."""

    name = "sb3-dqn"
    algorithm = stable_baselines3.DQN
    settings_type = DQNSettings

    def adapted(self, env: Recorder) -> gym.Env[Any, Any]:
        """``env`` with choices."""
        return gridded(env, self.settings.levels)
