"""DDPG as in AMC and HAQ: a deterministic policy walks the network, a critic grades its steps.

Deep deterministic policy gradient (Lillicrap et al., ICLR 2016) in the form of AMC (He et al., ECCV
2018) and HAQ (Wang et al., CVPR 2019), which differs from the textbook's in these points:

- The reward of the finished design is given to *every* transition of its episode.
- Exploration is a normal distribution around the policy's action, truncated to the valid range; its
  standard deviation decays per episode, after warm-up episodes of uniform random actions.
- An exponential moving average of the batches' mean rewards is subtracted as a baseline, and
  nothing is discounted: ``target = reward - baseline + Q'(next state, policy'(next state))``.
- Updates are made when an episode has ended, because only then its reward is known: one for every
  step of it (``updates`` changes that).

The papers print the method; the rate of the baseline and the size of the memory are those of the
code published with them.  Observations are used as they come: the environments scale them to [0, 1]
already.  The action remembered is the one asked for, not what the budget left of it.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from hwenvs.agents.networks import Actor, Critic, follow, small_networks
from hwenvs.agents.replay import Array, Replay, Transitions
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured
from hwenvs.solving.relaxing import relaxed

MOST_SIGMA = 10.0
"""Draws outside the range are drawn again: with more noise, for ages."""


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        hidden: units of the two hidden layers, of actor and critic alike.
        actor_rate: learning rate of the actor.
        critic_rate: learning rate of the critic.
        batch: transitions per update.
        discount: factor on the value of the next state.
        soft_update: fraction by which target networks follow per update.
        replay_episodes: episodes remembered.
        warmup: episodes of uniform random actions before the first update.
        updates: updates per step of an episode; at least one an episode is made.
        sigma: standard deviation of the exploration noise after the warm-up, on actions in [0, 1];
            at most 10, which is as good as uniform.
        sigma_decay: factor on it per episode.
        baseline_rate: rate of the moving average of rewards.
    """

    hidden: tuple[int, int] = (300, 300)
    actor_rate: float = 1e-4
    critic_rate: float = 1e-3
    batch: int = 64
    discount: float = 1.0
    soft_update: float = 0.01
    replay_episodes: int = 100
    warmup: int = 100
    updates: float = 1.0
    sigma: float = 0.5
    sigma_decay: float = 0.95
    baseline_rate: float = 0.5

    def __post_init__(self) -> None:
        if len(self.hidden) != 2 or min(self.hidden) < 1:
            raise SolverError(f"hidden of ddpg must be two positive sizes, not {self.hidden}")
        if self.warmup < 0:
            raise SolverError(f"warmup of ddpg must not be negative, not {self.warmup}")
        if self.sigma > MOST_SIGMA:
            raise SolverError(f"sigma of ddpg must be at most {MOST_SIGMA}, not {self.sigma}")
        for name in ("batch", "replay_episodes", "updates", "actor_rate", "critic_rate", "sigma"):
            if not getattr(self, name) > 0:
                raise SolverError(f"{name} of ddpg must be positive, not {getattr(self, name)}")
        for name in ("discount", "soft_update", "sigma_decay", "baseline_rate"):
            if not 0 < getattr(self, name) <= 1:
                raise SolverError(f"{name} of ddpg must be in (0, 1], not {getattr(self, name)}")


class Learner:
    """Actor and critic, their slow copies, and what one update does to them.

    Args:
        features: length F of an observation.
        actions: length A of an action.
        settings: hyper-parameters.
        seed: of the initial weights.
    """

    def __init__(self, features: int, actions: int, settings: Settings, seed: int) -> None:
        self.settings, self.features = settings, features
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.actor = Actor(features, actions, settings.hidden)
            self.critic = Critic(features, actions, settings.hidden)
        self.slow_actor, self.slow_critic = deepcopy(self.actor), deepcopy(self.critic)
        rates = settings.actor_rate, settings.critic_rate
        self._actor_step = torch.optim.Adam(self.actor.parameters(), rates[0], fused=True)
        self._critic_step = torch.optim.Adam(self.critic.parameters(), rates[1], fused=True)
        self.baseline: float | None = None

    def copied(self, settings: Settings) -> Learner:
        """A learner that knows as much and goes on with other ``settings``, hidden layers aside."""
        other = deepcopy(self)
        other.settings = settings
        for optimizer, rate in (
            (other._actor_step, settings.actor_rate),
            (other._critic_step, settings.critic_rate),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate
        return other

    @torch.no_grad()
    def act(self, observation: Array) -> Array:
        """The policy's action [A] for ``observation`` [F], without noise."""
        action: Array = self.actor(torch.from_numpy(observation)[None])[0].numpy()
        return action

    def update(self, batch: Transitions) -> None:
        """One step of the critic towards its targets, one of the actor up the critic."""
        states, actions = torch.from_numpy(batch.states), torch.from_numpy(batch.actions)
        error = (self.critic(states, actions) - self.targets(batch)).square().mean()
        self._critic_step.zero_grad()
        error.backward()
        self._critic_step.step()
        self.critic.requires_grad_(False)
        loss = -self.critic(states, self.actor(states)).mean()
        self._actor_step.zero_grad()
        loss.backward()
        self._actor_step.step()
        self.critic.requires_grad_(True)
        follow(self.slow_actor, self.actor, self.settings.soft_update)
        follow(self.slow_critic, self.critic, self.settings.soft_update)

    @torch.no_grad()
    def targets(self, batch: Transitions) -> Tensor:
        """Values [n, 1] that the critic should give; moves the baseline first."""
        mean = float(batch.rewards.mean())
        if self.baseline is None:
            self.baseline = mean
        self.baseline += self.settings.baseline_rate * (mean - self.baseline)
        following = torch.from_numpy(batch.following)
        later: Tensor = self.slow_critic(following, self.slow_actor(following))
        going = torch.from_numpy(batch.going)
        return torch.from_numpy(batch.rewards - self.baseline) + self.settings.discount * (
            going * later
        )


class DDPG(Configured[Settings]):
    """The papers' agent.

    Works on any environment of the package; choices are asked for by fractions.  What it has
    learned stays in ``learner``; another agent starts from it, without warm-up, once its ``start``
    is set, on any problem of the same family (HAQ's transfer between networks)::

        agent, other = DDPG(), DDPG()
        solve(agent, "HAQ-MobileNetV1-v0")
        other.start = agent.learner
        solve(other, "HAQ-MobileNetV2-v0", evaluations=50)

    The first episode of such a run follows the old policy without noise.  Hyper-parameters are the
    other agent's own; ``hidden`` must be the same.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``ddpg.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "ddpg"
    deterministic = True
    settings_type = Settings
    learner: Learner | None = None
    start: Learner | None = None

    def solve(self, env: Recorder, seed: int) -> None:
        """Plays and learns until the evaluations are spent.

        Raises:
            SolverError: if actions are not a bounded one-dimensional ``Box``, or ``start`` was
                trained on other observations or has other hidden layers.
        """
        env = relaxed(env)
        box = env.action_space
        if not isinstance(box, spaces.Box) or len(box.shape) != 1 or not box.is_bounded():
            raise SolverError(f"{self.name} needs actions from a bounded Box [A], not {box}")
        with small_networks():
            self._learn(env, box, seed)

    def _learn(self, env: Recorder, box: spaces.Box, seed: int) -> None:
        settings, random = self.settings, np.random.default_rng(seed)
        features, actions = spaces.flatdim(env.observation_space), box.shape[0]
        self.learner = learner = self._first_learner(features, actions, seed)
        warmup = settings.warmup if self.start is None else 0
        replay = Replay(settings.replay_episodes, features, actions)
        episode = 0
        while True:
            observation, _ = env.reset()
            observations, taken, reward, ended = [observation], [], 0.0, False
            while not ended:
                if episode < warmup:
                    action = random.random(actions, dtype=np.float32)
                elif episode == 0:
                    action = learner.act(observation)
                else:
                    sigma = settings.sigma * settings.sigma_decay ** (episode - warmup)
                    action = truncated_normal(random, learner.act(observation), sigma)
                observation, reward, ended, _, _ = env.step(box.low + action * (box.high - box.low))
                observations.append(observation)
                taken.append(action)
            replay.add_episode(observations, taken, reward)
            episode += 1
            if episode > warmup:
                for _ in range(max(1, round(settings.updates * len(taken)))):
                    learner.update(replay.sample(random, settings.batch))

    def _first_learner(self, features: int, actions: int, seed: int) -> Learner:
        if self.start is None:
            return Learner(features, actions, self.settings, seed)
        if self.start.features != features:
            raise SolverError(
                f"{self.name} starts from an agent that saw {self.start.features} features; this "
                f"problem has {features}"
            )
        if self.start.settings.hidden != self.settings.hidden:
            raise SolverError(
                f"{self.name} starts from an agent with hidden layers of "
                f"{self.start.settings.hidden}: hidden must be the same, not {self.settings.hidden}"
            )
        return self.start.copied(self.settings)


def truncated_normal(random: np.random.Generator, mean: Array, sigma: float) -> Array:
    """Draws [A] from normal distributions around ``mean`` [A], truncated to [0, 1].

    Draws outside are drawn again; with means in [0, 1] and sigma 0.5 about every second one at
    worst, with less fewer.
    """
    drawn = random.normal(mean, sigma)
    outside = (drawn < 0.0) | (drawn > 1.0)
    while outside.any():
        drawn[outside] = random.normal(mean[outside], sigma)
        outside = (drawn < 0.0) | (drawn > 1.0)
    return drawn.astype(np.float32)
