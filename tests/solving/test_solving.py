"""The loop that every solver runs in, and the pool of workers."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import pytest
import torch

from hwenvs import importing
from hwenvs.baselines.random import RandomSearch
from hwenvs.errors import ArgumentError, MissingExtraError, SolverError, UnknownNameError
from hwenvs.networks import Network, from_torch
from hwenvs.solving import (
    SOLVERS,
    BudgetSpent,
    Recorder,
    Run,
    Solver,
    get_solver,
    solve,
)
from hwenvs.solving.pool import solve_many

ID = "AMC-MobileNetV1-v0"
ONCE = ("uniform", "shallow", "deep", "exact", "milp")
ALL = tuple(name for name in SOLVERS if name != "proxyless")
"""Solvers but the one that needs a supernet and images; it has tests of its own."""

SEARCHING = tuple(name for name in ALL if name not in ONCE)
CHOOSING = "NAS-ProxylessCIFAR-v0"


def arena(name: str) -> str:
    """An environment that a solver can solve."""
    return CHOOSING if name == "reinforce" else ID


QUICK: dict[str, dict[str, Any]] = {
    "ddpg": {"warmup": 15, "hidden": (16, 16)},
    "decomposition": {"warmup": 15},
    "gp": {"startup": 15},
    "turbo": {"startup": 10, "candidates": 100},
    **{
        name: {"hidden": (8, 8), "warmup": 3, "updates": 0.2}
        for name in ("sb3-ddpg", "sb3-td3", "sb3-sac", "sb3-tqc", "sb3-dqn")
    },
    **{
        name: {"hidden": (8, 8), "epochs": 2}
        for name in ("sb3-ppo", "sb3-maskable-ppo", "sb3-recurrent-ppo")
    },
}


def quick(name: str) -> Solver:
    return get_solver(name, **QUICK.get(name, {}))


def same(first: Run, second: Run) -> bool:
    return (first.designs, first.rewards, first.costs) == (
        second.designs,
        second.rewards,
        second.costs,
    )


class Greedy:
    """Goes on after the end, as a careless solver might."""

    name = "greedy"
    deterministic = True
    hyperparameters: dict[str, Any] = {}  # noqa: RUF012

    def solve(self, env: Recorder, seed: int) -> None:  # noqa: ARG002
        for _ in range(3):
            try:
                while True:
                    env.play(np.full(env.problem.horizon, 0.5))
            except BudgetSpent:
                continue


@pytest.mark.parametrize("name", ALL)
def test_every_solver_keeps_the_protocol(name: str) -> None:
    solver = get_solver(name)
    assert isinstance(solver, Solver)
    assert solver.name == name
    assert json.loads(json.dumps(dict(solver.hyperparameters))) is not None


@pytest.mark.parametrize("name", SEARCHING)
@pytest.mark.parametrize("evaluations", [1, 23])
def test_searches_make_exactly_the_evaluations_allowed(name: str, evaluations: int) -> None:
    run = solve(quick(name), arena(name), evaluations=evaluations)
    assert len(run.rewards) == len(run.designs) == len(run.accuracies) == evaluations
    assert all(len(values) == evaluations for values in run.costs.values())


@pytest.mark.parametrize("name", ONCE)
def test_rules_make_one_evaluation(name: str) -> None:
    assert len(solve(name, ID, evaluations=23).rewards) == 1


def test_no_solver_gets_beyond_the_evaluations_allowed() -> None:
    assert len(solve(Greedy(), ID, evaluations=4).rewards) == 4


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, True])
def test_seeds_that_not_every_solver_takes_are_refused_at_once(seed: Any) -> None:
    with pytest.raises(ArgumentError, match="seed must be"):
        solve("random", ID, evaluations=1, seed=seed)


@pytest.mark.parametrize("name", ALL)
def test_equal_seeds_give_equal_runs(name: str) -> None:
    first, second = (solve(quick(name), arena(name), evaluations=20, seed=3) for _ in range(2))
    assert first.deterministic
    assert same(first, second)


@pytest.mark.parametrize("name", SEARCHING)
def test_other_seeds_give_other_runs(name: str) -> None:
    first, second = (solve(quick(name), arena(name), evaluations=5, seed=seed) for seed in (0, 1))
    assert first.designs != second.designs


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("constraint", ["bounded", "projected"])
def test_every_record_is_what_the_problem_says_of_its_design(name: str, constraint: str) -> None:
    run = solve(quick(name), arena(name), evaluations=20, constraint=constraint)
    outcome = gym.make(arena(name)).unwrapped.problem.evaluate(run.designs)
    assert outcome.feasible.all()
    np.testing.assert_array_equal(outcome.reward, run.rewards)
    np.testing.assert_array_equal(outcome.accuracy, run.accuracies)
    for quantity, values in outcome.costs.items():
        np.testing.assert_array_equal(values, run.costs[quantity])


@pytest.mark.parametrize("name", ["cma-es", "decomposition"])
def test_searches_improve_on_their_own_beginning(name: str) -> None:
    run = solve(quick(name), arena(name), evaluations=100)
    assert np.median(run.rewards[-15:]) > np.median(run.rewards[:15])


def test_scores_are_rewards_between_uniform_and_optimum() -> None:
    run = solve("random", ID, evaluations=10)
    zero, one = (solve(name, ID).rewards[0] for name in ("uniform", "exact"))
    assert run.scores == pytest.approx((np.array(run.rewards) - zero) / (one - zero))
    assert run.best == int(np.argmax(run.rewards))
    np.testing.assert_array_equal(run.best_so_far(), np.maximum.accumulate(run.scores))


def test_solving_leaves_the_environments_of_others_as_they_are() -> None:
    # No other test has this budget: environments of equal arguments share their problem.
    env = gym.make(ID, budget=0.4372)
    problem = env.unwrapped.problem  # type: ignore[attr-defined]
    run = solve("uniform", ID, evaluations=1, budget=0.4372)
    assert (run.scores, run.certificate) == ([0.0], "proved")
    assert problem.optimum is None
    assert "score" not in problem.info(problem.reference)


def test_callbacks_hear_of_every_evaluation() -> None:
    heard: list[tuple[int, float]] = []
    run = solve("random", ID, evaluations=7, callback=lambda *news: heard.append(news))
    best = np.maximum.accumulate(run.rewards)
    assert heard == list(zip(range(1, 8), best, strict=True))


def test_a_pool_gives_the_same_runs_as_one_process() -> None:
    tasks = [
        {"solver": name, "environment": ID, "evaluations": 105, "seed": seed}
        for name, seed in (("ddpg", 0), ("decomposition", 1), ("cma-es", 2))
    ]
    alone, pooled = (dict(solve_many(tasks, workers)) for workers in (1, 2))
    assert sorted(pooled) == [0, 1, 2]
    for index, run in alone.items():
        assert same(run, pooled[index]), run.solver


@pytest.mark.parametrize("evaluations", [0, -1, 2.5, True, "many"])
def test_evaluations_must_be_a_positive_number(evaluations: Any) -> None:
    with pytest.raises(ArgumentError, match="evaluations must be a whole number of at least 1"):
        solve("random", ID, evaluations=evaluations)


def test_seeds_must_not_be_negative() -> None:
    with pytest.raises(ArgumentError, match="seed"):
        solve("random", ID, evaluations=1, seed=-1)


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'ddpg'"):
        get_solver("dpg")
    with pytest.raises(UnknownNameError, match="Did you mean 'AMC-MobileNetV1-v0'"):
        solve("random", "AMC-MobilNetV1-v0", evaluations=1)
    with pytest.raises(UnknownNameError, match="Did you mean 'exploration'"):
        get_solver("decomposition", explore=1.0)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(module: str) -> None:
        raise ModuleNotFoundError(f"No module named 'cma' ({module})", name="cma")

    monkeypatch.setattr(importing.importlib, "import_module", fail)
    with pytest.raises(MissingExtraError, match=r"pip install 'hwenvs\[baselines\]'"):
        get_solver("cma-es")


@pytest.mark.parametrize("setting", [float("inf"), {1, 2}, np.float32(1.0), {"deep": [object()]}])
def test_hyperparameters_that_no_record_can_hold_are_told_before_anything_is_run(
    setting: object,
) -> None:
    class Mine(RandomSearch):
        name = "mine"
        hyperparameters: ClassVar[dict[str, object]] = {"setting": setting}

        def solve(self, env: Recorder, seed: int) -> None:  # noqa: ARG002
            raise AssertionError("must not be run")

    with pytest.raises(SolverError, match="hyper-parameters of mine have no JSON: "):
        solve(Mine(), "AMC-ResNet20-v0", 2)


def test_environments_of_others_are_refused() -> None:
    gym.register("Other-v0", entry_point="gymnasium.envs.classic_control:PendulumEnv")
    try:
        with pytest.raises(SolverError, match="PendulumEnv"):
            solve("random", "Other-v0", evaluations=1)
    finally:
        del gym.registry["Other-v0"]


@pytest.fixture(scope="module")
def tiny() -> Network:
    """A network with one group of channels: one decision."""
    nn = torch.nn
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    module = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), *pooled)
    return from_torch(module, torch.zeros(1, 3, 8, 8))


@pytest.mark.filterwarnings("ignore::hwenvs.errors.AnalyticProxyWarning")
@pytest.mark.parametrize("only", [{}, {"floor": 1.0, "budget": 1.0}], ids=["one", "none"])
@pytest.mark.parametrize("name", [name for name in SEARCHING if name != "reinforce"])
def test_searches_cope_with_one_decision_and_with_none(
    name: str, only: dict[str, float], tiny: Network
) -> None:
    run = solve(quick(name), "AMC-v0", evaluations=70, network=tiny, **only)
    assert len(run.rewards) == 70
    assert len({tuple(design) for design in run.designs}) == 1 or not only


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("ddpg", {"hidden": ("a", "b")}, "every entry of hyper-parameter hidden .* must be int"),
        ("ddpg", {"hidden": (3.5, 3.5)}, "must be int, not 3.5"),
        ("ddpg", {"updates": float("inf")}, "updates of ddpg must be finite"),
        ("ddpg", {"warmup": -5}, "warmup of ddpg must not be negative"),
        ("ddpg", {"sigma": 1e6}, "sigma of ddpg must be at most 10"),
        ("shallow", {"slope": "x"}, r"slope of shallow must be a number in \(0, 1\], not 'x'"),
        ("cma-es", {"sigma": float("nan")}, "sigma of evolution must be finite"),
        ("turbo", {"startup": 1}, "startup of turbo must be at least 2"),
        ("differential-evolution", {"population": 5}, "must be at least 6"),
        ("differential-evolution", {"mutation": ("a", "b")}, "must be float, not 'a'"),
        ("reinforce", {"batch": 1}, "batch of reinforce must be at least 2"),
        ("sb3-ppo", {"log_std": 1e3}, "log_std must be from -20 to 2"),
        ("sb3-sac", {"target_entropy": float("nan")}, "must be finite, not nan"),
        ("decomposition", {"warmup": 0}, "warmup of decomposition must be at least 1"),
        ("decomposition", {"rates": ()}, "rates of decomposition must be positive numbers"),
        ("decomposition", {"noise": 0.0}, "noise of decomposition must be positive"),
        ("decomposition", {"exploration": -1.0}, "exploration of decomposition must not be"),
        ("decomposition", {"warmup_spread": (0.5, 0.1)}, "must be a range from 0 on"),
        ("uniform", {"slope": 0.5}, "has no hyper-parameters slope"),
        ("uniform", {"name": "x"}, "solver .uniform. has no hyper-parameters name"),
    ],
)
def test_settings_that_make_no_sense_are_refused_when_the_solver_is_made(
    name: str, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises((ArgumentError, SolverError), match=message):
        get_solver(name, **wrong)
