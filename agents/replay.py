"""Replay memory: the latest transitions in a ring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Transitions:
    """n transitions.

    Attributes:
        states: [n, F] observations.
        actions: [n, A] actions.
        rewards: [n, 1] rewards.
        following: [n, F] observations afterwards.
        going: [n, 1] 0 where the episode ended, else 1.
    """

    states: Array
    actions: Array
    rewards: Array
    following: Array
    going: Array


class Replay:
    """A ring of transitions.

    Args:
        capacity: transitions it holds; then the oldest are overwritten.
        features: length F of an observation.
        actions: length A of an action.
    """

    def __init__(self, capacity: int, features: int, actions: int) -> None:
        self._columns = [
            np.zeros((capacity, width), dtype=np.float32)
            for width in (features, actions, 1, features, 1)
        ]
        self._capacity, self._next, self._length = capacity, 0, 0

    def __len__(self) -> int:
        return self._length

    def add(
        self, state: Array, action: Array, reward: float, following: Array, going: bool
    ) -> None:
        """Remembers a transition."""
        row: tuple[Array | float, ...] = (state, action, reward, following, float(going))
        for column, value in zip(self._columns, row, strict=True):
            column[self._next] = value
        self._next = (self._next + 1) % self._capacity
        self._length = min(self._length + 1, self._capacity)

    def add_episode(self, observations: list[Array], actions: list[Array], reward: float) -> None:
        """Remembers a finished episode of T steps, every step with the reward of the last.

        Args:
            observations: T + 1 of them, each [F].
            actions: T of them, each [A].
            reward: paid at the end.
        """
        for step, action in enumerate(actions):
            going = step + 1 < len(actions)
            self.add(observations[step], action, reward, observations[step + 1], going)

    def sample(self, random: np.random.Generator, batch: int) -> Transitions:
        """``batch`` different transitions, or as many as there are."""
        rows = random.choice(self._length, min(batch, self._length), replace=False, shuffle=False)
        return Transitions(*(column[rows] for column in self._columns))
