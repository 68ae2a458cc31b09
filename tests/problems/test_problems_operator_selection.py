"""Operator selection: features, budgets, rewards, and tables that lead to accuracies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.baselines.exact import find_optimum
from hwenvs.errors import ArgumentError, BudgetError, ProxyError, UnknownNameError
from hwenvs.hardware import Workload, get_hardware
from hwenvs.networks import OPERATORS, SPACES, get_space
from hwenvs.problems import OperatorSelectionProblem, make_problem
from hwenvs.problems.budgeting import compile_budget
from hwenvs.problems.features import OPERATOR_FEATURES
from hwenvs.problems.rewards import TargetReward, get_reward
from hwenvs.proxies import OperatorTable
from hwenvs.proxies.operators import transferred

MakeTable = Callable[..., OperatorTable]
IDS = ("NAS-Proxyless-v0", "NAS-ProxylessCIFAR-v0")


@pytest.fixture(scope="module")
def problem(made_up: MakeTable) -> OperatorSelectionProblem:
    return OperatorSelectionProblem("proxyless_cifar", made_up("proxyless_cifar"))


@pytest.mark.parametrize("env_id", IDS)
def test_latency_and_macs_can_be_budgeted_at_once(env_id: str) -> None:
    problem = gym.make(env_id, budget={"latency": 0.5, "macs": 0.5}).unwrapped.problem
    largest = problem.canonical([[decision.size for decision in problem.decisions]])
    fractions = problem.fractions(problem.evaluate(largest).costs)
    assert fractions["latency"][0] <= 0.5 + 1e-9
    assert fractions["macs"][0] <= 0.5 + 1e-9


@pytest.mark.parametrize("space", ["proxyless", "proxyless_cifar"])
@pytest.mark.parametrize("hardware", ["mobile", "cpu", "gpu"])
def test_no_cost_but_one_falls_from_an_operator_to_the_next(
    made_up: MakeTable, space: str, hardware: str
) -> None:
    tables = OperatorSelectionProblem(space, made_up(space), hardware).tables
    falls = {q for q in tables.quantities if not compile_budget(tables, q, None).lowest_is_cheapest}
    assert falls == ({"latency"} if (space, hardware) == ("proxyless_cifar", "mobile") else set())


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("hardware", ["mobile", "cpu", "gpu", "counts"])
def test_costs_are_those_of_the_architecture_as_a_whole(
    made_up: MakeTable, name: str, hardware: str
) -> None:
    if hardware == "cpu" and name not in ("proxyless", "proxyless_cifar"):
        pytest.skip("not profiled")
    cost = "latency" if hardware != "counts" else "macs"
    problem = OperatorSelectionProblem(name, made_up(name), hardware, 0.99, cost)
    designs = problem.space.sample(6, 0)
    outcome = problem.evaluate(designs)
    for row, design in enumerate(designs):
        workload = Workload.of(problem.space.network(design))
        expected = dict(get_hardware("counts").cost(workload))
        expected.update(get_hardware(hardware).cost(workload))
        assert set(outcome.costs) == set(expected)
        for quantity, values in expected.items():
            assert outcome.costs[quantity][row] == pytest.approx(float(values[0]), rel=1e-12)


def test_accuracies_are_those_of_the_table(problem: OperatorSelectionProblem) -> None:
    designs = problem.space.sample(50, 1)
    assert np.array_equal(problem.evaluate(designs).accuracy, problem.proxy.evaluate(designs))


@pytest.mark.parametrize("seed", range(3))
def test_the_certified_optimum_is_the_best_of_all_architectures(
    made_up: MakeTable, seed: int
) -> None:
    problem = OperatorSelectionProblem(
        "proxyless_digits", made_up("proxyless_digits", seed), budget=0.6
    )
    grids = np.meshgrid(*(block.entries for block in problem.space.blocks), indexing="ij")
    everything = np.stack([grid.ravel() for grid in grids], axis=1)
    outcome = problem.evaluate(everything)
    best = outcome.reward[outcome.feasible].max()
    found = find_optimum(problem)
    assert found.proved
    assert found.reward == best


def test_the_optimum_of_accuracy_times_cost_is_certified_without_a_budget(
    made_up: MakeTable,
) -> None:
    problem = OperatorSelectionProblem(
        "proxyless_digits",
        made_up("proxyless_digits"),
        reward="accuracy_times_cost",
        budget=None,
        target=0.4,
        exponent=-0.3,
    )
    grids = np.meshgrid(*(block.entries for block in problem.space.blocks), indexing="ij")
    outcome = problem.evaluate(np.stack([grid.ravel() for grid in grids], axis=1))
    assert find_optimum(problem).reward == outcome.reward.max()
    ratio = outcome.costs["latency"] / (0.4 * problem.full_costs["latency"])
    assert np.allclose(outcome.reward, outcome.accuracy * ratio**-0.3, rtol=1e-8)


@given(st.floats(0.01, 0.99), st.floats(1e-4, 1.0), st.floats(-1.0, 0.0))
def test_accuracy_times_cost_pays_one_as_it_pays_many(
    accuracy: float, latency: float, exponent: float
) -> None:
    reward = get_reward("accuracy_times_cost")
    assert isinstance(reward, TargetReward)
    reward = replace(reward, target=0.01, exponent=exponent)
    one = reward.of_one(accuracy, {"latency": latency})
    assert reward.of(np.array([accuracy]), {"latency": np.array([latency])}).tolist() == [one]
    assert one == pytest.approx(accuracy * (latency / 0.01) ** exponent, rel=1e-8, abs=2e-9)


def test_features_tell_what_is_spent_and_what_is_left(problem: OperatorSelectionProblem) -> None:
    walk = problem.start(1)
    full = problem.full_costs["latency"]
    for t, block in enumerate(problem.space.blocks):
        seen = dict(zip(OPERATOR_FEATURES, problem.observe(walk)[0], strict=True))
        assert seen["optional"] == float(block.residual)
        assert seen["spent"] == pytest.approx(walk.spent[0] / full, abs=1e-6)
        assert seen["left"] == pytest.approx(0.5 - walk.spent[0] / full, abs=1e-6)
        assert seen["previous"] == pytest.approx(problem.entries(walk)[0, -1] / 7 if t else 0.0)
        problem.push(walk, problem.decide(walk, np.array([t % 7])))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"budget": 0.01}, BudgetError, "smallest feasible fraction"),
        ({"reward": "accuracy", "budget": None}, ArgumentError, "needs a budget"),
        ({"reward": "accuracy_times_cost", "budget": None}, ArgumentError, "target or a budget"),
        ({"reward": "error_times_log_macs"}, ArgumentError, "valid: accuracy, accuracy_change"),
        ({"exponent": 1, "reward": "accuracy_times_cost"}, ArgumentError, "exponent"),
        ({"actions": "both"}, ArgumentError, "'discrete' or 'continuous'"),
        ({"proxy": "surogate"}, UnknownNameError, "Did you mean 'surrogate'"),
        ({"proxy": "zero_cost:synflw"}, UnknownNameError, "Did you mean 'synflow'"),
        ({"proxy": {"name": "surrogate", "images": 9}}, ArgumentError, "takes no images"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_problem("operator_selection", space="proxyless_cifar", **arguments)


def test_a_table_of_another_space_is_refused(made_up: MakeTable) -> None:
    with pytest.raises(ProxyError, match="needs"):
        OperatorTable(
            get_space("proxyless_cifar"),
            made_up("proxyless_digits").pairs,
            made_up("proxyless_digits").curve,
            made_up("proxyless_digits").card,
        )


def test_accuracies_of_the_large_space_are_transferred_and_say_so() -> None:
    problem = gym.make("NAS-Proxyless-v0").unwrapped.problem
    assert problem.card.basis == "transferred"
    assert problem.card.extra["measured_on"] == "proxyless_cifar"
    assert "do not quote" in problem.card.notes


def test_a_transferred_table_weighs_stages_as_its_source_does(made_up: MakeTable) -> None:
    source, space = made_up("proxyless_cifar"), get_space("proxyless")
    table = transferred(source, space)
    assert (table.pairs >= 0).all()
    for t, block in enumerate(space.blocks):
        offered = np.array(block.entries) - 1
        assert table.pairs[t][:, offered].min() == 0.0  # the best operator loses nothing
    # The table of the same space is itself, up to what neighbours do to each other.
    same = transferred(source, source.space)
    assert same.pairs.shape == source.pairs.shape


def test_operators_have_the_names_that_designs_are_shown_with(
    problem: OperatorSelectionProblem,
) -> None:
    assert problem.levels == tuple(operator.name for operator in OPERATORS)
    text = gym.make("NAS-ProxylessCIFAR-v0", render_mode="ansi")
    text.reset()
    text.step(3)
    assert "mb3_k7" in text.render()
