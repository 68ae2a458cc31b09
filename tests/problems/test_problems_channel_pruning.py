"""Channel pruning as AMC poses it: designs, replay, features, other proxies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwenvs
from hwenvs.environment import DesignEnv
from hwenvs.errors import ArgumentError, ProxyError, UnknownNameError
from hwenvs.networks import get_network
from hwenvs.problems import ChannelPruningProblem, make_problem
from hwenvs.problems.features import BIT_FEATURES, FEATURES
from hwenvs.proxies import Card, analytic_proxy

AMC_HALF_MACS = (24, 48, 96, 80, 192, 200, 328, 352, 368, 360, 328, 400, 736, 752)
"""Channels of AMC's released MobileNetV1 at 50 % of the FLOPs."""

ids = st.sampled_from(tuple(hwenvs.ENVIRONMENTS))
variants = st.sampled_from(["paper", "projected", "latency", "bumpy", "rough", "coarse", "free"])


def random_designs(problem: ChannelPruningProblem, seed: int, batch: int) -> np.ndarray:
    """Designs among the options."""
    rng = np.random.default_rng(seed)
    options = np.stack([rng.integers(0, len(d.kept), batch) for d in problem.decisions])
    return problem.decisions.designs(options)


def test_amcs_released_design_is_an_option_and_costs_what_was_counted() -> None:
    problem = ChannelPruningProblem("mobilenet_v1", floor=0.1)
    outcome = problem.evaluate([AMC_HALF_MACS])
    # Counted with a 1,001-class head; this one has 1,000.
    assert outcome.costs["macs"][0] + AMC_HALF_MACS[-1] == pytest.approx(293.9e6, rel=2e-4)
    assert not outcome.feasible[0]
    assert 0.0 < outcome.accuracy[0] < problem.baseline


@settings(max_examples=40, deadline=None)
@given(ids, variants, st.integers(0, 2**32 - 1))
def test_canonical_designs_are_fixed_points_that_episodes_reach(
    get_problem: Any, env_id: str, variant: str, seed: int
) -> None:
    problem = get_problem(env_id, variant)
    canonical = problem.canonical(random_designs(problem, seed, 3))
    assert np.array_equal(problem.canonical(canonical), canonical)
    outcome = problem.evaluate(canonical)
    assert outcome.feasible.all()
    env = DesignEnv(problem)
    for index, actions in enumerate(problem.actions(canonical)):
        env.reset()
        for action in actions:
            _, reward, _, _, info = env.step(action)
        assert info["design"].tolist() == canonical[index].tolist()
        assert reward == outcome.reward[index]
        assert info["accuracy"] == outcome.accuracy[index]
        for quantity, cost in info["costs"].items():
            assert cost == outcome.costs[quantity][index]


def test_a_batch_of_designs_has_the_outcomes_of_its_members(problem: ChannelPruningProblem) -> None:
    designs = random_designs(problem, 1, 8)
    together = problem.evaluate(designs)
    alone = [problem.evaluate(design[None]) for design in designs]
    assert together.reward.tolist() == [float(one.reward[0]) for one in alone]
    assert together.divergence.tolist() == [float(one.divergence[0]) for one in alone]


def test_the_table_and_the_proxy_agree_bit_for_bit(table_id: str, get_problem: Any) -> None:
    problem = get_problem(table_id)
    designs = random_designs(problem, 2, 50)
    outcome = problem.evaluate(designs)
    assert np.array_equal(outcome.divergence, problem.proxy.total_divergence(designs))
    assert np.array_equal(outcome.accuracy, problem.proxy.evaluate(designs))


def test_the_reference_is_uniform_and_fits(env_id: str, get_problem: Any) -> None:
    problem = get_problem(env_id)
    reference = problem.reference
    assert reference.feasible.all()
    if problem.levels:
        entries = set(reference.designs[0].tolist())
        assert len(entries - {2}) <= 1  # one operator; the smallest where it is not offered
        return
    if env_id.startswith("DeepCompression"):
        return  # densities and codebooks alternate; its own tests say what the reference is
    fractions = reference.designs[0] / [decision.size for decision in problem.decisions]
    step = max(problem.round_to / decision.size for decision in problem.decisions)
    assert fractions.max() - fractions.min() <= step + 1e-9
    most = problem.decisions.designs(np.array([[len(d.kept) - 1] for d in problem.decisions]))[0]
    higher = np.minimum(reference.designs[0] + problem.round_to, most)
    cost = problem.evaluate(problem.decisions.designs(problem.decisions.nearest([higher])))
    assert not cost.feasible[0]


def test_walks_continue_from_any_prefix(problem: ChannelPruningProblem) -> None:
    designs = problem.canonical(random_designs(problem, 3, 4))
    middle = problem.horizon // 2
    walk = problem.walk(designs[:, :middle])
    fork = walk.copy()
    assert np.array_equal(problem.entries(walk), designs[:, :middle])
    assert walk.prefix.shape == (4, middle)
    for t in range(middle, problem.horizon):
        problem.push(walk, problem.decide(walk, problem.actions(designs)[:, t]))
    assert np.array_equal(problem.finish(walk).designs, designs)
    assert fork.step == middle
    assert np.array_equal(problem.entries(fork), designs[:, :middle])


def test_observations_are_the_papers_state(
    problem: ChannelPruningProblem, make_actions: Any
) -> None:
    if problem.family == "operator_selection":
        pytest.skip("what operators are chosen by is tested with them")
    walk = problem.start(4)
    full = problem.walk([[decision.size for decision in problem.decisions]])
    assert full.spent[0] == problem.budget.full
    for t, actions in enumerate(make_actions(8, problem.horizon, 4)):
        two = ("bit_allocation", "deep_compression")
        names = BIT_FEATURES if problem.family in two else FEATURES
        seen = dict(zip(names, problem.observe(walk).T, strict=True))
        layer = problem.network.layer(problem.groups[t].readers[0])
        assert seen["index"][0] == np.float32(t / problem.horizon)
        assert seen["in_channels"][0] == np.float32(np.log2(layer.in_channels) / 12)
        assert seen["kernel"][0] == np.float32(layer.kernel / 11)
        removed = (problem.budget.before[t] - walk.spent) / problem.budget.full
        assert np.allclose(seen["reduced"], np.clip(removed, 0, 1), atol=1e-6)
        rest = 1 - problem.budget.before[t + 1] / problem.budget.full
        assert seen["rest"][0] == pytest.approx(rest, abs=1e-6)
        if t:
            size = problem.decisions[t - 1].size
            assert np.allclose(seen["previous"], problem.entries(walk)[:, -1] / size)
        problem.push(walk, problem.decide(walk, actions))
    assert (problem.observe(walk)[:, 0] == 1.0).all()


def test_the_same_layer_looks_the_same_in_every_network() -> None:
    one, other = ChannelPruningProblem("resnet20"), ChannelPruningProblem("resnet56")
    shape = slice(FEATURES.index("depthwise"), FEATURES.index("macs") + 1)
    first, second = one.observe(one.start(1))[0], other.observe(other.start(1))[0]
    assert np.array_equal(first[shape], second[shape])


def test_networks_of_your_own_can_be_passed() -> None:
    network = get_network("alexnet")
    problem = ChannelPruningProblem(network, round_to=64)
    assert problem.spec()["network"] == "alexnet"
    assert problem.reference.feasible.all()


def test_a_floor_below_what_was_measured_is_refused() -> None:
    network = get_network("resnet20")
    proxy = analytic_proxy(network)
    sweep = proxy.sweeps[1]
    measured = type(sweep)(sweep.name, sweep.channels, sweep.kept[3:], sweep.divergence[3:])
    narrow = type(proxy)(
        (proxy.sweeps[0], measured, *proxy.sweeps[2:]), proxy.interaction, proxy.curve, proxy.card
    )
    with pytest.raises(ProxyError, match=r"floor of 0\.250 or more"):
        ChannelPruningProblem(network, proxy=narrow, floor=0.1)
    assert ChannelPruningProblem(network, proxy=narrow, floor=0.25).reference.feasible.all()


def test_a_table_of_another_network_is_refused() -> None:
    with pytest.raises(ProxyError, match="made for another network"):
        ChannelPruningProblem("resnet20", proxy=analytic_proxy(get_network("resnet56")))


class Share:
    """Accuracy is the share of channels kept: a proxy without tables."""

    baseline, deterministic = 1.0, True
    card = Card("resnet20", "channel_pruning", "measured", "none", 0, "", "", 1.0, "top1")

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def evaluate(self, designs: np.ndarray) -> np.ndarray:
        return self.factor * designs.mean(axis=1) / 64


def test_proxies_without_tables_are_asked_at_the_end() -> None:
    problem = ChannelPruningProblem("resnet20", proxy=Share())
    outcome = problem.evaluate(problem.reference.designs)
    assert outcome.accuracy[0] == problem.reference.designs.mean() / 64
    env = DesignEnv(problem)
    env.reset()
    for action in problem.actions(outcome.designs)[0]:
        reward = env.step(action)[1]
    assert reward == outcome.accuracy[0]
    assert problem.spec()["proxy"] == "Share"


@pytest.mark.parametrize("factor", [np.nan, -1.0, 9.0])
def test_proxies_that_give_no_fraction_are_named(factor: float) -> None:
    problem = ChannelPruningProblem("resnet20", proxy=Share(factor))
    with pytest.raises(ProxyError, match=r"proxy Share.*one accuracy in \[0, 1\]"):
        problem.evaluate([[decision.size for decision in problem.decisions]])


def test_the_accuracy_reward_without_a_budget_is_refused() -> None:
    with pytest.raises(ArgumentError, match="needs a budget"):
        ChannelPruningProblem("resnet20", budget=None)


def test_top5_accuracy_can_be_what_is_rewarded() -> None:
    top1 = make_problem("channel_pruning", network="mobilenet_v1")
    top5 = make_problem("channel_pruning", network="mobilenet_v1", metric="top5")
    one, five = top1.evaluate(top1.reference.designs), top5.evaluate(top1.reference.designs)
    assert five.reward[0] == five.accuracy[0] == one.accuracy_top5[0] > one.accuracy[0]
    assert top5.baseline > top1.baseline
    assert top5.spec()["metric"] == "top5"


def test_an_unknown_metric_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'top5'"):
        make_problem("channel_pruning", network="mobilenet_v1", metric="top-5")
