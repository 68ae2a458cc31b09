"""The budget: every walk meets it, and no option is lowered more than it has to be."""

from __future__ import annotations

from itertools import product
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwenvs
from hwenvs.errors import BudgetError
from hwenvs.hardware import HardwareModel, Workload
from hwenvs.networks import channel_groups, get_network
from hwenvs.problems import ChannelPruningProblem, make_problem

ids = st.sampled_from(tuple(hwenvs.ENVIRONMENTS))
budgeted = st.sampled_from(["paper", "projected", "parameters", "latency", "bumpy", "rough"])


@pytest.fixture(scope="module", params=["counts", "bumpy"])
def small(request: pytest.FixtureRequest, get_problem: Any) -> ChannelPruningProblem:
    """A problem with so few designs that all can be tried."""
    bumpy = get_problem("AMC-ResNet20-v0", "bumpy").hardware
    cost = {"counts": "macs", "bumpy": "latency"}[request.param]
    hardware = {"counts": "counts", "bumpy": bumpy}[request.param]
    return ChannelPruningProblem(
        "lenet5", hardware=hardware, cost=cost, budget=0.3, floor=0.2, round_to=5
    )


def all_designs(problem: ChannelPruningProblem) -> np.ndarray:
    """Every design there is."""
    return np.array(list(product(*(decision.kept.tolist() for decision in problem.decisions))))


@settings(max_examples=60, deadline=None)
@given(ids, budgeted, st.integers(0, 2**32 - 1), st.floats(0, 1), st.integers(1, 5))
def test_every_reachable_design_meets_its_budget(
    get_problem: Any, env_id: str, variant: str, seed: int, lowest: float, batch: int
) -> None:
    problem = get_problem(env_id, variant)
    rng = np.random.default_rng(seed)
    walk, walker = problem.start(batch), problem.walker()
    for _ in range(problem.horizon):
        actions = lowest + (1 - lowest) * rng.random((batch, 1))
        problem.push(walk, problem.decide(walk, actions))
        walker.act(float(actions[0, 0]))
    outcome = problem.finish(walk)
    cost = outcome.costs[problem.budget.quantity]
    assert outcome.feasible.all()
    assert (cost <= problem.budget.amount * (1 + 1e-12)).all()
    reward, info = walker.result()
    assert (reward, info["design"].tolist()) == (
        float(outcome.reward[0]),
        outcome.designs[0].tolist(),
    )


def test_the_cheapest_design_is_known_exactly(small: ChannelPruningProblem) -> None:
    costs = small.evaluate(all_designs(small)).costs[small.budget.quantity]
    assert small.budget.minimum == pytest.approx(costs.min(), rel=1e-12)


def test_options_are_lowered_no_more_than_needed(small: ChannelPruningProblem) -> None:
    designs = all_designs(small)
    costs = small.evaluate(designs).costs[small.budget.quantity]
    feasible = designs[costs <= small.budget.most]
    for asked in designs[::7]:
        reached: list[int] = []
        for t, entry in enumerate(asked):
            same_start = (feasible[:, :t] == reached).all(axis=1)
            possible = sorted(set(feasible[same_start, t].tolist()))
            below = [kept for kept in possible if kept <= entry]
            reached.append(below[-1] if below else possible[0])
        assert small.canonical([asked]).tolist() == [reached]


def test_asking_for_everything_spends_nearly_the_whole_budget(
    env_id: str, get_problem: Any
) -> None:
    for variant in ("paper", "projected"):
        problem = get_problem(env_id, variant)
        if problem.budget.amount == np.inf:
            continue  # an id without a budget: everything is affordable
        full = [[decision.size for decision in problem.decisions]]
        share = (
            problem.evaluate(problem.canonical(full)).costs[problem.budget.quantity][0]
            / problem.budget.amount
        )
        # Where options are few, the largest common factor may leave more unspent.
        assert (0.55 if len(problem.decisions[0].kept) < 8 else 0.88) < share <= 1.0


def test_projection_uses_the_largest_common_factor(table_id: str, get_problem: Any) -> None:
    problem = get_problem(table_id, "projected")
    rng = np.random.default_rng(0)
    options = np.stack([rng.integers(0, len(d.kept), 5) for d in problem.decisions])
    asked = problem.decisions.designs(options)
    asked[0] = [decision.size for decision in problem.decisions]
    for design, projected in zip(asked, problem.canonical(asked), strict=True):
        levels = np.arange(4097)
        options = problem.decisions.options([design])
        scaled = problem.decisions.designs(
            problem.decisions.scaled(np.repeat(options, 4097, axis=1), levels)
        )
        fits = problem.evaluate(scaled).costs[problem.budget.quantity] <= problem.budget.most
        assert projected.tolist() == scaled[np.flatnonzero(fits)[-1]].tolist()


def test_the_smallest_feasible_budget_is_the_one_in_the_message(env_id: str) -> None:
    arguments = {"network": hwenvs.ENVIRONMENTS[env_id].get("network", "proxyless_mobile")}
    if not channel_groups(get_network(arguments["network"])):
        pytest.skip("no channels to prune")
    with pytest.raises(BudgetError, match="smallest feasible fraction is") as caught:
        ChannelPruningProblem(**arguments, budget=0.001)
    fraction = float(str(caught.value).split("fraction is ")[1].split()[0])
    problem = ChannelPruningProblem(**arguments, budget=fraction)
    assert problem.reference.feasible.all()
    with pytest.raises(BudgetError):
        ChannelPruningProblem(**arguments, budget=fraction - 1e-4)


@pytest.mark.parametrize(
    ("family", "arguments", "hint"),
    [
        ("channel_pruning", {"network": "resnet20"}, "a lower floor= allows less"),
        ("channel_pruning", {"network": "resnet20", "round_to": 1000}, "a smaller round_to="),
        ("bit_allocation", {"network": "resnet20", "floor": 6}, "a lower floor= allows less"),
        ("fine_grained_pruning", {"network": "resnet50"}, ""),  # its table ends at its floor
        ("fine_grained_pruning", {"network": "resnet50", "cost": "macs"}, "is the same for every"),
        ("operator_selection", {"space": "proxyless_cifar"}, ""),
    ],
)
def test_the_message_of_a_small_budget_says_what_binds(
    family: str, arguments: dict[str, Any], hint: str
) -> None:
    with pytest.raises(BudgetError, match="smallest feasible fraction") as caught:
        make_problem(family, **arguments, budget=0.001)
    told = str(caught.value).partition(" (")[2]
    assert told.startswith(hint) if hint and "same" not in hint else hint in told
    assert bool(told) == bool(hint)


@pytest.mark.parametrize(
    ("family", "hardware", "cost", "told"),
    [
        ("fine_grained_pruning", "counts", "macs", r"allows 2\.04459e\+09 macs, but"),
        ("fine_grained_pruning", "counts", "params", r"allows 1\.27785e\+07 params, but"),
        ("fine_grained_pruning", "v100", "energy", r"allows 0\.11999 J of energy, but"),
        # Its sums from the front and from the back differ in the last bit.
        ("bit_allocation", "eie", "latency", " s of latency, but"),
    ],
)
def test_a_cost_that_no_decision_changes_asks_for_the_whole_budget_and_no_more(
    family: str, hardware: str, cost: str, told: str
) -> None:
    arguments = {"network": "resnet50", "hardware": hardware, "cost": cost}
    with pytest.raises(BudgetError, match=told) as caught:
        make_problem(family, **arguments, budget=0.5)
    assert "the smallest feasible fraction is 1.0000 (" in str(caught.value)
    assert make_problem(family, **arguments, budget=1.0).reference.feasible.all()


def test_what_the_message_advises_does_allow_less() -> None:
    for arguments in ({"floor": 0.5}, {"round_to": 8}):
        coarse = make_problem("channel_pruning", network="resnet20", budget=1.0, **arguments)
        fine = {"floor": 0.2} if "floor" in arguments else {"round_to": 1}
        finer = make_problem("channel_pruning", network="resnet20", budget=1.0, **fine)
        assert finer.budget.minimum < coarse.budget.minimum  # type: ignore[attr-defined]


@pytest.mark.parametrize("quantity", ["macs", "params", "size"])
def test_absolute_budgets_end_at_the_uncompressed_network(quantity: str) -> None:
    def made(budget: float) -> ChannelPruningProblem:
        return ChannelPruningProblem(
            "resnet20", budget=budget, cost=quantity, budget_units="absolute"
        )

    full = ChannelPruningProblem("resnet20").full_costs[quantity]
    assert made(full).budget.fraction == pytest.approx(1.0)
    with pytest.raises(BudgetError, match=r"is above .* what the uncompressed network costs"):
        made(full * 1.001)


def test_without_a_budget_everything_is_affordable(env_id: str, get_problem: Any) -> None:
    problem = get_problem(env_id, "free")
    full = [[decision.size for decision in problem.decisions]]
    assert problem.canonical(full).tolist() == full
    assert problem.evaluate(full).feasible.all()


def test_what_costs_nothing_cannot_be_budgeted() -> None:
    class Free(HardwareModel):
        name, source, quantities = "free", "a test", ("latency",)

        def layer_costs(self, workload: Workload) -> dict[str, np.ndarray]:
            return {"latency": np.zeros(workload.shape)}

    with pytest.raises(BudgetError, match="latency of the uncompressed network is 0 s"):
        ChannelPruningProblem("resnet20", hardware=Free(), cost="latency")
    assert ChannelPruningProblem("resnet20", hardware=Free()).full_costs["latency"] == 0.0


@pytest.mark.parametrize(
    ("environment", "reward"),
    [
        ("AMC-ResNet20-v0", "error_times_log_macs"),
        ("NAS-ProxylessCIFAR-v0", "accuracy_times_cost"),
    ],
)
def test_a_cost_without_a_limit_is_left_out_of_several(environment: str, reward: str) -> None:
    with pytest.raises(BudgetError, match="not None: leave macs out"):
        gym.make(environment, reward=reward, budget={"macs": None, "params": 0.9})


def test_a_single_cost_may_be_named_without_a_limit() -> None:
    made = gym.make("AMC-ResNet20-v0", reward="error_times_log_macs", budget={"macs": None})
    (budget,) = made.unwrapped.problem.budgets
    assert (budget.quantity, budget.amount) == ("macs", np.inf)
