"""Replay memory: the transitions of the latest episodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    """The latest episodes, whole; each more overwrites the oldest.

    Episodes may differ in length; what is forgotten is always one of them, never a part of one.

    Args:
        episodes: how many it holds.
        features: length F of an observation.
        actions: length A of an action.
    """

    def __init__(self, episodes: int, features: int, actions: int) -> None:
        self._widths = (features, actions, 1, features, 1)
        self._columns = [np.zeros((0, width), dtype=np.float32) for width in self._widths]
        self._longest, self._next = 0, 0
        self._lengths = np.zeros(episodes, dtype=np.int64)
        self._ends = np.zeros(episodes, dtype=np.int64)

    def __len__(self) -> int:
        """How many transitions it holds."""
        return int(self._ends[-1])

    def add_episode(self, observations: list[Array], actions: list[Array], reward: float) -> None:
        """Remembers a finished episode of T steps, every step with the reward of the last.

        Args:
            observations: T + 1 of them, each [F].
            actions: T of them, each [A].
            reward: paid at the end.
        """
        length = len(actions)
        self._make_room(length)
        first = self._next * self._longest
        going = np.arange(1, length + 1)[:, None] < length
        values: tuple[Any, ...] = (observations[:-1], actions, reward, observations[1:], going)
        for column, value in zip(self._columns, values, strict=True):
            column[first : first + length] = value
        self._lengths[self._next] = length
        self._ends = self._lengths.cumsum()
        self._next = (self._next + 1) % len(self._lengths)

    def sample(self, random: np.random.Generator, batch: int) -> Transitions:
        """``batch`` different transitions, or as many as there are."""
        count = len(self)
        drawn = random.choice(count, min(batch, count), replace=False, shuffle=False)
        episodes = self._ends.searchsorted(drawn, side="right")
        steps = drawn - (self._ends - self._lengths)[episodes]
        rows = episodes * self._longest + steps
        return Transitions(*(column[rows] for column in self._columns))

    def _make_room(self, length: int) -> None:
        """Rows for ``length`` steps in every episode's place; what is remembered stays."""
        if length <= self._longest:
            return
        places = len(self._lengths)
        for index, (column, width) in enumerate(zip(self._columns, self._widths, strict=True)):
            wider = np.zeros((places, length, width), dtype=np.float32)
            wider[:, : self._longest] = column.reshape(places, self._longest, width)
            self._columns[index] = wider.reshape(-1, width)
        self._longest = length
