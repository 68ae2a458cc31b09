"""Designs of a record, walked again: observations, actions, rewards and infos of every episode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

import hwenvs
from hwenvs.environment import DesignEnv
from hwenvs.errors import SolverError
from hwenvs.problems import Problem
from hwenvs.solving.records import Run

NOT_YET = float("nan")
"""Accuracies and costs before the last decision."""


@dataclass(frozen=True, eq=False)
class Episode:
    """One design, walked.

    Attributes:
        observations: [T + 1, F] from the reset on.
        actions: [T, A], or choices [T].
        rewards: [T]; 0 before the last decision.
        infos: by name [T + 1] values from the reset on: ``decision`` (the entry of the design that
            the step decided, 0 at the reset), ``accuracy`` (a fraction), ``cost_macs`` and the like
            (SI units; both NaN before the last decision), ``feasible``, and ``action_mask``
            [T + 1, n] where actions are choices.
    """

    observations: NDArray[np.float32]
    actions: NDArray[Any]
    rewards: NDArray[np.float64]
    infos: dict[str, Any]


def problem_of(env: gym.Env[Any, Any]) -> Problem:
    """What ``env`` walks.

    Raises:
        SolverError: if it is no environment of this package, or pays no single number.
    """
    base = env.unwrapped
    if not isinstance(base, DesignEnv):
        raise SolverError(f"runs are walked in an environment of hwenvs, not {type(base).__name__}")
    return base.problem


def replay(run: Run, env: gym.Env[Any, Any]) -> Iterator[Episode]:
    """Walks every design of ``run`` through ``env``, with the actions that ask for it.

    Raises:
        SolverError: if ``env`` is no environment of this package, or a design now earns something
            else than its record says.
    """
    problem = problem_of(env)
    for index, design in enumerate(run.designs):
        actions = problem.actions([design])[0]
        episode, info = _walk(env, actions)
        found, paid = info["design"].tolist(), float(episode.rewards[-1])
        if found != list(design) or paid != run.rewards[index]:
            made = run.versions.get("hwenvs", "an unknown version")
            raise SolverError(
                f"{run.solver} on {run.environment}, seed {run.seed}, evaluation {index}: the "
                f"record says {run.rewards[index]!r}, but hwenvs {hwenvs.__version__} pays "
                f"{paid!r}; it was made by {made}"
            )
        yield episode


def _walk(env: gym.Env[Any, Any], actions: NDArray[Any]) -> tuple[Episode, dict[str, Any]]:
    observation, info = env.reset(seed=0)
    observations, rewards, infos = [observation], [], [info]
    for action in actions:
        observation, reward, _, _, info = env.step(action)
        observations.append(observation)
        rewards.append(float(reward))
        infos.append(info)
    last = infos[-1]
    early = [NOT_YET] * len(actions)
    # Plain lists and flat names: Minari's arrow storage reads neither vectors nor nested ones back.
    kept: dict[str, Any] = {
        "decision": [0, *last["design"].tolist()],
        "accuracy": [*early, float(last["accuracy"])],
        **{f"cost_{name}": [*early, float(value)] for name, value in last["costs"].items()},
        "feasible": [*(False for _ in early), bool(last["feasible"])],
    }
    if "action_mask" in infos[0]:
        masks = [given["action_mask"].astype(np.int8) for given in infos[:-1]]
        kept["action_mask"] = np.stack([*masks, np.ones_like(masks[0])])  # nothing left to choose
    return Episode(np.stack(observations), actions, np.array(rewards), kept), last
