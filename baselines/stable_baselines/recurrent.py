"""PPO whose policy remembers its episode, trained on whole episodes at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import sb3_contrib
import torch
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy

from hwenvs.baselines.stable_baselines.on_policy import OnAny, ProximalSettings

States = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class RecurrentSettings(ProximalSettings):
    """Of RecurrentPPO.

    Attributes:
        memory: units of the LSTMs in front of policy and values.
    """

    memory: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("memory")

    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:
        """Arguments of the algorithm."""
        keywords = super().keywords(horizon, space)
        keywords["policy_kwargs"]["lstm_hidden_size"] = self.memory
        return keywords


class SequencePolicy(RecurrentActorCriticPolicy):
    """sb3-contrib's ``MlpLstmPolicy``, faster where episodes start nowhere but at the front.

    The original calls its LSTMs once a step wherever an episode starts in a batch, although its
    batches are cut there.  Here states are cleared first, and an LSTM runs over all steps at once:
    the same sums, rounded differently.
    """

    @staticmethod
    def _process_sequence(
        features: torch.Tensor, lstm_states: States, episode_starts: torch.Tensor, lstm: Any
    ) -> States:  # that is what the original says; it gives outputs and states
        starts = episode_starts.reshape(lstm_states[0].shape[1], -1)
        if not starts[:, 1:].any():
            kept = (1.0 - starts[:, 0]).reshape(1, -1, 1)
            lstm_states = (kept * lstm_states[0], kept * lstm_states[1])
            episode_starts = torch.zeros_like(episode_starts)
        process = RecurrentActorCriticPolicy._process_sequence
        return process(features, lstm_states, episode_starts, lstm)


class RecurrentPPO(OnAny[RecurrentSettings]):
    """PPO whose policy remembers its episode in an LSTM."""

    name = "sb3-recurrent-ppo"
    algorithm = sb3_contrib.RecurrentPPO
    policy = SequencePolicy
    settings_type = RecurrentSettings
