"""Bayesian optimisation with Gaussian processes: Optuna's, and BoTorch's in a trust region."""

from __future__ import annotations

import pytest
import torch

from hwenvs.baselines.turbo import TrustRegion, _sobol
from hwenvs.errors import SolverError
from hwenvs.solving import get_solver, solve

SOLVERS = {"gp": {"startup": 10}, "turbo": {"startup": 10, "candidates": 200}}
EVALUATIONS = {"gp": 30, "turbo": 70}
"""Until they are ahead of random search; turbo has to find its region first, but is quick."""


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("environment", ["AMC-ResNet20-v0", "NAS-ProxylessCIFAR-v0"])
def test_it_starts_at_the_uniform_design_and_beats_random_search(
    name: str, environment: str
) -> None:
    evaluations = EVALUATIONS[name]
    run = solve(get_solver(name, **SOLVERS[name]), environment, evaluations=evaluations)
    assert run.scores is not None
    assert run.scores[0] == pytest.approx(0.0, abs=1e-9)
    assert max(run.rewards) > max(solve("random", environment, evaluations=evaluations).rewards)


@pytest.mark.parametrize("name", SOLVERS)
def test_it_leaves_torch_as_it_was(name: str) -> None:
    threads = torch.get_num_threads()
    torch.manual_seed(7)
    first = solve(get_solver(name, **SOLVERS[name]), "AMC-ResNet20-v0", evaluations=15)
    drawn = torch.rand(3)
    torch.manual_seed(7)
    assert torch.equal(torch.rand(3), drawn)
    assert torch.get_num_threads() == threads
    torch.manual_seed(8)
    again = solve(get_solver(name, **SOLVERS[name]), "AMC-ResNet20-v0", evaluations=15)
    assert again.designs == first.designs


def test_a_trust_region_grows_with_luck_and_shrinks_without() -> None:
    region = TrustRegion(length=0.8, longest=1.6, patience=2, successes=3)
    lengths = []
    for improved in (True, True, True, True, False, False, False, True, False, False):
        region.update(improved)
        lengths.append(region.length)
    assert lengths == [0.8, 0.8, 1.6, 1.6, 1.6, 0.8, 0.8, 0.8, 0.8, 0.4]
    for _ in range(6):
        region.update(True)
    assert region.length == 1.6


def test_turbo_starts_over_when_its_region_has_become_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[int] = []

    def counted(count: int, dimension: int) -> torch.Tensor:
        begun.append(count)
        return _sobol(count, dimension)

    monkeypatch.setattr("hwenvs.baselines.turbo._sobol", counted)
    solver = get_solver("turbo", startup=5, candidates=50, length=0.8, shortest=0.79, batch=5)
    run = solve(solver, "AMC-ResNet20-v0", evaluations=60, seed=1)
    # A new trust region begins with five designs of a Sobol sequence.
    assert begun.count(5) >= 2
    assert len(run.rewards) == 60


@pytest.mark.parametrize(
    ("name", "hyperparameters", "complaint"),
    [
        ("gp", {"startup": 0}, "startup of gp"),
        ("turbo", {"batch": 0}, "batch of turbo"),
        ("turbo", {"candidates": 3}, "candidates of turbo"),
        ("turbo", {"shortest": 0.9}, "shortest < length"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    name: str, hyperparameters: dict[str, float], complaint: str
) -> None:
    with pytest.raises(SolverError, match=complaint):
        get_solver(name, **hyperparameters)
