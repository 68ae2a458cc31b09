"""Deep compression: densities and codebooks, what they take, and both ways to set the goal."""

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.baselines.exact import optimum
from hwenvs.errors import ArgumentError, DesignError
from hwenvs.networks import get_network, storage_groups
from hwenvs.problems import make_problem
from hwenvs.problems.deep_compression import DeepCompressionProblem

FAMILY = "deep_compression"
RATIO = {"reward": "compression_ratio", "budget": None}


def made(network: str = "lenet5", **arguments: object) -> DeepCompressionProblem:
    problem = make_problem(FAMILY, network=network, **arguments)
    assert isinstance(problem, DeepCompressionProblem)
    return problem


def test_every_layer_has_a_density_and_then_a_codebook() -> None:
    names = [group.name for group in storage_groups(get_network("lenet5"))]
    assert names[:3] == ["conv1 density", "conv1 codebook", "conv2 density"]
    problem = made()
    assert problem.decisions[0].kept.tolist() == [*range(2, 101)]
    assert problem.decisions[1].kept.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 32]


def test_the_uncompressed_network_takes_four_bytes_a_number() -> None:
    problem = made()
    numbers = sum(layer.parameters for layer in problem.network.layers)
    assert problem.full_costs["size"] == 4 * numbers
    assert problem.evaluate([[100, 32] * 4]).accuracy[0] == problem.baseline


def test_seventeen_bits_are_no_codebook() -> None:
    with pytest.raises(DesignError, match="not an option"):
        made().evaluate([[50, 17] * 4])


def test_the_reference_has_the_papers_codebooks_and_spares_convolutions_and_the_last() -> None:
    design = made().reference.designs[0].tolist()
    assert design[1::2] == [8, 8, 5, 5]
    conv1, conv2, fc1, fc2 = design[0::2]
    assert conv1 == conv2 == fc2 == 4 * fc1
    assert made().reference.feasible[0]
    denser = [4 * (fc1 + 1), 8, 4 * (fc1 + 1), 8, fc1 + 1, 5, 4 * (fc1 + 1), 5]
    assert not made().evaluate([denser]).feasible[0]


def test_measured_sizes_lie_below_the_expected_ones_without_huffman_coding() -> None:
    designs = [[density, bits] * 4 for density in (5, 10, 20, 50) for bits in (2, 4, 5, 8)]
    measured = made().evaluate(designs).costs["size"]
    expected = made(proxy="analytic").evaluate(designs).costs["size"]
    assert (measured < expected).all()
    assert (measured > 0.5 * expected).all()


def test_a_ratio_is_paid_only_where_the_accuracy_stays() -> None:
    problem = made(**RATIO, max_accuracy_drop=0.01)
    good, bad = [100, 6] * 4, [2, 1] * 4
    outcome = problem.evaluate([good, bad])
    assert outcome.accuracy[0] >= problem.baseline - 0.01 > outcome.accuracy[1]
    assert outcome.reward[0] == problem.full_costs["size"] / outcome.costs["size"][0]
    assert outcome.reward[1] == outcome.accuracy[1] - (problem.baseline - 0.01)


def test_the_best_ratio_is_certified_and_keeps_the_accuracy() -> None:
    problem = made("lenet_300_100", **RATIO, max_accuracy_drop=0.01)
    best = optimum(problem)
    assert best.proved
    assert best.accuracy >= problem.baseline - 0.01
    assert best.reward > problem.reference.reward[0] > 1
    # Its bytes as a budget: no design of so many bytes may be much more accurate, none less.
    back = made("lenet_300_100", budget=best.costs["size"], budget_units="absolute")
    assert optimum(back).accuracy >= best.accuracy


def test_more_accuracy_to_lose_never_lowers_the_best_ratio() -> None:
    ratios = [optimum(made(**RATIO, max_accuracy_drop=drop)).reward for drop in (0.002, 0.01, 0.05)]
    assert ratios == sorted(ratios)


def test_networks_without_a_measured_table_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwenvs.proxies.base._warned", set())
    with pytest.warns(UserWarning, match="analytic"):
        env = gym.make("DeepCompression-AlexNet-v0")
    assert env.unwrapped.problem.card.basis == "analytic"


def test_compressed_layers_run_on_the_inference_engine() -> None:
    problem = made("lenet_300_100", hardware="eie", cost="latency", budget=0.4)
    assert problem.reference.costs["latency"][0] <= 0.4 * problem.full_costs["latency"]
    designs = np.array([[20, 4] * 3, [10, 4] * 3])
    latency = problem.evaluate(designs).costs["latency"]
    assert latency[1] < latency[0]


def test_the_lstms_matrices_are_decided_one_by_one_under_a_latency_on_ese() -> None:
    problem = gym.make("DeepCompression-LSTM-v0").unwrapped.problem  # type: ignore[attr-defined]
    names = [group.name for group in problem.groups]
    assert names[:4] == [
        "lstm.weight_ih_l0 density",
        "lstm.weight_ih_l0 codebook",
        "lstm.weight_hh_l0 density",
        "lstm.weight_hh_l0 codebook",
    ]
    assert problem.card.basis == "measured"
    limit = 0.25 * problem.full_costs["latency"]
    assert problem.reference.costs["latency"][0] <= limit
    best = optimum(problem)
    assert best.costs["latency"] <= limit * (1 + 1e-9)
    assert best.accuracy > problem.reference.accuracy[0] + 0.005


def test_bits_save_time_on_ese_only_where_memory_is_waited_for() -> None:
    problem = made("lstm", hardware="ese", cost="latency", budget=0.25)
    # At 5 % the recurrent matrix waits for DRAM, at 40 % for its elements.
    designs = [[5, 8] * 4, [5, 4] * 4, [40, 8, 40, 8, 2, 1, 2, 1], [40, 4, 40, 4, 2, 1, 2, 1]]
    latency = problem.evaluate(designs).costs["latency"]
    assert latency[1] < 0.97 * latency[0]
    assert latency[3] > 0.999 * latency[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"floor": 2}, "floor must be a fraction"),
        ({"max_accuracy_drop": -0.1}, "max_accuracy_drop must be a fraction"),
        ({"budget": None}, "needs a budget"),
        ({"round_to": 0}, "positive whole number of percent"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        made(**arguments)
