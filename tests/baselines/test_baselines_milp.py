"""The second certificate, and what stands behind scores."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwenvs.baselines import exact
from hwenvs.baselines.dominance import undominated
from hwenvs.baselines.exact import optimum
from hwenvs.baselines.milp import find_optimum
from hwenvs.baselines.targets import reward_bound
from hwenvs.errors import SolverError
from hwenvs.problems.chain import ChainProblem
from hwenvs.solving import get_solver, solve

CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("AMC-ResNet20-v0", {}),
    ("HAQ-ResNet20-v0", {}),
    ("HAQ-ResNet20-v0", {"reward": "accuracy_change"}),
    ("NAS-ProxylessCIFAR-v0", {}),
    ("DeepCompression-LeNet5-v0", {}),
    ("DeepCompression-LeNet300-Ratio-v0", {}),
    ("DeepCompression-LeNet300-Ratio-v0", {"budget": 0.05}),
    ("AMC-ResNet20-v0", {"budget": {"macs": 0.5, "size": 0.4}}),
    ("HAQ-ResNet20-v0", {"budget": {"latency": 0.3, "size": 0.3}}),
)
"""Every family, and two budgets at once."""

THREE = {"hardware": "bitfusion", "budget": {"latency": 0.4, "energy": 0.35, "size": 0.3}}
HARD = {"hardware": "roofline", "budget": {"macs": 0.5, "size": 0.5, "latency": 0.9}}
"""Three budgets: the first are proved, the second are beyond the label search."""


def problem_of(environment: str, **arguments: Any) -> ChainProblem:
    problem = gym.make(environment, **arguments).unwrapped.problem  # type: ignore[attr-defined]
    assert isinstance(problem, ChainProblem)
    return problem


@pytest.mark.parametrize(("environment", "arguments"), CASES)
def test_both_certificates_name_the_same_optimum(
    environment: str, arguments: dict[str, Any]
) -> None:
    problem = problem_of(environment, **arguments)
    labels, program = optimum(problem), find_optimum(problem)
    assert labels.proved
    assert program.proved
    assert program.reward == labels.reward
    assert program.bound == pytest.approx(labels.reward, rel=1e-6)
    assert problem.evaluate([program.design]).feasible[0]


def test_three_budgets_are_certified_alike() -> None:
    problem = problem_of("HAQ-ResNet20-v0", **THREE)
    labels, program = optimum(problem), find_optimum(problem)
    assert labels.proved
    assert program.reward == labels.reward
    outcome = problem.evaluate([program.design])
    for budget in problem.budgets:
        assert outcome.costs[budget.quantity][0] <= budget.most


def test_what_the_label_search_cannot_prove_it_does_not_claim() -> None:
    problem = problem_of("AMC-ResNet20-v0", **HARD)
    labels, program = exact.find_optimum(problem, widths=(300,)), find_optimum(problem, seconds=5)
    assert not labels.proved
    assert labels.reward <= program.reward <= labels.bound
    assert labels.status.startswith("gap ")


def test_the_program_solves_and_scores_as_a_solver() -> None:
    run = solve("milp", "HAQ-ResNet20-v0", evaluations=5, budget={"latency": 0.3, "size": 0.3})
    assert run.scores == [pytest.approx(1.0)]
    assert run.certificate == "proved"


def test_rewards_that_are_not_linear_are_refused() -> None:
    problem = problem_of("AMC-ResNet20-v0", reward="error_times_log_macs", budget=None)
    with pytest.raises(SolverError, match="error_times_log_macs is not linear"):
        find_optimum(problem)
    with pytest.raises(SolverError, match="seconds of milp"):
        get_solver("milp", seconds=0.0)


def test_measured_accuracies_have_no_program() -> None:
    with pytest.raises(SolverError, match="additive tables"):
        solve("milp", "AMC-DigitsLeNet-v0", evaluations=1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 700))
def test_dominance_drops_only_what_another_label_beats_or_equals(
    seed: int, resources: int, count: int
) -> None:
    points = np.random.default_rng(seed).integers(0, 12, (resources + 1, count)).astype(float)
    points = points[:, np.lexsort((points[-1], *points[-2::-1]))]
    keep = undominated(points[:-1], points[-1])
    kept = points[:, keep]
    for point in points[:, ~keep].T:
        assert (kept <= point[:, None]).all(axis=0).any()
    if resources == 2:
        others = kept[:, :, None] <= kept[:, None, :]
        assert others.all(axis=0).sum() == kept.shape[1]


def test_records_say_that_score_one_is_proved() -> None:
    assert solve("random", "AMC-ResNet20-v0", evaluations=2).certificate == "proved"


def test_records_tell_the_gap_where_score_one_is_the_best_known_design(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exact, "WIDTHS_OF_MANY", (300,))
    run = solve("random", "AMC-ResNet20-v0", evaluations=2, **HARD)
    assert run.scores is not None
    assert run.certificate is not None
    assert run.certificate.startswith("gap ")
    assert 0 < float(run.certificate.removeprefix("gap ")) < 0.1


@pytest.mark.parametrize(
    ("arguments", "bound"), [({}, "bound 1"), ({"reward": "compression_ratio", "cost": "size"}, "")]
)
def test_records_without_scores_tell_what_no_reward_exceeds(
    arguments: dict[str, Any], bound: str
) -> None:
    run = solve("random", "AMC-DigitsLeNet-v0", evaluations=3, **arguments)
    assert run.scores is None
    assert run.certificate is not None
    assert run.certificate == bound or not bound
    assert max(run.rewards) <= float(run.certificate.removeprefix("bound ")) * (1 + 1e-5)


@pytest.mark.parametrize(("environment", "arguments"), CASES)
def test_no_optimum_exceeds_the_bound_that_needs_no_table(
    environment: str, arguments: dict[str, Any]
) -> None:
    problem = problem_of(environment, **arguments)
    bound = reward_bound(problem)
    assert bound is not None
    assert optimum(problem).reward <= bound


@pytest.mark.parametrize("name", ["DeepCompression-LeNet300-Ratio-v0"])
def test_the_optimum_is_found_where_no_design_is_known_to_start_from(name: str) -> None:
    problem = problem_of(name, budget=0.02905725)
    labels, program = optimum(problem), find_optimum(problem)
    assert program.proved
    assert program.reward == pytest.approx(labels.reward)


def test_an_accuracy_that_no_design_within_the_budget_keeps_is_what_is_blamed() -> None:
    with pytest.raises(SolverError, match="keeps the accuracy: there is none"):
        solve("milp", "DeepCompression-LeNet5-Ratio-v0", 1, max_accuracy_drop=0.0, budget=0.02)
