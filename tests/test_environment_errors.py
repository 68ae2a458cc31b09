"""What an environment refuses, in one clear error each, and what it warns of."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.environment import DesignEnv
from hwenvs.errors import (
    ActionError,
    AnalyticProxyWarning,
    ArgumentError,
    BudgetError,
    DesignError,
    HardwareError,
    UnknownNameError,
)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.array([np.nan], np.float32), "nan is not in"),
        (np.array([np.inf], np.float32), "inf is not in"),
        (np.array([1.5], np.float32), "1.5 is not in"),
        (np.array([-0.1], np.float32), "-0.1"),
        (np.array([0.5, 0.5], np.float32), r"shape \(2,\)"),
        (np.array(0.5, np.float32), r"shape \(\)"),
        (np.array([[0.5]], np.float32), r"shape \(1, 1\)"),
        (np.array([], np.float32), r"shape \(0,\)"),
        (np.array(["a"]), "type <U1"),
        (np.array([True]), "type bool"),
        (np.array([0.5 + 1j]), "type complex"),
        (np.array([None]), "type object"),
        (0.5, r"shape \(\)"),
        (None, "type object"),
        ([[0.1], [0.2, 0.3]], "is not an array of floats"),
    ],
)
def test_bad_actions_raise_one_clear_error(action: Any, message: str) -> None:
    env = gym.make("AMC-ResNet20-v0", disable_env_checker=True)
    env.reset()
    with pytest.raises(ActionError, match=message):
        env.step(action)
    env.step(np.array([0.5]))
    assert env.unwrapped.get_state() != ()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"budget": 0}, BudgetError, "must be positive"),
        ({"budget": -0.5}, BudgetError, "must be positive"),
        ({"budget": float("nan")}, BudgetError, "must be positive and finite"),
        ({"budget": 1.5}, BudgetError, "above 1"),
        ({"budget": "half"}, BudgetError, "must be a number"),
        ({"budget": True}, BudgetError, "must be a number"),
        ({"budget": {"macs": 0.5, "joules": 0.5}}, UnknownNameError, "unknown cost 'joules'"),
        ({"budget": {}}, BudgetError, "names none"),
        ({"budget": 0.01}, BudgetError, "smallest feasible fraction is 0.1"),
        ({"budget": 1e3, "budget_units": "absolute"}, BudgetError, "smallest feasible fraction"),
        ({"budget_units": "percent"}, UnknownNameError, "unknown budget_units 'percent'"),
        ({"budget": None}, ArgumentError, "needs a budget"),
        ({"cost": "mac"}, UnknownNameError, "Did you mean 'macs'"),
        ({"cost": ["macs"]}, UnknownNameError, r"unknown cost \['macs'\]"),
        ({"problem": ["x"]}, UnknownNameError, "unknown family of problems"),
        ({"hardware": {}}, HardwareError, "lacks 'name'"),
        ({"budgets": 0.5}, UnknownNameError, "'budgets'. Did you mean 'budget'.*render_mode"),
        ({"autoreset_mode": "SameStep"}, ArgumentError, "vector_kwargs="),
        ({"cost": "latency"}, UnknownNameError, "cannot be budgeted on this hardware"),
        ({"cost": "peak_memory"}, UnknownNameError, "it is the largest over the layers, no sum"),
        ({"reward": "accurancy"}, UnknownNameError, "Did you mean 'accuracy'"),
        ({"hardware": "rofline"}, UnknownNameError, "Did you mean 'roofline'"),
        ({"proxy": "surogate"}, UnknownNameError, "Did you mean 'surrogate'"),
        ({"network": "resnet57"}, UnknownNameError, "Did you mean 'resnet5"),
        ({"constraint": "project"}, UnknownNameError, "Did you mean 'projected'"),
        ({"problem": "chanel_pruning"}, UnknownNameError, "Did you mean 'channel_pruning'"),
        ({"round_to": 0}, ArgumentError, "round_to must be a positive"),
        ({"round_to": 2.5}, ArgumentError, "round_to must be a positive"),
        ({"floor": 1.5}, ArgumentError, "floor must be a fraction"),
        ({"floor": float("nan")}, ArgumentError, "floor must be a fraction"),
    ],
)
def test_bad_arguments_raise_one_clear_error(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        gym.make("AMC-ResNet20-v0", **arguments)


@pytest.mark.parametrize("prefix", ["", "MO-"])
def test_options_of_reset_that_there_are_not_are_refused(prefix: str) -> None:
    env = gym.make(f"{prefix}AMC-ResNet20-v0")
    env.reset(options={})
    with pytest.raises(UnknownNameError, match="option of reset 'foo': this environment has none"):
        env.reset(options={"foo": 1})
    envs = gym.make_vec(f"{prefix}AMC-ResNet20-v0", num_envs=2)
    envs.reset(options={"reset_mask": np.ones(2, dtype=bool)})
    with pytest.raises(UnknownNameError, match=r"option of reset 'foo'.*Known: reset_mask"):
        envs.reset(options={"foo": 1})


def test_an_unknown_render_mode_suggests_another() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'rgb_array'"):
        DesignEnv(network="resnet20", render_mode="rgb")


@pytest.mark.parametrize("state", [[1000], [[3]], list(range(100)), ["a"], 3])
def test_bad_states_raise_a_design_error(state: Any) -> None:
    env = DesignEnv(network="resnet20")
    env.reset()
    with pytest.raises(DesignError):
        env.set_state(state)


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
def test_the_warning_of_an_analytic_table_shows_the_line_that_made_it(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hwenvs.proxies.base._warned", set())
    with pytest.warns(AnalyticProxyWarning) as caught:
        make("AMC-VGG16-v0")
    assert [one.filename for one in caught] == [__file__]
