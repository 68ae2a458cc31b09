"""Augmented random search: a policy is tried on both sides of random steps in its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import sb3_contrib
from gymnasium import spaces

from hwenvs.baselines.ranges import bounded_box
from hwenvs.baselines.stable_baselines.base import AlgorithmSettings, StableBaselines
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder


@dataclass(frozen=True)
class ARSSettings(AlgorithmSettings):
    """Hyper-parameters.

    Attributes:
        hidden: units of the policy's hidden layers; without any it is linear and starts from 0.
        directions: random steps per update, each tried forwards and backwards: twice as many
            episodes.
        best: how many of them, the best, an update follows.
        rate: length of an update.
        spread: standard deviation of the weights tried.
    """

    hidden: tuple[int, ...] = ()
    directions: int = 4
    best: int = 2
    rate: float = 0.2
    spread: float = 0.3

    def __post_init__(self) -> None:
        self._sizes()
        self._positive("directions", "best", "rate", "spread")
        if self.best > self.directions:
            raise SolverError(f"best must be at most {self.directions} directions, not {self.best}")

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Arguments of the algorithm."""
        return {
            "n_delta": self.directions,
            "n_top": self.best,
            "learning_rate": self.rate,
            "delta_std": self.spread,
            # Small steps from a network of zeros would leave its output at zero.
            "zero_policy": not self.hidden,
            "policy_kwargs": {"net_arch": list(self.hidden)},
        }


class ARS(StableBaselines[ARSSettings]):
    """Augmented random search (Mania et al., NeurIPS 2018)."""

    name = "sb3-ars"
    algorithm = sb3_contrib.ARS
    settings_type = ARSSettings

    def adapted(self, env: Recorder) -> gym.Env[Any, Any]:
        """``env`` itself: the policy's actions are squashed into their ``Box``."""
        if not isinstance(env.action_space, spaces.Discrete):
            bounded_box(env, self.name)
        return env
