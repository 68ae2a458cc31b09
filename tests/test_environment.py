"""One environment: Gymnasium's rules, the reward at the end, saved states, equal copies."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3.common.env_checker as sb3
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from hwenvs.environment import DesignEnv
from hwenvs.problems import ChannelPruningProblem, make_problem

Step = tuple[np.ndarray, float, bool, bool, dict[str, Any]]


def episode(env: gym.Env, actions: np.ndarray) -> list[Step]:
    """Every step of an episode with ``actions`` [T, 1]."""
    env.reset(seed=0)
    return [env.step(action) for action in actions]


def same(one: Any, other: Any) -> bool:
    """Whether two results agree bit for bit, types included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def test_gymnasium_checks_pass_without_a_warning(
    env_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(env_id, disable_env_checker=True).unwrapped)


def test_stable_baselines_checks_pass_without_a_warning(env_id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Advice, not a rule: actions are AMC's fractions in [0, 1], and SB3 rescales them itself.
        warnings.filterwarnings("ignore", message="We recommend you to use a symmetric")
        sb3.check_env(gym.make(env_id), warn=True)


def test_equal_actions_have_equal_results(
    env_id: str, arguments: dict[str, Any], make_actions: Any
) -> None:
    one, other = gym.make(env_id, **arguments), gym.make(env_id, **arguments)
    actions = make_actions(1, one.unwrapped.problem.horizon, 1, one.action_space)[:, 0]
    assert same(episode(one, actions), episode(other, actions))


def test_the_reward_is_paid_with_the_last_decision(env: gym.Env, make_actions: Any) -> None:
    problem = env.unwrapped.problem
    steps = episode(env, make_actions(2, problem.horizon, 1, env.action_space)[:, 0])
    for observation, reward, terminated, truncated, info in steps[:-1]:
        assert observation in env.observation_space
        assert (reward, terminated, truncated) == (0.0, False, False)
        assert set(info) == ({"action_mask"} if problem.decisions.choices else set())
    _, reward, terminated, truncated, info = steps[-1]
    assert (type(reward), terminated, truncated) == (float, True, False)
    paid = problem.reward
    assert reward == paid.of_one(info["accuracy"], info["costs"])
    assert paid.name == "compression_ratio" or reward == info["accuracy"]
    assert type(info["accuracy"]) is type(info["accuracy_drop"]) is float
    assert info["feasible"] is True
    assert info["design"].shape == (problem.horizon,)
    assert info["accuracy_drop"] == problem.baseline - info["accuracy"]
    assert {"macs", "params", "size", "peak_memory"} <= set(info["costs"])
    for quantity, cost in info["costs"].items():
        assert type(cost) is float
        assert info["cost_fractions"][quantity] == cost / problem.full_costs[quantity]


def test_all_channels_cost_what_the_network_costs(env_id: str) -> None:
    env = gym.make(env_id, budget=1.0)
    problem = env.unwrapped.problem
    last = [decision.size for decision in problem.decisions]
    info = episode(env, problem.actions([last])[0])[-1][-1]
    assert info["costs"]["macs"] == problem.network.macs
    assert info["costs"]["params"] == problem.network.parameters
    assert set(info["cost_fractions"].values()) == {1.0}
    # The largest architecture need not be the most accurate one.
    assert info["accuracy_drop"] == 0.0 or env_id.startswith("NAS")


def test_the_score_is_0_for_the_reference_and_1_for_the_optimum() -> None:
    problem = ChannelPruningProblem("resnet20")
    env = DesignEnv(problem)
    actions = problem.actions(problem.reference.designs)[0]
    assert "score" not in episode(env, actions)[-1][-1]
    problem.optimum = float(problem.reference.reward[0]) + 0.1
    assert episode(env, actions)[-1][-1]["score"] == 0.0
    assert problem.score(problem.optimum) == 1.0


def test_steps_need_a_reset_before_and_after_an_episode(env_id: str) -> None:
    for env in (gym.make(env_id), gym.make(env_id).unwrapped):
        action = env.action_space.sample()
        with pytest.raises(ResetNeeded):
            env.step(action)
        env.reset()
        for _ in range(env.unwrapped.problem.horizon):
            env.step(action)
        with pytest.raises(ResetNeeded):
            env.step(action)
        env.reset()
        env.step(action)


def test_budgets_can_be_absolute_and_name_their_cost() -> None:
    whole = ChannelPruningProblem("resnet20")
    amount = 0.5 * whole.full_costs["params"]
    absolute = ChannelPruningProblem("resnet20", budget={"params": amount}, budget_units="absolute")
    fraction = ChannelPruningProblem("resnet20", budget=0.5, cost="params")
    assert absolute.budget.quantity == "params"
    assert absolute.budget.amount == fraction.budget.amount
    assert np.array_equal(absolute.reference.designs, fraction.reference.designs)


def test_states_restore_the_rest_of_the_episode(env: gym.Env, make_actions: Any) -> None:
    inner = env.unwrapped
    assert isinstance(inner, DesignEnv)
    horizon = inner.problem.horizon
    actions = make_actions(3, horizon, 1, env.action_space)[:, 0]
    env.reset()
    for step in range(horizon // 2):
        env.step(actions[step])
    saved, before = inner.get_state(), inner._walker.observation()
    ends = [env.step(action) for action in actions[horizon // 2 :]]
    final = inner.get_state()
    assert same(inner.set_state(saved), before)
    assert same([env.step(action) for action in actions[horizon // 2 :]], ends)
    inner.set_state(final)
    with pytest.raises(ResetNeeded):
        env.step(actions[0])


def test_pickled_and_copied_environments_go_on_alike(env: gym.Env, make_actions: Any) -> None:
    actions = make_actions(4, env.unwrapped.problem.horizon, 1, env.action_space)[:, 0]
    env.reset()
    env.step(actions[0])
    twins = [pickle.loads(pickle.dumps(env)), copy.deepcopy(env)]
    ends = [env.step(action) for action in actions[1:]]
    for twin in twins:
        assert same([twin.step(action) for action in actions[1:]], ends)


def test_environments_of_equal_arguments_share_their_tables() -> None:
    one, other = gym.make("AMC-VGG16-v0"), gym.make("AMC-VGG16-v0")
    assert one.unwrapped.problem is other.unwrapped.problem
    with pytest.raises(TypeError, match="made already"):
        make_problem(one.unwrapped.problem, budget=0.5)


def test_there_is_no_score_where_the_reference_is_the_optimum() -> None:
    problem = gym.make("AMC-ResNet20-v0").unwrapped.problem
    before = problem.optimum
    problem.optimum = float(problem.reference.reward[0])
    try:
        assert problem.score(problem.optimum) is None
    finally:
        problem.optimum = before
