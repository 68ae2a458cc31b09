"""Bit allocation: bits, what they cost, HAQ's actions and its back-off."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.baselines.exact import optimum
from hwenvs.errors import ArgumentError, BudgetError, ProxyError
from hwenvs.hardware import Workload, get_hardware
from hwenvs.networks import get_network
from hwenvs.problems import make_problem
from hwenvs.problems.bit_allocation import BitAllocationProblem
from hwenvs.solving import solve

FAMILY = "bit_allocation"


def make(**arguments: object) -> BitAllocationProblem:
    made = make_problem(FAMILY, **{"network": "resnet20", **arguments})
    assert isinstance(made, BitAllocationProblem)
    return made


def test_actions_are_shared_out_evenly_as_in_haq() -> None:
    problem = make(budget=1.0, hardware="counts", cost="size")
    walk = problem.start(1001)
    actions = np.linspace(0, 1, 1001, dtype=np.float32)[:, None]
    bits = problem.decisions[0].kept[problem.decide(walk, actions)]
    paper = np.floor(2 - 0.5 + actions[:, 0].astype(np.float64) * 7 + 0.5)
    assert np.array_equal(bits, np.minimum(paper, 8))


def test_costs_are_those_of_the_hardware_on_the_same_bits() -> None:
    network = get_network("resnet20")
    rng = np.random.default_rng(0)
    designs = rng.integers(2, 9, (5, len(make().decisions)))
    bits = np.full((2, 5, len(network.layers)), 8)
    bits[:, :, 1:-1] = designs.reshape(5, -1, 2).transpose(2, 0, 1)
    workload = Workload.make(network.layers, weight_bits=bits[0], activation_bits=bits[1])
    for name in ("bismo-edge", "bitfusion", "horowitz"):
        chip = get_hardware(name)
        problem = make(hardware=name, cost=chip.quantities[-1], budget=0.9)
        costs = problem.evaluate(designs).costs
        expected = chip.cost(workload)
        for quantity in chip.quantities:
            assert np.allclose(costs[quantity], expected[quantity], rtol=1e-12)


def test_the_uncompressed_network_has_eight_bits_everywhere() -> None:
    problem = make()
    whole = problem.evaluate([[8] * problem.horizon])
    assert whole.costs["latency"][0] == pytest.approx(problem.full_costs["latency"], rel=1e-12)
    assert whole.divergence[0] == 0
    assert whole.accuracy[0] == problem.baseline


def test_more_bits_never_lower_the_accuracy() -> None:
    problem = make()
    rng = np.random.default_rng(1)
    few = rng.integers(2, 9, (200, problem.horizon))
    more = np.minimum(few + rng.integers(0, 3, few.shape), 8)
    assert (problem.evaluate(more).accuracy >= problem.evaluate(few).accuracy).all()


def test_the_back_off_lowers_bit_by_bit_from_the_end() -> None:
    problem = make(constraint="backoff")
    rng = np.random.default_rng(2)
    asked = rng.integers(2, 9, (20, problem.horizon))
    asked[0] = 8
    for design, kept in zip(asked, problem.canonical(asked), strict=True):
        bits = design.copy()
        t = problem.horizon
        while problem.evaluate([bits]).costs["latency"][0] > problem.budget.most:
            t = t - 1 if t else problem.horizon - 1
            bits[t] = max(bits[t] - 1, 2)
        assert kept.tolist() == bits.tolist()


def test_haqs_reward_is_a_tenth_of_the_change_in_percent() -> None:
    plain, papers = make(), make(reward="accuracy_change")
    design = plain.reference.designs
    drop = 100 * (plain.evaluate(design).accuracy - plain.baseline)
    assert papers.evaluate(design).reward == pytest.approx(0.1 * drop)


def test_the_papers_floor_is_two_bits_and_others_can_be_asked_for() -> None:
    assert make().decisions[0].kept.tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert make(floor=1).decisions[5].kept.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_an_episode_ends_within_its_latency() -> None:
    env = gym.make("HAQ-ResNet20-v0", budget=0.25)
    env.reset(seed=0)
    env.action_space.seed(0)
    done = False
    while not done:
        _, reward, done, _, info = env.step(env.action_space.sample())
    assert info["cost_fractions"]["latency"] <= 0.25
    assert reward == info["accuracy"]
    assert set(info["design"].tolist()) <= set(range(2, 9))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"network": "vgg16"}, ProxyError, "hwenvs calibrate"),
        ({"floor": 0}, ArgumentError, "1 to 8 bits"),
        ({"floor": 2.5}, ArgumentError, "1 to 8 bits"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(**arguments)


BOTH = {"latency": 0.3, "size": 0.5}


@pytest.mark.parametrize("constraint", ["bounded", "projected", "backoff"])
def test_several_budgets_are_met_at_once(constraint: str) -> None:
    problem = make(budget=BOTH, constraint=constraint)
    rng = np.random.default_rng(3)
    outcome = problem.evaluate(problem.canonical(rng.integers(2, 9, (300, problem.horizon))))
    assert outcome.feasible.all()
    fractions = problem.fractions(outcome.costs)
    for quantity, limit in BOTH.items():
        assert (fractions[quantity] <= limit * (1 + 1e-9)).all()
        assert fractions[quantity].max() > 0.95 * limit


def test_two_budgets_allow_less_than_either() -> None:
    both = optimum(make(budget=BOTH))
    alone = [optimum(make(budget={name: limit})) for name, limit in BOTH.items()]
    assert both.proved
    assert both.accuracy <= min(one.accuracy for one in alone)
    assert both.accuracy >= make(budget=BOTH).reference.accuracy[0]


def test_the_agent_keeps_several_budgets() -> None:
    run = solve("decomposition", "HAQ-ResNet20-v0", 80, budget=BOTH)
    assert run.scores is not None
    assert max(run.scores) > 0.5


def test_several_budgets_on_costs_that_fall_are_refused(get_problem: Any) -> None:
    bumpy = get_problem("HAQ-ResNet20-v0", "bumpy").hardware
    with pytest.raises(BudgetError, match="several budgets at once need costs that never fall"):
        make(hardware=bumpy, budget={"latency": 0.5, "size": 0.5})
    with pytest.raises(BudgetError, match="names none"):
        make(budget={})
