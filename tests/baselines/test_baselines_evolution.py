"""Evolution of whole numbers: a genetic algorithm, differential evolution, NSGA-II, CMA-ES."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from scipy.optimize import OptimizeResult, differential_evolution

from hwenvs.baselines.differential_evolution import _flat
from hwenvs.baselines.genetic import uniformly
from hwenvs.baselines.nsga2 import at_all_sizes
from hwenvs.baselines.ranges import OptionRange
from hwenvs.errors import SolverError, UnknownNameError
from hwenvs.reporting.fronts import front, non_dominated
from hwenvs.solving import Recorder, get_solver, solve
from hwenvs.solving.records import Run

SOLVERS = ("genetic", "differential-evolution", "nsga2")
KINDS = ("AMC-ResNet20-v0", "HAQ-ResNet20-v0", "NAS-ProxylessCIFAR-v0")
"""An environment of each kind of actions: channels, bits, choices."""


def space_of(environment: str, **arguments: Any) -> OptionRange:
    env = Recorder(gym.make(environment, **arguments), Run("test", environment, {}, 0, 100))
    return OptionRange.of(env)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("environment", KINDS)
def test_evolution_starts_at_the_uniform_design_and_never_sees_the_same_twice_at_first(
    name: str, environment: str
) -> None:
    run = solve(name, environment, evaluations=25)
    assert run.scores is not None
    assert run.scores[0] == pytest.approx(0.0, abs=1e-9)
    assert len({tuple(design) for design in run.designs}) == 25


@pytest.mark.parametrize("name", ["genetic", "differential-evolution"])
@pytest.mark.parametrize("environment", KINDS)
def test_evolution_beats_random_search(name: str, environment: str) -> None:
    best = {
        solver: np.mean(
            [max(solve(solver, environment, evaluations=400, seed=s).rewards) for s in range(3)]
        )
        for solver in (name, "random")
    }
    assert best[name] > best["random"]


@pytest.mark.parametrize("name", SOLVERS)
def test_evolution_goes_on_where_there_are_few_designs(name: str) -> None:
    # Populations are larger than the number of designs: no child would be new for ever.
    few = {"floor": 0.5, "round_to": 16, "budget": 0.9, "proxy": "analytic"}
    run = solve(name, "AMC-DigitsResNet-v0", evaluations=100, **few)
    assert len(run.rewards) == 100
    assert len({tuple(design) for design in run.designs}) < 30


def test_whole_numbers_are_asked_for_whatever_is_given() -> None:
    space = space_of("HAQ-ResNet20-v0", budget=1.0)
    space.play(space.reference + 0.4)
    assert (space.became() == space.reference).all()
    space.play(space.widths + 7.0)
    assert (space.became() == space.widths - 1).all()
    space.play(-3.0 * np.ones(len(space.widths)))
    assert (space.became() == 0).all()


def test_cma_es_on_whole_numbers_asks_for_designs_within_the_options() -> None:
    solver = get_solver("cma-es", integers=True)
    first, again = (solve(solver, "HAQ-ResNet20-v0", evaluations=60, seed=1) for _ in range(2))
    assert first.hyperparameters["integers"] is True
    assert first.designs == again.designs
    spread = solve(get_solver("cma-es", sigma=1e-9, integers=True), "HAQ-ResNet20-v0", 1)
    assert spread.scores != first.scores[:1]


def test_cma_es_on_whole_numbers_does_better_where_options_are_few() -> None:
    best = {
        integers: np.median(
            [
                max(
                    solve(get_solver("cma-es", integers=integers), "HAQ-ResNet20-v0", seed=s).scores
                    or [0.0]
                )
                for s in range(3)
            ]
        )
        for integers in (False, True)
    }
    assert best[True] > best[False]


def test_random_designs_of_a_front_are_of_all_sizes() -> None:
    space = space_of("HAQ-ResNet20-v0", budget=1.0)

    def sizes(drawn: np.ndarray) -> np.ndarray:
        designs = space.problem.decisions.designs(drawn.T)
        return space.problem.fractions(space.problem.evaluate(designs).costs)["size"]

    random = np.random.default_rng(0)
    spread, even = (np.ptp(sizes(draw(space, 50, random))) for draw in (at_all_sizes, uniformly))
    assert spread > 1.5 * even


def test_nsga2_finds_a_front_that_dominates_that_of_random_search() -> None:
    runs = {
        name: solve(name, "HAQ-ResNet20-v0", evaluations=600, budget=1.0)
        for name in ("nsga2", "random")
    }
    points = {
        name: (np.array(run.accuracies), np.array(run.costs["latency"]))
        for name, run in runs.items()
    }
    accuracy, cost = (np.concatenate(part) for part in zip(*points.values(), strict=True))
    best = non_dominated(accuracy, cost)
    assert (best < 600).mean() > 0.8
    latency = points["nsga2"][1][front(runs["nsga2"], "latency")]
    assert latency.max() > 3 * latency.min()


def test_nsga2_takes_another_cost_than_the_environments() -> None:
    run = solve(get_solver("nsga2", quantity="size"), "HAQ-ResNet20-v0", 80, budget=1.0)
    assert run.designs != solve("nsga2", "HAQ-ResNet20-v0", 80, budget=1.0).designs
    with pytest.raises(UnknownNameError, match="'latency'"):
        solve(get_solver("nsga2", quantity="latencies"), "HAQ-ResNet20-v0", 1)


@pytest.mark.parametrize(
    ("solver", "hyperparameters", "complaint"),
    [
        ("genetic", {"population": 1}, "population of genetic"),
        ("genetic", {"crossover": 1.5}, "crossover of genetic"),
        ("nsga2", {"mutation_eta": 0.0}, "mutation_eta of nsga2"),
        ("differential-evolution", {"population": 4}, "population of differential-evolution"),
        ("differential-evolution", {"strategy": "worst1bin"}, "best1bin"),
        ("differential-evolution", {"mutation": (1.0, 0.5)}, "range in"),
        ("differential-evolution", {"crossover": -0.1}, "crossover"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    solver: str, hyperparameters: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(SolverError, match=complaint):
        get_solver(solver, **hyperparameters)


def test_differential_evolution_starts_over_when_all_designs_earn_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    equal = np.full(30, -0.1)
    assert np.std(equal) > 0.0  # which is what SciPy looks at
    assert _flat(OptimizeResult(population_energies=equal))
    assert not _flat(OptimizeResult(population_energies=np.append(equal, -0.2)))
    begun: list[int] = []

    def counted(*given: Any, **named: Any) -> Any:
        begun.append(1)
        return differential_evolution(*given, **named)

    monkeypatch.setattr("hwenvs.baselines.differential_evolution.differential_evolution", counted)

    def the_same(space: OptionRange, _: object) -> float:
        space.env.evaluate(space.problem.reference.designs[0])
        return 0.1

    monkeypatch.setattr(OptionRange, "play", the_same)
    solve("differential-evolution", "AMC-ResNet20-v0", evaluations=300)
    assert len(begun) > 2
