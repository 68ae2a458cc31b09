"""REINFORCE on architecture parameters: ProxylessNAS's second way to search.

Every decision has one logit an option (Cai, Zhu and Han, ICLR 2019, section 3.3.2 and appendix D).
Designs are drawn decision by decision from the softmax over the options that the environment does
not mask, and the logits climb ``(R - b) grad log p`` (Williams, 1992), where ``b`` is a moving
average of the rewards.  What is masked has probability 0 and no gradient, so that the budget enters
through the masks, and through the reward where that knows about costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor

from hwenvs.agents.networks import small_networks
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured

FLAT = 1e-9
"""Spread of rewards that are all the same; they count in units of the last spread there was."""


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        rate: learning rate of Adam.
        batch: episodes per update; at least 2, since advantages are in units of their spread.
        baseline_rate: rate of the moving average of rewards.
        entropy: weight of the entropy of the probabilities, which keeps the search open; in units
            of the spread of rewards, as are advantages.
    """

    rate: float = 0.1
    batch: int = 8
    baseline_rate: float = 0.2
    entropy: float = 0.02

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise SolverError(f"rate of reinforce must be positive, not {self.rate}")
        if self.batch < 2:
            raise SolverError(f"batch of reinforce must be at least 2, not {self.batch}")
        if not 0 < self.baseline_rate <= 1:
            raise SolverError(f"baseline_rate must be in (0, 1], not {self.baseline_rate}")
        if not self.entropy >= 0:
            raise SolverError(f"entropy of reinforce must not be negative, not {self.entropy}")


@dataclass(frozen=True)
class Episode:
    """A finished episode.

    Attributes:
        masks: [T, n] what could be chosen.
        choices: [T] what was.
        reward: what it brought.
    """

    masks: Tensor
    choices: Tensor
    reward: float


class Reinforce(Configured[Settings]):
    """Architecture parameters that climb the rewards of designs drawn from them.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``reinforce.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.

    Attributes:
        logits: [T, n] architecture parameters of the last run.
        history: per evaluation the probabilities [T, n] that it was drawn with, masks aside.
    """

    name = "reinforce"
    deterministic = True
    settings_type = Settings
    logits: Tensor | None = None

    def __init__(self, **hyperparameters: Any) -> None:
        super().__init__(**hyperparameters)
        self.history: list[NDArray[np.float64]] = []

    def solve(self, env: Recorder, seed: int) -> None:
        """Draws and learns until the evaluations are spent.

        Raises:
            SolverError: if actions are no choices.
        """
        if not isinstance(env.action_space, spaces.Discrete):
            raise SolverError(f"{self.name} needs a Discrete action space, not {env.action_space}")
        settings, random = self.settings, np.random.default_rng(seed)
        self.history = []
        with small_networks():
            shape = env.problem.horizon, int(env.action_space.n)
            self.logits = logits = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
            optimizer = torch.optim.Adam([logits], settings.rate)
            baseline: float | None = None
            usual = np.inf  # without any spread so far nothing is better or worse
            while True:
                batch = [self._play(env, logits.detach(), random) for _ in range(settings.batch)]
                rewards = np.array([episode.reward for episode in batch])
                mean = float(rewards.mean())
                baseline = mean if baseline is None else baseline
                spread = float(rewards.std())
                if spread > FLAT:
                    usual = spread
                loss = logits.new_zeros(())
                for episode in batch:
                    advantage = (episode.reward - baseline) / usual
                    loss = loss - objective(logits, episode, advantage, settings.entropy)
                optimizer.zero_grad()
                (loss / len(batch)).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                baseline += settings.baseline_rate * (mean - baseline)

    def _play(self, env: Recorder, logits: Tensor, random: np.random.Generator) -> Episode:
        self.history.append(logits.softmax(1).numpy())
        _, info = env.reset()
        masks: list[Tensor] = []
        choices: list[int] = []
        reward, ended = 0.0, False
        while not ended:
            mask = torch.from_numpy(info["action_mask"].astype(bool))
            chances = probabilities(logits[len(choices)], mask).numpy()
            choice = int(random.choice(len(chances), p=chances / chances.sum()))
            masks.append(mask)
            choices.append(choice)
            _, reward, ended, _, info = env.step(choice)
        return Episode(torch.stack(masks), torch.tensor(choices), reward)


def probabilities(logits: Tensor, mask: Tensor) -> Tensor:
    """Softmax of ``logits`` [..., n] over what ``mask`` [..., n] allows."""
    return logits.masked_fill(~mask, -torch.inf).softmax(-1)


def objective(logits: Tensor, episode: Episode, advantage: float, entropy: float) -> Tensor:
    """What an episode's update climbs: ``advantage log p + entropy H``, summed over decisions."""
    chances = probabilities(logits, episode.masks)
    logs = chances.clamp_min(1e-30).log()
    taken = logs.gather(1, episode.choices[:, None]).sum()
    return advantage * taken - entropy * (chances * logs).sum()
