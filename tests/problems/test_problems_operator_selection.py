"""Operator selection: masks, features, budgets, rewards, and tables that lead to accuracies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.baselines.exact import find_optimum
from hwenvs.errors import ActionError, ArgumentError, BudgetError, ProxyError, UnknownNameError
from hwenvs.hardware import Workload, get_hardware
from hwenvs.hardware.operators import operator_costs
from hwenvs.networks import OPERATORS, SPACES, get_space
from hwenvs.problems import OperatorSelectionProblem, make_problem
from hwenvs.problems.budgeting import compile_budget
from hwenvs.problems.features import OPERATOR_FEATURES
from hwenvs.problems.rewards import TargetReward, get_reward
from hwenvs.proxies import AccuracyCurve, Card, OperatorTable
from hwenvs.proxies.operators import transferred

IDS = ("NAS-Proxyless-v0", "NAS-ProxylessCIFAR-v0")


def made_up(space_name: str, seed: int = 0) -> OperatorTable:
    """A table of random losses."""
    space = get_space(space_name)
    pairs = np.random.default_rng(seed).random((len(space.blocks), 7, 7))
    card = Card(space_name, "operator_selection", "measured", "none", 0, "", "2026-01-01", 0.9, "")
    return OperatorTable(space, pairs, AccuracyCurve([0.0, 3.0, 30.0], [0.9, 0.7, 0.1], "x"), card)


@pytest.fixture(scope="module")
def problem() -> OperatorSelectionProblem:
    return OperatorSelectionProblem("proxyless_cifar", made_up("proxyless_cifar"))


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


def test_masks_leave_out_exactly_what_no_continuation_can_pay_for() -> None:
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


@pytest.mark.parametrize("env_id", IDS)
def test_latency_and_macs_can_be_budgeted_at_once(env_id: str) -> None:
    problem = gym.make(env_id, budget={"latency": 0.5, "macs": 0.5}).unwrapped.problem
    largest = problem.canonical([[decision.size for decision in problem.decisions]])
    fractions = problem.fractions(problem.evaluate(largest).costs)
    assert fractions["latency"][0] <= 0.5 + 1e-9
    assert fractions["macs"][0] <= 0.5 + 1e-9


@pytest.mark.parametrize("space", ["proxyless", "proxyless_cifar"])
@pytest.mark.parametrize("hardware", ["mobile", "cpu", "gpu"])
def test_no_cost_but_one_falls_from_an_operator_to_the_next(space: str, hardware: str) -> None:
    tables = OperatorSelectionProblem(space, made_up(space), hardware).tables
    falls = {q for q in tables.quantities if not compile_budget(tables, q, None).lowest_is_cheapest}
    assert falls == ({"latency"} if (space, hardware) == ("proxyless_cifar", "mobile") else set())


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


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("hardware", ["mobile", "cpu", "gpu", "counts"])
def test_costs_are_those_of_the_architecture_as_a_whole(name: str, hardware: str) -> None:
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
def test_the_certified_optimum_is_the_best_of_all_architectures(seed: int) -> None:
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


def test_the_optimum_of_accuracy_times_cost_is_certified_without_a_budget() -> None:
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


def test_continuous_actions_ask_for_the_same_designs() -> None:
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


def test_a_table_of_another_space_is_refused() -> None:
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


def test_a_transferred_table_weighs_stages_as_its_source_does() -> None:
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
