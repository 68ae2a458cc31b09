"""The certified optimum: equal to brute force, proved, and walkable."""

from __future__ import annotations

from itertools import product

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwenvs.baselines.exact import find_optimum, optimum
from hwenvs.baselines.lagrangian import Pricing
from hwenvs.baselines.targets import Objective, lower_bounds, prices
from hwenvs.errors import SolverError
from hwenvs.networks import channel_groups, get_network
from hwenvs.problems.channel_pruning import ChannelPruningProblem
from hwenvs.proxies import AccuracyCurve, Card, SurrogateProxy, Sweep


def random_proxy(network: str, seed: int, interacting: bool) -> SurrogateProxy:
    """A table of random divergences, not even monotone."""
    rng = np.random.default_rng(seed)
    groups = channel_groups(get_network(network))
    sweeps = []
    for group in groups:
        kept = np.unique(np.append(rng.integers(1, group.channels, 6), [1, group.channels]))
        divergence = rng.random(len(kept)) * rng.random()
        divergence[-1] = 0.0
        sweeps.append(Sweep(group.name, group.channels, kept, divergence))
    interaction = rng.uniform(-0.5, 2.0, len(groups)) * interacting
    interaction[0] = 0.0
    curve = AccuracyCurve([0.0, 0.5, 1.0, 4.0], [0.9, 0.7, 0.3, 0.1], "curve")
    card = Card(network, "channel_pruning", "measured", "none", 0, "", "2026-01-01", 0.9, "top1")
    return SurrogateProxy(sweeps, interaction, curve, card)


def brute_force(problem: ChannelPruningProblem) -> tuple[float, float]:
    """Reward and least divergence of the best of all designs."""
    designs = np.array(list(product(*(decision.kept.tolist() for decision in problem.decisions))))
    outcome = problem.evaluate(designs)
    spent = outcome.costs[problem.budget.quantity]
    reward = np.where(spent <= problem.budget.limit, outcome.reward, -np.inf)
    best = float(reward.max())
    return best, float(outcome.divergence[reward == best].min())


def limited(proxy: SurrogateProxy, share: float, **arguments: object) -> ChannelPruningProblem:
    """A problem whose budget lies ``share`` of the way from the cheapest design to all channels."""
    whole = ChannelPruningProblem("alexnet", proxy=proxy, budget=1.0, **arguments).budget
    amount = whole.minimum + share * (whole.full - whole.minimum)
    return ChannelPruningProblem(
        "alexnet", proxy=proxy, budget=amount, budget_units="absolute", **arguments
    )


PROBLEMS = st.fixed_dictionaries(
    {
        "hardware": st.sampled_from(["counts", "roofline", "mobile"]),
        "cost": st.sampled_from(["macs", "params", "latency"]),
        "reward": st.sampled_from(["accuracy", "error_times_log_macs", "error_times_log_params"]),
        "round_to": st.sampled_from([128, 160, 200]),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    interacting=st.booleans(),
    share=st.floats(0.0, 1.0),
    arguments=PROBLEMS,
)
def test_the_optimum_equals_brute_force(
    seed: int, interacting: bool, share: float, arguments: dict
) -> None:
    if arguments["cost"] == "latency" and arguments["hardware"] == "counts":
        arguments = {**arguments, "hardware": "roofline"}
    proxy = random_proxy("alexnet", seed, interacting)
    problem = limited(proxy, share, **arguments)
    found = find_optimum(problem)
    reward, divergence = brute_force(problem)
    assert found.proved
    assert found.reward == found.bound == reward
    assert found.divergence == divergence or problem.reward.quantity is not None


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    reward=st.sampled_from(["error_times_log_macs", "error_times_log_params"]),
)
def test_trade_offs_without_a_budget_equal_brute_force(seed: int, reward: str) -> None:
    proxy = random_proxy("alexnet", seed, interacting=True)
    problem = ChannelPruningProblem(
        "alexnet", proxy=proxy, budget=None, reward=reward, round_to=160
    )
    found = find_optimum(problem)
    assert found.proved
    assert found.reward == brute_force(problem)[0]


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0.0, 1.0),
    factor=st.floats(0.0, 4.0),
)
def test_no_design_lies_below_a_lagrangian_bound(seed: int, share: float, factor: float) -> None:
    proxy = random_proxy("alexnet", seed, interacting=True)
    problem = limited(proxy, share, round_to=200)
    objective = Objective.of(problem)
    best = prices(objective, objective.limit)[0][-1]
    pricing = Pricing.of(objective.chain, factor * best.price)
    outcome = problem.evaluate(
        np.array(list(product(*(decision.kept.tolist() for decision in problem.decisions))))
    )
    within = outcome.costs["macs"] <= problem.budget.limit
    bound = lower_bounds([pricing], objective.limit[None, :])[0]
    assert bound <= outcome.divergence[within].min() + 1e-12


def test_the_optimum_of_every_table_is_proved_and_can_be_walked(table_id: str) -> None:
    env = gym.make(table_id)
    problem = env.unwrapped.problem  # type: ignore[attr-defined]
    found = optimum(problem)
    assert found.proved
    assert found.gap == 0
    assert found.reward >= float(problem.reference.reward[0])
    env.reset()
    for action in problem.actions(np.array([found.design]))[0]:
        _, reward, _, _, info = env.step(action)
    assert info["design"].tolist() == list(found.design)
    assert reward == found.reward


def test_no_random_design_beats_the_optimum(table_id: str) -> None:
    problem = gym.make(table_id).unwrapped.problem  # type: ignore[attr-defined]
    walk = problem.start(2000)
    rng = np.random.default_rng(0)
    for _ in range(problem.horizon):
        problem.push(walk, problem.decide(walk, rng.random((2000, 1))))
    assert problem.finish(walk).reward.max() <= optimum(problem).reward


def test_a_search_without_room_tells_its_gap() -> None:
    proxy = random_proxy("vgg16", 1, interacting=True)
    problem = ChannelPruningProblem("vgg16", proxy=proxy)
    rough, full = find_optimum(problem, widths=(1,)), find_optimum(problem)
    assert full.proved
    assert not rough.proved
    assert rough.reward <= full.reward <= rough.bound
    assert "not proved" in rough.certificate


def test_the_optimum_is_found_once_a_problem() -> None:
    problem = gym.make("AMC-ResNet20-v0").unwrapped.problem  # type: ignore[attr-defined]
    assert optimum(problem) is optimum(problem)


def test_proxies_without_tables_have_no_exact_optimum() -> None:
    class Flat:
        baseline, deterministic = 0.9, True
        card = random_proxy("alexnet", 0, interacting=False).card

        def evaluate(self, designs: np.ndarray) -> np.ndarray:
            return np.full(len(designs), 0.9)

    with pytest.raises(SolverError, match="additive tables"):
        optimum(ChannelPruningProblem("alexnet", proxy=Flat()))
