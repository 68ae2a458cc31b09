"""Exploration noise that fades from episode to episode, as in AMC and HAQ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.noise import ActionNoise


class FadingNoise(ActionNoise):
    """Normal noise on actions; silent during the warm-up, whose actions are random already.

    Stable-Baselines3 adds it to actions scaled to [-1, 1] and clips the sum.

    Args:
        actions: length A of an action.
        sigma: standard deviation after the warm-up.
        decay: factor on it per episode.
        warmup: episodes before.
    """

    def __init__(self, actions: int, sigma: float, decay: float, warmup: int) -> None:
        super().__init__()
        self._actions, self._sigma, self._decay = actions, sigma, decay
        self._episode, self._begun = -warmup, False

    @property
    def sigma(self) -> float:
        """Standard deviation now."""
        return 0.0 if self._episode < 0 else self._sigma * self._decay**self._episode

    def reset(self) -> None:
        """An episode has ended; or learning begins, which is told in the same way."""
        self._episode += self._begun

    def __call__(self) -> NDArray[np.float32]:
        """Noise [A], from the global generator that Stable-Baselines3 seeds."""
        self._begun = True
        drawn = np.random.normal(0.0, self.sigma, self._actions)  # noqa: NPY002
        return drawn.astype(np.float32)
