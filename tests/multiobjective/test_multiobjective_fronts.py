"""Certified fronts are those of all designs, and hypervolumes measure them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.errors import ArgumentError, SolverError, UnknownNameError
from hwenvs.multiobjective.fronts import certified_front, hypervolume
from hwenvs.reporting.fronts import non_dominated
from hwenvs.solving import solve
from hwenvs.solving.records import Run

TINY = {"network": "digits_lenet", "round_to": 2, "floor": 0.3}
"""A network with few enough designs to try them all."""


def all_designs(env: gym.Env) -> np.ndarray:
    kept = [decision.kept for decision in env.unwrapped.problem.decisions]
    return np.array(list(itertools.product(*kept)))


@pytest.mark.parametrize(
    ("name", "arguments", "quantity"),
    [
        ("MO-AMC-v0", TINY, "macs"),
        ("MO-AMC-v0", {**TINY, "hardware": "roofline", "cost": "latency"}, "latency"),
        ("MO-AMC-v0", {**TINY, "budget": {"params": 0.5}}, "macs"),
    ],
)
def test_a_certified_front_is_that_of_all_designs(
    name: str, arguments: dict, quantity: str
) -> None:
    env = gym.make(name, **arguments)
    problem = env.unwrapped.problem
    outcome = problem.evaluate(all_designs(env))
    fits = outcome.feasible
    accuracies = outcome.accuracy[fits]
    costs = outcome.costs[quantity][fits] / problem.full_costs[quantity]
    front = certified_front(problem, quantity, points=9)
    assert front.proved
    assert len(front.corners) == 9
    for corner in front.corners:
        assert corner.accuracy == accuracies[costs <= corner.amount * (1 + 1e-12)].max()
    true = np.column_stack([accuracies, -costs])
    on_front = true[non_dominated(true[:, 0], -true[:, 1])]
    for vector in front.vectors:
        assert (vector == on_front).all(axis=1).any()
    whole = hypervolume(true)
    assert front.hypervolume <= whole <= front.hypervolume_bound
    assert front.hypervolume > 0.9 * whole


def test_more_points_close_the_gap() -> None:
    problem = gym.make("MO-NAS-ProxylessCIFAR-v0").unwrapped.problem
    few, many = (certified_front(problem, "latency", points) for points in (4, 12))
    assert few.hypervolume < many.hypervolume <= many.hypervolume_bound < few.hypervolume_bound
    assert set(few.designs) <= set(many.designs)


def test_designs_of_a_front_earn_its_vectors_in_the_environment() -> None:
    env = gym.make("MO-NAS-ProxylessCIFAR-v0")
    front = env.unwrapped.certified_front(points=5)
    for design, vector in zip(front.designs, front.vectors, strict=True):
        env.reset(seed=0)
        for action in env.unwrapped.problem.actions([design])[0]:
            _, reward, _, _, info = env.step(action)
        assert tuple(info["design"]) == design
        assert np.array_equal(reward, vector.astype(np.float32))
    horizon = env.unwrapped.problem.horizon
    discounted = env.unwrapped.pareto_front(gamma=0.9, points=5)
    assert np.array(discounted) == pytest.approx(front.vectors * 0.9 ** (horizon - 1))


def test_a_run_dominates_a_share_of_the_bound() -> None:
    front = gym.make("MO-AMC-ResNet20-v0").unwrapped.certified_front(points=6)
    run = solve("random", "AMC-ResNet20-v0", 30, seed=0, budget=1.0)
    share = front.share(run)
    assert 0.3 < share < 1.0
    half = Run(**{**vars(run), "accuracies": run.accuracies[:5]})
    half.costs = {name: values[:5] for name, values in run.costs.items()}
    assert front.share(half) < share
    with pytest.raises(UnknownNameError, match="latency"):
        certified_front(gym.make("MO-NAS-ProxylessCIFAR-v0").unwrapped.problem, "latency", 2).share(
            run
        )


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([[0.5, -0.5]], 0.25),
        ([[0.5, -0.5], [0.8, -0.75]], 0.5 * 0.25 + 0.8 * 0.25),
        ([[0.8, -0.75], [0.5, -0.5], [0.4, -0.6], [0.8, -0.8]], 0.5 * 0.25 + 0.8 * 0.25),
        ([[0.9, -1.5], [0.0, -0.1]], 0.0),
    ],
)
def test_hypervolumes_computed_by_hand(points: list, area: float) -> None:
    assert hypervolume(points) == pytest.approx(area)


def test_hypervolumes_of_no_pairs_are_refused() -> None:
    for points in ([0.5, -0.5], [[1.0, 2.0, 3.0]], [[np.nan, 0.0]]):
        with pytest.raises(ArgumentError, match="pairs"):
            hypervolume(points)


def test_measured_accuracies_have_no_known_front() -> None:
    env = gym.make("MO-AMC-DigitsLeNet-v0")
    with pytest.raises(SolverError, match="tables"):
        env.unwrapped.pareto_front()


@pytest.mark.parametrize("points", [1, 2.5, "a", True])
def test_a_front_has_two_points_at_least(points: Any) -> None:
    problem = gym.make("MO-NAS-ProxylessCIFAR-v0").unwrapped.problem
    with pytest.raises(ArgumentError, match="points of a front must be a whole number of at least"):
        certified_front(problem, "latency", points)


def test_the_table_of_the_page_says_what_is_found_now(script: Callable[[str], Any]) -> None:
    # Without nsga2, whose runs may change with another version of pymoo.
    made = script("docs/generate_fronts.py")
    page = made.PAGE.read_text(encoding="utf-8")
    for name in made.SHOWN:
        start, drawn = made.row(name, ("random",)).rsplit(" | ", 1)
        (line,) = (line for line in page.splitlines() if line.startswith(start))
        assert line.endswith(f" | {drawn}"), name
