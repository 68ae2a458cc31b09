"""Choices of operators: masks, what stands for a masked one, continuous and bad ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.errors import ActionError
from hwenvs.hardware.operators import operator_costs
from hwenvs.problems import OperatorSelectionProblem
from hwenvs.proxies import OperatorTable

MakeTable = Callable[..., OperatorTable]
IDS = ("NAS-Proxyless-v0", "NAS-ProxylessCIFAR-v0")


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("constraint", ["bounded", "projected", "backoff"])
def test_choices_that_are_not_masked_are_taken_as_they_are(env_id: str, constraint: str) -> None:
    env = gym.make(env_id, budget=0.4, constraint=constraint).unwrapped
    random = np.random.default_rng(3)
    for _ in range(20):
        _, info = env.reset()
        taken, ended = [], False
        while not ended:
            mask = info["action_mask"]
            assert mask.tolist() == env.action_masks().tolist()
            choice = random.choice(np.flatnonzero(mask))
            _, _, ended, _, info = env.step(choice)
            taken.append(choice + 1)
        assert info["feasible"]
        if constraint == "bounded":
            assert info["design"].tolist() == taken


def test_masks_leave_out_exactly_what_no_continuation_can_pay_for(made_up: MakeTable) -> None:
    problem = OperatorSelectionProblem("proxyless_digits", made_up("proxyless_digits"), budget=0.45)
    space = problem.space
    costs = operator_costs(space, problem.hardware)
    table, rest = costs.of("latency"), costs.constant[costs.quantities.index("latency")]
    cheapest = [np.nanmin(row) for row in table]
    walk = problem.start(1)
    spent = rest
    for t, block in enumerate(space.blocks):
        mask = problem.action_mask(walk)[0]
        for entry in range(1, 8):
            least = spent + table[t, entry - 1] + sum(cheapest[t + 1 :])
            fits = entry in block.entries and least <= problem.budget.limit
            assert mask[entry - 1] == fits
        chosen = int(np.flatnonzero(mask)[-1])
        spent += table[t, chosen]
        problem.push(walk, problem.decide(walk, np.array([chosen])))
    assert problem.action_mask(walk).all()


def test_the_spaces_sample_what_the_mask_in_the_info_allows() -> None:
    env, envs = gym.make(IDS[1], budget=0.3), gym.make_vec(IDS[1], num_envs=3, budget=0.3)
    _, info = env.reset()
    _, infos = envs.reset()
    env.action_space.seed(0)
    envs.action_space.seed(0)
    for _ in range(envs.problem.horizon - 1):  # type: ignore[attr-defined]
        assert info["action_mask"].dtype == infos["action_mask"].dtype == np.int8
        assert env.unwrapped.action_masks().dtype == bool  # type: ignore[attr-defined]
        choice = env.action_space.sample(info["action_mask"])
        choices = envs.action_space.sample(mask=tuple(infos["action_mask"]))
        assert env.unwrapped.action_masks()[choice]  # type: ignore[attr-defined]
        assert envs.action_masks()[np.arange(3), choices].all()  # type: ignore[attr-defined]
        info, infos = env.step(choice)[-1], envs.step(choices)[-1]


def test_a_masked_choice_stands_for_the_largest_below_that_is_not() -> None:
    env = gym.make("NAS-ProxylessCIFAR-v0", budget=0.35).unwrapped
    _, info = env.reset()
    while info["action_mask"].all():
        _, _, _, _, info = env.step(6)
    allowed = np.flatnonzero(info["action_mask"])
    wanted = int(np.flatnonzero(info["action_mask"] == 0)[-1])
    below = allowed[allowed < wanted]
    env.step(wanted)
    assert env.get_state()[-1] == (below[-1] if len(below) else allowed[0]) + 1


def test_continuous_actions_ask_for_the_same_designs(made_up: MakeTable) -> None:
    table = made_up("proxyless_cifar")
    problem = OperatorSelectionProblem("proxyless_cifar", table, actions="continuous", budget=1.0)
    assert isinstance(problem.action_space, gym.spaces.Box)
    designs = problem.space.sample(20, 4)
    walk = problem.start(20)
    for t in range(problem.horizon):
        problem.push(walk, problem.decide(walk, problem.actions(designs)[:, t]))
    assert np.array_equal(problem.finish(walk).designs, designs)
    with pytest.raises(ActionError, match="only choices have masks"):
        problem.action_mask(walk)


@pytest.mark.parametrize(
    ("action", "message"),
    [(7, "7 is not a whole number from 0 to 6"), (-1, "-1"), (1.0, "float64"), ([1, 2], r"\(2,\)")],
)
def test_bad_choices_are_refused(action: Any, message: str) -> None:
    env = gym.make("NAS-ProxylessCIFAR-v0").unwrapped
    env.reset()
    with pytest.raises(ActionError, match=message):
        env.step(action)
    envs = gym.make_vec("NAS-ProxylessCIFAR-v0", num_envs=2)
    envs.reset()
    with pytest.raises(ActionError):
        envs.step(np.array([0, action]) if np.isscalar(action) else np.array(action * 2))
