"""Rewards: formulas without the last bits of a library's logarithm, and who pays which."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.errors import ArgumentError, BudgetError, UnknownNameError
from hwenvs.problems import FAMILIES, make_problem
from hwenvs.problems.rewards import (
    REWARDS,
    RatioReward,
    TargetReward,
    get_reward,
    logarithm,
    logarithm_of_one,
)

positive = st.floats(1e-6, 1e15)


@given(positive)
def test_the_logarithm_is_right_to_1e_9(value: float) -> None:
    assert logarithm_of_one(value) == pytest.approx(math.log(value), abs=5.1e-10)


@given(st.lists(positive, min_size=1))
def test_the_logarithm_of_arrays_and_floats_agrees_bit_for_bit(values: list[float]) -> None:
    assert logarithm(np.array(values)).tolist() == [logarithm_of_one(value) for value in values]


@given(st.sampled_from(sorted(REWARDS)), st.floats(0, 1), positive, positive)
def test_rewards_of_one_and_of_many_agree_and_follow_the_formula(
    name: str, accuracy: float, macs: float, params: float
) -> None:
    costs = {"macs": macs, "params": params, "size": 4 * params, "latency": params * 1e-9}
    reward = get_reward(name)
    if isinstance(reward, RatioReward):
        reward = replace(reward, whole=1e6, baseline=0.9, drop=0.1)
    if isinstance(reward, TargetReward):
        reward = replace(reward, target=0.01)
    arrays = {quantity: np.array([value]) for quantity, value in costs.items()}
    one = reward.of_one(accuracy, costs)
    assert reward.of(np.array([accuracy]), arrays).tolist() == [one]
    formulas = {
        "accuracy": accuracy,
        "accuracy_change": 0.1 * 100 * accuracy,
        "error_times_log_macs": -(1 - accuracy) * math.log(macs),
        "accuracy_times_cost": accuracy * (params * 1e-9 / 0.01) ** -0.07,
        "error_times_log_params": -(1 - accuracy) * math.log(params),
        "compression_ratio": accuracy - 0.8 if accuracy < 0.9 - 0.1 else 1e6 / (4 * params),
    }
    assert one == pytest.approx(formulas[name], abs=1e-8, rel=1e-8)


@pytest.mark.parametrize("name", ["acuracy", "", None, 3])
def test_unknown_rewards_list_the_known(name: object) -> None:
    with pytest.raises(UnknownNameError, match="error_times_log_macs"):
        get_reward(name)  # type: ignore[arg-type]


FAMILY_IDS = {
    "channel_pruning": "AMC-ResNet20-v0",
    "fine_grained_pruning": "AMC-ResNet50-FineGrained-v0",
    "bit_allocation": "HAQ-ResNet20-v0",
    "deep_compression": "DeepCompression-LeNet300-v0",
    "operator_selection": "NAS-ProxylessCIFAR-v0",
}
PAIRS = [(family, name) for family in FAMILIES for name in REWARDS]


@pytest.mark.parametrize(("family", "name"), PAIRS)
def test_a_family_pays_what_it_takes_and_refuses_the_rest(family: str, name: str) -> None:
    taken = FAMILIES[family].rewards  # type: ignore[attr-defined]
    if name not in taken:
        for make in (gym.make, gym.make_vec):
            with pytest.raises(ArgumentError, match=f"valid: {', '.join(taken)};"):
                make(FAMILY_IDS[family], reward=name)
        return
    problem = gym.make(FAMILY_IDS[family], reward=name).unwrapped.problem  # type: ignore[attr-defined]
    outcome = problem.reference
    assert np.isfinite(outcome.reward).all()
    walker = problem.walker()
    walker.restore(outcome.designs[0].tolist())
    assert walker.result()[0] == outcome.reward[0]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_no_family_takes_a_reward_of_counts_that_all_its_designs_share(family: str) -> None:
    problem = gym.make(FAMILY_IDS[family]).unwrapped.problem  # type: ignore[attr-defined]
    cheapest = problem.decisions.designs(np.zeros((problem.horizon, 1), dtype=np.int64))
    costs = problem.evaluate(cheapest).costs
    for name in problem.rewards:
        quantity = problem.budget.quantity
        if name != "accuracy_times_cost":
            quantity = REWARDS[name].quantity
        assert quantity is None or costs[quantity][0] < problem.full_costs[quantity]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_accuracy_times_cost_weighs_the_budgeted_cost_in_every_family(family: str) -> None:
    made = gym.make(
        FAMILY_IDS[family], reward="accuracy_times_cost", budget=None, target=0.6, exponent=-0.3
    )
    problem = made.unwrapped.problem  # type: ignore[attr-defined]
    outcome, quantity = problem.reference, problem.budget.quantity
    ratio = outcome.costs[quantity][0] / (0.6 * problem.full_costs[quantity])
    assert outcome.reward[0] == pytest.approx(outcome.accuracy[0] * ratio**-0.3, rel=1e-8)
    again = make_problem(**problem.spec())
    assert again.reward == problem.reward  # type: ignore[attr-defined]


def test_the_budget_is_the_target_unless_one_is_given() -> None:
    problem = make_problem(
        "channel_pruning", network="resnet20", reward="accuracy_times_cost", budget={"size": 0.4}
    )
    assert problem.reward.quantity == "size"  # type: ignore[attr-defined]
    assert problem.reward.target == problem.budget.amount  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"target": 0.5}, ArgumentError, "target goes with reward 'accuracy_times_cost' only"),
        ({"exponent": -1.0}, ArgumentError, "exponent goes with"),
        ({"reward": "accuracy_times_cost", "budget": None}, ArgumentError, "target or a budget"),
        ({"reward": "accuracy_times_cost", "target": 1.5}, BudgetError, "target 1.5 is above 1"),
        ({"reward": "accuracy_times_cost", "exponent": 1}, ArgumentError, "from -10 to 0"),
        ({"budget": {"macs": None}}, ArgumentError, "budget=None goes with accuracy_times_cost"),
        ({"reward": lambda accuracy: accuracy}, ArgumentError, "docs/environments.md"),
    ],
)
def test_rewards_that_make_no_sense_are_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_problem("channel_pruning", network="resnet20", **arguments)


def test_the_page_shows_a_reward_of_ones_own_that_is_paid() -> None:
    page = Path(__file__).parents[2] / "docs" / "environments.md"
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    env = names["env"]
    env.reset(seed=0)
    ended = False
    while not ended:
        _, reward, ended, _, info = env.step(np.array([0.5], np.float32))
    assert reward == info["accuracy"] - 0.1 * info["cost_fractions"]["macs"]
