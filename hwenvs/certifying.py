"""Scores for an environment at hand: its optimum is found, and its infos tell them from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

from hwenvs.environment import DesignEnv
from hwenvs.errors import SolverError
from hwenvs.single import check_single
from hwenvs.vector import DesignVectorEnv

if TYPE_CHECKING:
    from hwenvs.baselines.exact import Optimum


def certify(env: gym.Env[Any, Any] | VectorEnv[Any, Any, Any]) -> Optimum:
    """Finds the best design of an environment, and lets its infos tell scores.

    From then on the last ``info`` of an episode has ``score``: 0 for the uniform design at the same
    budget, 1 for the best design.  It takes milliseconds to seconds, once a process for all
    environments of equal arguments::

        env = gym.make("AMC-ResNet20-v0")
        best = hwenvs.certify(env)
        print(best.design, best.reward, best.certificate)

    Args:
        env: of ``gym.make`` or ``gym.make_vec``, in any wrappers.

    Returns:
        The design, its reward, accuracy and costs, and whether it is proved to be the best.

    Raises:
        SolverError: if accuracies are measured design by design, so that nothing but trying all
            designs would tell the best one; if the environment is many problems, pays a vector, or
            is not of this package.
    """
    from hwenvs.baselines.exact import optimum

    inner = env.unwrapped
    if inner.spec is not None:
        check_single(inner.spec.id)
    if not isinstance(inner, DesignEnv | DesignVectorEnv):
        raise SolverError(f"{inner} has no optimum to certify: it is no environment of hwenvs")
    found = optimum(inner.problem)
    inner.problem.optimum = found.reward
    return found
