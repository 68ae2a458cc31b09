"""Replay: designs walked through the vector environment once more, and what they earn there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from hwenvs.problems import Problem
from hwenvs.vector import DesignVectorEnv

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COPIES = 4096
"""Designs that are walked at once."""


@dataclass(frozen=True)
class Walked:
    """What became of N episodes.

    Attributes:
        rewards: [N].
        designs: [N, T] as the environment left them.
        feasible: [N] whether they meet the budget.
        costs: by quantity [N] in SI units.
        observations: [T + 1, N, F] what an agent saw, if it was asked for.
    """

    rewards: Floats
    designs: Ints
    feasible: NDArray[np.bool_]
    costs: dict[str, Floats]
    observations: NDArray[np.float32] | None = None


def walked(problem: Problem, actions: NDArray[Any], watch: bool = False) -> Walked:
    """Walks N episodes through the vector environment.

    Args:
        problem: whose environment.
        actions: [T, N, A], or choices [T, N].
        watch: whether observations are kept.
    """
    envs = DesignVectorEnv(
        problem, num_envs=actions.shape[1], autoreset_mode=AutoresetMode.DISABLED
    )
    observation, _ = envs.reset()
    seen = [observation.copy()] if watch else []
    infos: dict[str, Any] = {}
    rewards: Floats = np.zeros(actions.shape[1])
    for action in actions:
        observation, rewards, _, _, infos = envs.step(action)
        if watch:
            seen.append(observation.copy())
    costs = {key: values for key, values in infos["costs"].items() if not key.startswith("_")}
    return Walked(
        rewards,
        np.asarray(infos["design"]),
        np.asarray(infos["feasible"]),
        costs,
        np.stack(seen) if watch else None,
    )


def replayed(problem: Problem, designs: Ints) -> Walked:
    """Walks episodes that ask for ``designs`` [N, T], some thousand at a time.

    Raises:
        DesignError: if an entry is no option of its decision.
    """
    parts = []
    for first in range(0, len(designs), COPIES):
        actions = problem.actions(designs[first : first + COPIES])
        parts.append(walked(problem, np.ascontiguousarray(np.swapaxes(actions, 0, 1))))
    return Walked(
        np.concatenate([part.rewards for part in parts]),
        np.concatenate([part.designs for part in parts]),
        np.concatenate([part.feasible for part in parts]),
        {key: np.concatenate([part.costs[key] for part in parts]) for key in parts[0].costs},
    )
