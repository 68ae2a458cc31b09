"""Algorithms with a replay memory: DDPG, TD3, SAC and TQC; DQN has the same.

The reward is paid with the last decision.  One-step targets would have to carry it back through the
whole episode; ``lookahead`` makes them sums of several rewards (n-step returns), all those of the
rest of the episode if it is 0.  Then no value is looked up, and what concerns target networks
(``soft_update``, ``target_noise``, ``dropped``, DQN's ``target_episodes``) changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import gymnasium as gym
import sb3_contrib
import stable_baselines3
import torch

from hwenvs.baselines.ranges import bounded_box
from hwenvs.baselines.stable_baselines.base import AlgorithmSettings, StableBaselines
from hwenvs.baselines.stable_baselines.noise import FadingNoise
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.relaxing import relaxed


@dataclass(frozen=True)
class ReplaySettings(AlgorithmSettings):
    """What all of them have.

    Attributes:
        hidden: units of the hidden layers of every network.
        rate: learning rate.
        batch: transitions per update.
        discount: factor on the value of the next state.
        lookahead: rewards summed before a value is trusted; 0: all of the episode.
        replay_episodes: episodes remembered.
        warmup: episodes of random actions before the first update.
        updates: updates per step; they are made when an episode has ended.
    """

    hidden: tuple[int, ...] = (300, 300)
    rate: float = 1e-3
    batch: int = 64
    discount: float = 1.0
    lookahead: int = 0
    replay_episodes: int = 400
    warmup: int = 40
    updates: float = 1.0

    def __post_init__(self) -> None:
        self._sizes()
        self._positive("rate", "batch", "replay_episodes", "warmup", "updates")
        self._not_negative("lookahead")
        self._fractions("discount")

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Arguments of the algorithm."""
        return {
            "learning_rate": self.rate,
            "batch_size": self.batch,
            "gamma": self.discount,
            "n_steps": self.lookahead or horizon,
            "buffer_size": self.replay_episodes * horizon,
            # An episode is learned from if more steps than these were made.
            "learning_starts": self.warmup * horizon,
            "train_freq": (1, "episode"),
            "gradient_steps": max(1, round(self.updates * horizon)),
            "policy_kwargs": {"net_arch": list(self.hidden)},
        }


@dataclass(frozen=True)
class ActorSettings(ReplaySettings):
    """Of those that learn a policy beside the values.

    Attributes:
        soft_update: fraction by which target networks follow per update.
        weight_decay: of AdamW (Loshchilov and Hutter, ICLR 2019), which shrinks weights by the
            learning rate times this at every update; with 0 the package's own Adam.  It holds
            policies back from the ends of their range, where they learn nothing any more.
    """

    soft_update: float = 0.01
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fractions("soft_update")
        self._not_negative("weight_decay")

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:
        """Arguments of the algorithm."""
        common = super().keywords(horizon, space)
        if self.weight_decay:
            common["policy_kwargs"] |= {
                "optimizer_class": torch.optim.AdamW,
                "optimizer_kwargs": {"weight_decay": self.weight_decay, "fused": True},
            }
        return {**common, "tau": self.soft_update}


@dataclass(frozen=True)
class NoisySettings(ActorSettings):
    """Deterministic policies explore with noise.

    Attributes:
        sigma: standard deviation of the noise after the warm-up, on actions scaled to [-1, 1].
        sigma_decay: factor on it per episode.
    """

    sigma: float = 0.5
    sigma_decay: float = 0.99

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fractions("sigma_decay")
        self._not_negative("sigma")

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:
        """Arguments of the algorithm."""
        assert space.shape is not None
        noise = FadingNoise(space.shape[0], self.sigma, self.sigma_decay, self.warmup)
        return {**super().keywords(horizon, space), "action_noise": noise}


@dataclass(frozen=True)
class TD3Settings(NoisySettings):
    """Of TD3.

    Attributes:
        policy_delay: updates of the critics per update of the policy.
        target_noise: standard deviation of the noise on the actions of targets.
    """

    policy_delay: int = 2
    target_noise: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("policy_delay")
        self._not_negative("target_noise")

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:
        """Arguments of the algorithm."""
        return {
            **super().keywords(horizon, space),
            "policy_delay": self.policy_delay,
            "target_policy_noise": self.target_noise,
            "target_noise_clip": 2.0 * self.target_noise,
        }


@dataclass(frozen=True)
class SoftSettings(ActorSettings):
    """Of SAC, whose random policy explores by itself.

    Attributes:
        entropy: weight of the policy's entropy in the beginning; it is adjusted.
        target_entropy: entropy that it is adjusted to, per action, in nats; of actions in [-1, 1]
            it is at most log 2.
    """

    entropy: float = 0.05
    target_entropy: float = -1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("entropy")

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:
        """Arguments of the algorithm."""
        assert space.shape is not None
        return {
            **super().keywords(horizon, space),
            "ent_coef": f"auto_{self.entropy}",
            "target_entropy": self.target_entropy * space.shape[0],
        }


@dataclass(frozen=True)
class TQCSettings(SoftSettings):
    """Of TQC.

    Attributes:
        dropped: largest quantiles, of 25 a critic, that targets leave out.
    """

    dropped: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.dropped < 25:
            raise SolverError(f"dropped must be from 0 to 24 of 25, not {self.dropped}")

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:
        """Arguments of the algorithm."""
        return {
            **super().keywords(horizon, space),
            "top_quantiles_to_drop_per_net": self.dropped,
        }


SettingsT = TypeVar("SettingsT", bound=ReplaySettings)


class OnFractions(StableBaselines[SettingsT]):
    """Algorithms with continuous actions, which they scale themselves."""

    def adapted(self, env: Recorder) -> gym.Env[Any, Any]:
        """``env`` with actions from a bounded ``Box``; choices are asked for by fractions."""
        env = relaxed(env)
        bounded_box(env, self.name)
        return env


class DDPG(OnFractions[NoisySettings]):
    """Deep deterministic policy gradient (Lillicrap et al., ICLR 2016)."""

    name = "sb3-ddpg"
    algorithm = stable_baselines3.DDPG
    settings_type = NoisySettings


class TD3(OnFractions[TD3Settings]):
    """Twin delayed DDPG (Fujimoto et al., ICML 2018)."""

    name = "sb3-td3"
    algorithm = stable_baselines3.TD3
    settings_type = TD3Settings


class SAC(OnFractions[SoftSettings]):
    """Soft actor-critic (Haarnoja et al., 2018)."""

    name = "sb3-sac"
    algorithm = stable_baselines3.SAC
    settings_type = SoftSettings


class TQC(OnFractions[TQCSettings]):
    """Truncated quantile critics (Kuznetsov et al., ICML 2020)."""

    name = "sb3-tqc"
    algorithm = sb3_contrib.TQC
    settings_type = TQCSettings
