"""Algorithms that learn from their latest episodes: PPO, A2C, MaskablePPO.

Their policy of continuous actions is a normal distribution that starts around 0.  In the
environments' [0, 1] that would keep nothing half of the time, so actions are scaled to [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import gymnasium as gym
import numpy as np
import sb3_contrib
import stable_baselines3
from gymnasium import spaces

from hwenvs.baselines.ranges import bounded_box
from hwenvs.baselines.stable_baselines.base import AlgorithmSettings, StableBaselines
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.relaxing import gridded

LOG_STDS = (-20.0, 2.0)
"""Range of the logarithm of a policy's standard deviation, as in SAC."""


@dataclass(frozen=True)
class PolicySettings(AlgorithmSettings):
    """What all of them have, and all of A2C's.

    Attributes:
        hidden: units of the hidden layers of policy and values alike.
        rate: learning rate.
        episodes: episodes played between updates.
        discount: factor on later rewards.
        gae_lambda: how far advantages look before they trust values; 1: to the episode's end.
        entropy: weight of the policy's entropy.
        value: weight of the error of values.
        log_std: logarithm of the policy's first standard deviation, on actions in [-1, 1].
    """

    hidden: tuple[int, ...] = (64, 64)
    rate: float = 1e-3
    episodes: int = 4
    discount: float = 1.0
    gae_lambda: float = 1.0
    entropy: float = 0.0
    value: float = 0.5
    log_std: float = -0.7

    def __post_init__(self) -> None:
        self._sizes()
        self._positive("rate", "episodes")
        self._fractions("discount", "gae_lambda")
        self._not_negative("entropy", "value")
        if not LOG_STDS[0] <= self.log_std <= LOG_STDS[1]:
            raise SolverError(
                f"log_std must be from {LOG_STDS[0]:g} to {LOG_STDS[1]:g}, not {self.log_std}"
            )

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:
        """Arguments of the algorithm."""
        networks: dict[str, Any] = {"net_arch": list(self.hidden)}
        if isinstance(space, spaces.Box):
            networks["log_std_init"] = self.log_std
        return {
            "learning_rate": self.rate,
            "n_steps": self.episodes * horizon,
            "gamma": self.discount,
            "gae_lambda": self.gae_lambda,
            "ent_coef": self.entropy,
            "vf_coef": self.value,
            "normalize_advantage": True,
            "policy_kwargs": networks,
        }


@dataclass(frozen=True)
class ProximalSettings(PolicySettings):
    """Of PPO.

    Attributes:
        batch_episodes: episodes' worth of steps in a batch; a divisor of ``episodes``.
        epochs: passes over the steps per update.
        clip: how far the ratio of new and old probabilities may be from 1.
    """

    episodes: int = 8
    batch_episodes: int = 2
    epochs: int = 10
    clip: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("batch_episodes", "epochs", "clip")
        if self.episodes % self.batch_episodes:
            raise SolverError(
                f"batch_episodes must divide the {self.episodes} episodes of an update, "
                f"not {self.batch_episodes}"
            )

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:
        """Arguments of the algorithm."""
        return {
            **super().keywords(horizon, space),
            "batch_size": max(2, self.batch_episodes * horizon),  # of one, no spread is known
            "n_epochs": self.epochs,
            "clip_range": self.clip,
        }


@dataclass(frozen=True)
class MaskableSettings(ProximalSettings):
    """Of MaskablePPO, whose actions are always choices: ``log_std`` means nothing to it.

    Attributes:
        levels: choices that stand for fractions, where the environment asks for these.
    """

    levels: int = 11


SettingsT = TypeVar("SettingsT", bound=PolicySettings)


class OnAny(StableBaselines[SettingsT]):
    """Algorithms with a policy for every kind of actions."""

    def adapted(self, env: Recorder) -> gym.Env[Any, Any]:
        """``env`` as it is where actions are choices, else with actions in [-1, 1]."""
        if isinstance(env.action_space, spaces.Discrete):
            return env
        bounded_box(env, self.name)
        return gym.wrappers.RescaleAction(env, np.float32(-1.0), np.float32(1.0))


class A2C(OnAny[PolicySettings]):
    """Advantage actor-critic, the synchronous form of A3C (Mnih et al., ICML 2016)."""

    name = "sb3-a2c"
    algorithm = stable_baselines3.A2C
    settings_type = PolicySettings


class PPO(OnAny[ProximalSettings]):
    """Proximal policy optimisation (Schulman et al., 2017)."""

    name = "sb3-ppo"
    algorithm = stable_baselines3.PPO
    settings_type = ProximalSettings


class MaskablePPO(StableBaselines[MaskableSettings]):
    """PPO on the choices that the budget leaves (Huang and Ontañón, 2022), or on a grid."""

    name = "sb3-maskable-ppo"
    algorithm = sb3_contrib.MaskablePPO
    settings_type = MaskableSettings

    def adapted(self, env: Recorder) -> gym.Env[Any, Any]:
        """``env`` with choices and their masks."""
        return gridded(env, self.settings.levels)
