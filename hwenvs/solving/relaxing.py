"""Actions asked for in another way: choices by fractions, fractions by choices.

The environment, its rewards and the record stay the same; only the solver's view of them changes.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import ArgumentError, SolverError
from hwenvs.solving.loop import Recorder


class _View(Recorder):
    """A recorder around another, which keeps the record."""

    def __init__(self, recorder: Recorder) -> None:
        gym.Wrapper.__init__(self, recorder)
        self.problem, self.run = recorder.problem, recorder.run

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Back to the first decision."""
        return self.env.reset(**options)


class Relaxed(_View):
    """A recorder whose discrete actions are asked for by fractions, shared out evenly.

    The fraction ``a`` stands for choice ``floor(a n)`` of ``n``.

    Args:
        recorder: what is relaxed.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        space = recorder.action_space
        assert isinstance(space, spaces.Discrete)
        self.choices = int(space.n)
        self.action_space = spaces.Box(0.0, 1.0, (1,), np.float32)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """A step with the choice that ``action`` [1] stands for."""
        place = int(float(np.asarray(action).item()) * self.choices)
        observation, reward, terminated, truncated, info = self.env.step(
            min(place, self.choices - 1)
        )
        return observation, float(reward), terminated, truncated, info

    def actions(self, designs: ArrayLike) -> NDArray[Any]:
        """Actions [B, T, 1] that ask for ``designs`` [B, T]: the middles of the choices' shares."""
        middles = (self.problem.actions(designs) + 0.5) / self.choices
        return middles.astype(np.float32)[:, :, None]


class Gridded(_View):
    """A recorder whose continuous actions are asked for by choices: levels evenly from 0 to 1.

    Several levels may come to the same decision, because few options are offered or the budget is
    short.  Of these the mask leaves the lowest.

    Args:
        recorder: what is asked for by choices.
        levels: how many there are.

    Raises:
        ArgumentError: if there are fewer than two levels.
        SolverError: if actions are not one fraction in [0, 1].
    """

    def __init__(self, recorder: Recorder, levels: int) -> None:
        super().__init__(recorder)
        if levels < 2:
            raise ArgumentError(f"levels must be at least 2, not {levels}")
        if recorder.action_space != spaces.Box(0.0, 1.0, (1,), np.float32):
            raise SolverError(f"levels stand for fractions, not for {recorder.action_space}")
        self.levels = levels
        self.action_space = spaces.Discrete(levels)
        self._grid = np.linspace(0.0, 1.0, levels, dtype=np.float32)[:, None]
        self._walk = self.problem.start(levels)
        self._options: NDArray[np.int64] | None = None

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Back to the first decision; the mask is in ``info["action_mask"]``."""
        observation, info = super().reset(**options)
        self._walk, self._options = self.problem.start(self.levels), None
        return observation, {**info, "action_mask": self.action_masks().view(np.int8)}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """A step with the fraction that level ``action`` stands for."""
        level = int(action)
        observation, reward, terminated, truncated, info = self.env.step(self._grid[level])
        if not terminated:
            taken = self._decisions()[level]
            self.problem.push(self._walk, np.full(self.levels, taken))
            self._options = None
            info = {**info, "action_mask": self.action_masks().view(np.int8)}
        return observation, float(reward), terminated, truncated, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which levels [levels] come to decisions that no lower level comes to."""
        mask = np.zeros(self.levels, dtype=bool)
        mask[np.unique(self._decisions(), return_index=True)[1]] = True
        return mask

    def actions(self, designs: ArrayLike) -> NDArray[Any]:
        """Levels [B, T] nearest to what asks for ``designs`` [B, T]."""
        fractions: NDArray[Any] = self.problem.actions(designs)[:, :, 0]
        levels: NDArray[np.int64] = np.rint(fractions * (self.levels - 1)).astype(np.int64)
        return levels

    def _decisions(self) -> NDArray[np.int64]:
        """What each level comes to now, options [levels]."""
        if self._options is None:
            self._options = self.problem.decide(self._walk, self._grid)
        return self._options


def relaxed(env: Recorder) -> Recorder:
    """``env`` with continuous actions: itself, or :class:`Relaxed` where they are choices."""
    return Relaxed(env) if isinstance(env.action_space, spaces.Discrete) else env


def gridded(env: Recorder, levels: int) -> Recorder:
    """``env`` with discrete actions: itself, or :class:`Gridded` where they are fractions.

    Raises:
        ArgumentError: if there are fewer than two levels.
        SolverError: if actions are neither choices nor fractions.
    """
    return env if isinstance(env.action_space, spaces.Discrete) else Gridded(env, levels)
