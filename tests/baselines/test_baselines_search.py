"""Reference solvers: rules of thumb, random search, evolution, the optimum."""

from __future__ import annotations

import numpy as np
import pytest

from hwenvs.baselines.exact import optimum
from hwenvs.baselines.handcrafted import Deep, Shallow
from hwenvs.errors import ArgumentError, SolverError, UnknownNameError
from hwenvs.problems.channel_pruning import ChannelPruningProblem
from hwenvs.solving import get_solver, solve

RAMPS = {"shallow": Shallow, "deep": Deep}


def keep_ratios(problem: ChannelPruningProblem, design: np.ndarray) -> np.ndarray:
    return design / np.array([decision.size for decision in problem.decisions])


def test_uniform_scores_zero(table_id: str) -> None:
    run = solve("uniform", table_id, evaluations=5)
    assert run.scores == [0.0]


def test_the_exact_optimum_scores_one(table_id: str) -> None:
    run = solve("exact", table_id, evaluations=5)
    assert run.scores == [pytest.approx(1.0)]


@pytest.mark.parametrize("name", RAMPS)
def test_ramps_meet_the_budget(problem: ChannelPruningProblem, name: str) -> None:
    design = RAMPS[name]().design(problem)
    assert problem.evaluate([design]).feasible[0]


@pytest.mark.parametrize("name", RAMPS)
def test_ramps_spend_the_budget(env_id: str, get_problem, name: str) -> None:
    problem = get_problem(env_id)
    budget = problem.budget
    design = RAMPS[name]().design(problem)
    cost = problem.evaluate([design]).costs[budget.quantity][0]
    if budget.amount == np.inf:
        assert cost == problem.full_costs[budget.quantity]  # nothing keeps the line down
    else:
        assert 0.6 * budget.amount < cost <= budget.most


def test_shallow_prunes_early_layers_harder_and_deep_late_ones(env_id: str, get_problem) -> None:
    problem = get_problem(env_id)
    if env_id.startswith("DeepCompression"):
        pytest.skip("densities and codebooks alternate: a line over depth bends at every layer")
    third = -(-problem.horizon // 3)
    for name, sign in (("shallow", 1), ("deep", -1)):
        ratios = keep_ratios(problem, RAMPS[name]().design(problem))
        assert sign * (ratios[-third:].mean() - ratios[:third].mean()) > 0.1


def test_spending_is_what_the_problem_charges(problem: ChannelPruningProblem) -> None:
    random = np.random.default_rng(0)
    options = np.stack([random.integers(len(d.kept), size=20) for d in problem.decisions])
    costs = problem.evaluate(problem.decisions.designs(options)).costs[problem.budget.quantity]
    np.testing.assert_allclose(
        problem.budget.total(problem.tables.rows(options)), costs, rtol=1e-12
    )


def test_a_slope_out_of_range_is_refused() -> None:
    with pytest.raises(SolverError, match="slope"):
        Deep(slope=0)


def test_cma_es_starts_around_the_uniform_design() -> None:
    run = solve("cma-es", "AMC-ResNet20-v0", evaluations=1)
    spread = solve(get_solver("cma-es", sigma=1e-6), "AMC-ResNet20-v0", evaluations=1)
    assert spread.scores == [pytest.approx(0.0, abs=0.05)]
    assert run.designs != spread.designs


def test_cma_es_restarts_when_it_has_converged() -> None:
    # Without a spread all rewards of a run are equal, and pycma stops soon.
    run = solve(get_solver("cma-es", sigma=1e-9), "AMC-MobileNetV1-v0", evaluations=130)
    assert len(run.rewards) == 130
    starts = list(dict.fromkeys(map(tuple, run.designs)))
    assert len(starts) > 2
    assert run.scores[0] == pytest.approx(0.0)


def test_cma_es_neither_reads_nor_moves_the_global_generator() -> None:
    np.random.seed(1)  # noqa: NPY002
    first = solve("cma-es", "AMC-ResNet20-v0", evaluations=30, seed=0)
    drawn = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert np.random.random() == drawn  # noqa: NPY002
    assert solve("cma-es", "AMC-ResNet20-v0", evaluations=30, seed=0).designs == first.designs


def test_cma_es_beats_random_search() -> None:
    best = {
        name: max(solve(name, "AMC-MobileNetV1-v0", evaluations=130).rewards)
        for name in ("random", "cma-es")
    }
    assert best["cma-es"] > best["random"]


def test_no_solver_beats_the_optimum(get_problem) -> None:
    certified = optimum(get_problem("AMC-ResNet20-v0"))
    assert certified.proved
    for name in ("random", "cma-es", "tpe", "shallow", "deep"):
        run = solve(name, "AMC-ResNet20-v0", evaluations=60)
        assert max(run.rewards) <= certified.reward


def test_bad_hyperparameters_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'sigma'"):
        get_solver("cma-es", sigmas=0.1)
    with pytest.raises(ArgumentError, match="sigma"):
        get_solver("cma-es", sigma="wide")
    with pytest.raises(SolverError, match="sigma"):
        get_solver("cma-es", sigma=-1.0)
    with pytest.raises(SolverError, match="growth"):
        get_solver("cma-es", growth=0.5)
    with pytest.raises(SolverError, match="'random' has no hyper-parameters speed"):
        get_solver("random", speed=3)


def test_tpe_starts_at_the_uniform_design_and_beats_random_search() -> None:
    runs = {name: solve(name, "AMC-ResNet20-v0", evaluations=80) for name in ("random", "tpe")}
    assert runs["tpe"].scores is not None
    assert runs["tpe"].scores[0] == pytest.approx(0.0, abs=1e-9)
    assert max(runs["tpe"].rewards) > max(runs["random"].rewards)
    assert solve("tpe", "AMC-ResNet20-v0", evaluations=30).designs == runs["tpe"].designs[:30]


def test_tpe_refuses_hyper_parameters_that_make_no_sense() -> None:
    with pytest.raises(SolverError, match="startup of tpe must be at least 1"):
        get_solver("tpe", startup=0)
