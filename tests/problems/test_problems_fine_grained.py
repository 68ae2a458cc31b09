"""Fine-grained pruning: densities, what they cost, and what the agent sees."""

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.errors import ArgumentError, ProxyError, UnknownNameError
from hwenvs.networks import get_network, weight_groups
from hwenvs.problems import make_problem
from hwenvs.problems.fine_grained_pruning import FineGrainedPruningProblem

FAMILY = "fine_grained_pruning"


@pytest.fixture(scope="module")
def problem() -> FineGrainedPruningProblem:
    made = make_problem(FAMILY, network="resnet50")
    assert isinstance(made, FineGrainedPruningProblem)
    return made


def test_every_layer_but_the_first_is_decided() -> None:
    network = get_network("resnet50")
    names = [group.name for group in weight_groups(network)]
    assert names == [layer.name for layer in network.layers[1:]]
    mobile = get_network("mobilenet_v1")
    kinds = {mobile.layer(group.name).kind for group in weight_groups(mobile)}
    assert kinds == {"conv", "linear"}


def test_size_counts_the_weights_that_are_not_zero(problem: FineGrainedPruningProblem) -> None:
    design = np.full((1, problem.horizon), 20)
    layers = problem.network.layers
    others = sum(layer.parameters - layer.weights for layer in layers)
    left = layers[0].weights + 0.2 * sum(layer.weights for layer in layers[1:])
    outcome = problem.evaluate(design)
    assert outcome.costs["size"][0] == pytest.approx(4 * (left + others), rel=1e-12)
    assert outcome.costs["macs"][0] == problem.full_costs["macs"]


def test_the_default_budget_is_a_fifth_of_the_size(problem: FineGrainedPruningProblem) -> None:
    assert problem.budget.quantity == "size"
    assert problem.budget.fraction == pytest.approx(0.2)
    reference = problem.reference
    assert reference.feasible[0]
    assert len(set(reference.designs[0].tolist())) == 1


def test_a_denser_layer_never_lowers_the_accuracy(problem: FineGrainedPruningProblem) -> None:
    random = np.random.default_rng(0)
    sparse = 5 * random.integers(1, 20, (50, problem.horizon))
    denser = np.minimum(sparse + 5 * random.integers(0, 4, sparse.shape), 100)
    before, after = problem.evaluate(sparse), problem.evaluate(denser)
    assert (after.accuracy >= before.accuracy).all()
    assert (after.costs["size"] >= before.costs["size"]).all()


def test_zeros_save_time_on_the_inference_engine_and_none_on_a_dense_array() -> None:
    thin = {}
    for hardware in ("eie", "systolic"):
        made = make_problem(
            FAMILY, network="resnet50", hardware=hardware, cost="latency", budget=1.0
        )
        outcome = made.evaluate([[20] * made.horizon])
        thin[hardware] = outcome.costs["latency"][0] / made.full_costs["latency"]
    assert thin["eie"] < 0.5
    assert thin["systolic"] == 1.0


def test_options_are_multiples_of_the_step() -> None:
    problem = make_problem(FAMILY, network="resnet50", round_to=10, floor=0.15, budget=0.5)
    assert isinstance(problem, FineGrainedPruningProblem)
    assert problem.decisions[0].kept.tolist() == [20, 30, 40, 50, 60, 70, 80, 90, 100]


def test_an_episode_ends_within_the_budget() -> None:
    env = gym.make("AMC-ResNet50-FineGrained-v0", budget=0.3)
    env.reset(seed=0)
    env.action_space.seed(0)
    done = False
    while not done:
        _, reward, done, _, info = env.step(env.action_space.sample())
    assert info["cost_fractions"]["size"] <= 0.3
    assert reward == info["accuracy"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"network": "resnet20"}, ProxyError, "hwenvs calibrate"),
        ({"network": "resnet50", "proxy": "analytic"}, ProxyError, "shipped: resnet50"),
        ({"network": "resnet50", "round_to": 0}, ArgumentError, "positive whole number"),
        ({"network": "resnet50", "floor": 2}, ArgumentError, "fraction from 0 to 1"),
        ({"network": "resnet50", "floor": 0.01, "round_to": 1}, ProxyError, "measured from 5 on"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_problem(FAMILY, **arguments)


def test_families_are_spelled_as_people_write_them() -> None:
    problem = make_problem("fine_grained_pruning", network="resnet50")
    assert problem.title.endswith(", fine-grained pruning")
    with pytest.raises(UnknownNameError, match="argument of fine-grained pruning"):
        make_problem("fine_grained_pruning", network="resnet50", bits=3)
