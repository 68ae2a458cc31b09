"""Many copies of the environment with a vector reward at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from hwenvs.multiobjective.objectives import Objectives, scalar_problem
from hwenvs.problems import Problem
from hwenvs.vector import DesignVectorEnv, Step


class MultiObjectiveVectorEnv(DesignVectorEnv):
    """``num_envs`` copies of :class:`~hwenvs.multiobjective.MultiObjectiveEnv`, equal bit for bit.

    Args:
        problem: name of a family, or a problem.
        num_envs: number of copies.
        objectives: as there.
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.
        autoreset_mode: as for :class:`~hwenvs.vector.DesignVectorEnv`.
        **arguments: of the family's problem.

    Attributes:
        objectives: names of the components of a reward.
        reward_space: a box of the rewards [n] of one copy, float32: what mo-gymnasium's vector
            environments call so, and its wrappers read.
        reward_dim: n.

    Raises:
        HwenvsError: as there.
    """

    def __init__(
        self,
        problem: str | Problem = "channel_pruning",
        num_envs: int = 1,
        objectives: Sequence[str] | None = None,
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        **arguments: Any,
    ) -> None:
        made = scalar_problem(problem, arguments)
        super().__init__(made, num_envs, render_mode, autoreset_mode)
        self._objectives = Objectives.of(made, objectives)
        self.objectives = self._objectives.names
        self.reward_space = self._objectives.space
        self.reward_dim = len(self.objectives)

    def _nothing_yet(self) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
        _, ended, cut = super()._nothing_yet()
        return np.zeros((self.num_envs, self.reward_dim), dtype=np.float32), ended, cut

    def _last(self) -> Step:
        observations, _, ended, cut, infos = super()._last()
        last = infos.get("final_info", infos)
        for name in ("score", "_score"):  # of a scalar reward that nobody is paid here
            last.pop(name, None)
        rewards: NDArray[Any] = self._objectives.reward(last)
        return observations, rewards, ended, cut, infos
