"""Rewards: AMC's three formulas, without the last bits of a library's logarithm."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.errors import UnknownNameError
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
