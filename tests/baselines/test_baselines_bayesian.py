"""Bayesian optimisation with Gaussian processes: Optuna's, and BoTorch's in a trust region."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from optuna._gp import gp as optuna_gp

from hwenvs.baselines.sliced_regressor import SlicedRegressor, sliced_regressors
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


@pytest.mark.parametrize(("points", "episodes", "decisions"), [(2048, 90, 108), (300, 7, 11)])
def test_slices_change_nothing_about_a_model(
    points: int, episodes: int, decisions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hwenvs.baselines.sliced_regressor.SLICE", 20 * episodes * decisions * 8)
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.rand(shape, dtype=torch.float64, generator=generator)

    given = (
        torch.zeros(decisions, dtype=torch.bool),
        drawn(episodes, decisions),
        drawn(episodes),
        drawn(decisions),
        drawn(1)[0],
        drawn(1)[0],
    )
    candidates = drawn(points, decisions)
    found = []
    for regressor in (optuna_gp.GPRegressor, SlicedRegressor):
        model = regressor(*given)
        model._cache_matrix()
        few = candidates[:9].clone().requires_grad_()
        mean, variance = model.posterior(few)
        (mean + variance).sum().backward()
        found.append([*model.posterior(candidates), mean, variance, few.grad, model.kernel()])
    for whole, sliced in zip(*found, strict=True):
        torch.testing.assert_close(whole, sliced, rtol=1e-12, atol=1e-12)


def test_gp_finds_in_slices_what_optuna_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluations, solver = 16, get_solver("gp", **SOLVERS["gp"])
    sliced = solve(solver, "AMC-ResNet20-v0", evaluations=evaluations)
    monkeypatch.setattr("hwenvs.baselines.gaussian_process.sliced_regressors", nullcontext)
    assert solve(solver, "AMC-ResNet20-v0", evaluations=evaluations).designs == sliced.designs


def test_fitted_models_hold_no_differences_of_episodes() -> None:
    whole = optuna_gp.GPRegressor
    episodes, rewards = torch.rand(9, 4, dtype=torch.float64), torch.rand(9, dtype=torch.float64)
    with sliced_regressors():
        model = optuna_gp.fit_kernel_params(
            X=episodes.numpy(),
            Y=rewards.numpy(),
            is_categorical=torch.zeros(4, dtype=torch.bool).numpy(),
            log_prior=lambda fitted: fitted.kernel_scale * 0.0,
            minimum_noise=1e-6,
            deterministic_objective=True,
        )
    assert isinstance(model, SlicedRegressor)
    assert not hasattr(model, "_squared_X_diff")
    assert optuna_gp.GPRegressor is whole


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
