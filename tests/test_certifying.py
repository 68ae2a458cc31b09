"""Scores for environments at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import hwenvs
from hwenvs.errors import SolverError
from hwenvs.single import check_single

ID = "AMC-ResNet20-v0"


def vector(environment: str) -> Any:
    return gym.make_vec(environment, num_envs=2)


def last_info(env: Any, actions: Any) -> dict[str, Any]:
    env.reset()
    info: dict[str, Any] = {}
    for action in actions:
        *_, info = env.step(np.asarray(action, np.float32))
    return info


def test_the_best_design_scores_1_and_the_uniform_one_0() -> None:
    # No other test has this budget: what is certified once a process is so for all of its kind.
    env: Any = gym.wrappers.RecordEpisodeStatistics(gym.make(ID, budget=0.437))
    problem = env.unwrapped.problem
    assert "score" not in last_info(env, problem.actions(problem.reference.designs)[0])
    best = hwenvs.certify(env)
    assert best.proved
    found = last_info(env, problem.actions([best.design])[0])
    assert (found["score"], found["design"].tolist()) == (1.0, list(best.design))
    assert found["accuracy"] == best.accuracy == best.reward
    assert last_info(env, problem.actions(problem.reference.designs)[0])["score"] == 0.0


def test_copies_of_an_environment_tell_scores_as_well() -> None:
    envs = vector(ID)
    best = hwenvs.certify(envs)
    designs = [best.design, envs.problem.reference.designs[0]]
    actions = np.swapaxes(envs.problem.actions(designs), 0, 1)
    assert last_info(envs, actions)["score"].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("make", [gym.make, vector])
@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ("AMC-Generalist-v0", "take a single task"),
        ("MO-AMC-ResNet20-v0", "take AMC-ResNet20-v0"),
        ("CartPole-v1", "no environment of hwenvs"),
        ("AMC-DigitsLeNet-v0", "additive tables"),
    ],
)
def test_what_has_no_optimum_says_why(
    make: Callable[[str], Any], environment: str, message: str
) -> None:
    with pytest.raises(SolverError, match=message):
        hwenvs.certify(make(environment))


def test_an_environment_made_without_an_id_is_certified() -> None:
    from hwenvs.environment import DesignEnv

    check_single("CartPole-v1")  # what is unknown is let through
    assert hwenvs.certify(DesignEnv(network="resnet20", budget=0.5)).proved
