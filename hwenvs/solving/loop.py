"""How every solver runs: one loop that counts evaluations and records every finished design."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.arguments import check_whole
from hwenvs.canonical import canonical
from hwenvs.environment import DesignEnv
from hwenvs.errors import SolverError
from hwenvs.files import digests
from hwenvs.making import make
from hwenvs.problems import Problem
from hwenvs.problems.chain import ChainProblem
from hwenvs.single import check_single
from hwenvs.solving.records import Run, plain, versions
from hwenvs.solving.solvers import Solver, get_solver

MOST_SEED = 2**64 - 1
"""Torch takes no larger seed."""

Callback = Callable[[int, float], None]
"""Receives the number of finished evaluations and the best reward so far."""


class BudgetSpent(Exception):  # noqa: N818
    """Raised inside a solver when its last evaluation has been recorded; the loop catches it."""


class Recorder(gym.Wrapper[Any, Any, Any, Any]):
    """The environment as a solver sees it: records every finished episode, ends with the budget.

    A solver keeps no trace of its own and forgets no evaluation.  One that means to can change
    ``run``: the leaderboard takes nothing but designs from records, and judges them anew.

    Args:
        env: an environment of this package.
        run: the record to fill.
        callback: called after every evaluation.

    Raises:
        SolverError: if it is not an environment of this package.
    """

    def __init__(self, env: gym.Env[Any, Any], run: Run, callback: Callback | None = None) -> None:
        super().__init__(env)
        base = env.unwrapped
        if not isinstance(base, DesignEnv):
            check_single(env.spec.id if env.spec else "")
            raise SolverError(f"solvers need an environment of hwenvs, not {type(base).__name__}")
        self.problem: Problem = base.problem
        self.run = run
        self._callback = callback
        self._best = -np.inf

    @property
    def left(self) -> int:
        """Evaluations that may still be made."""
        return self.run.evaluations - len(self.run.rewards)

    def chain(self) -> ChainProblem:
        """The problem, for solvers that look at its options and costs.

        Raises:
            SolverError: if it is no chain of decisions whose costs are known.
        """
        if not isinstance(self.problem, ChainProblem):
            kind = type(self.problem).__name__
            raise SolverError(f"{self.run.solver} needs a chain of decisions, not a {kind}")
        return self.problem

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Back to the first decision; :class:`BudgetSpent` if no evaluation is left."""
        self._check()
        return self.env.reset(**options)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """A step; after the last allowed episode :class:`BudgetSpent` is raised."""
        self._check()
        observation, reward, terminated, truncated, info = self.env.step(action)
        if terminated:
            self._record(float(reward), info)
            self._check()
        return observation, float(reward), terminated, truncated, info

    def actions(self, designs: ArrayLike) -> NDArray[Any]:
        """Actions [B, T, A] (choices [B, T]) that ask for ``designs`` [B, T]."""
        return self.problem.actions(designs)

    def evaluate(self, design: ArrayLike) -> float:
        """Walks an episode that asks for ``design`` [T] and returns its reward."""
        return self.play(self.actions(np.asarray(design)[None])[0])

    def play(self, actions: ArrayLike) -> float:
        """Walks an episode with ``actions`` [T] or [T, A] and returns its reward."""
        space, horizon = self.action_space, self.problem.horizon
        chosen = np.asarray(actions)
        if isinstance(space, gym.spaces.Box):
            chosen = chosen.astype(np.float32).reshape(horizon, -1)
        self.reset()
        reward = 0.0
        for action in chosen:
            _, reward, _, _, _ = self.step(action)
        return reward

    def _check(self) -> None:
        if self.left <= 0:
            raise BudgetSpent

    def _record(self, reward: float, info: dict[str, Any]) -> None:
        run = self.run
        run.designs.append([int(entry) for entry in info["design"]])
        run.rewards.append(reward)
        run.accuracies.append(float(info["accuracy"]))
        for quantity, value in info["costs"].items():
            run.costs.setdefault(quantity, []).append(float(value))
        self._best = max(self._best, reward)
        if self._callback is not None:
            self._callback(len(run.rewards), self._best)


def solve(
    solver: str | Solver,
    environment: str,
    evaluations: int = 400,
    seed: int = 0,
    callback: Callback | None = None,
    **arguments: Any,
) -> Run:
    """Runs one solver on one environment with one seed.

    Args:
        solver: a name or a solver.
        environment: a registered id.
        evaluations: finished episodes allowed.
        seed: of the solver.
        callback: called after every evaluation.
        **arguments: of ``gym.make``.

    Returns:
        The record, scored where the optimum is known.

    Raises:
        ArgumentError: if ``evaluations`` is not a number from 1 on, or ``seed`` none in [0, 2^64).
        UnknownNameError: if there is no such solver or environment.
        SolverError: if the environment is many problems, pays a vector, or is not of this package;
            if the solver's hyper-parameters have no JSON.
    """
    evaluations = check_whole("evaluations", evaluations)
    seed = check_whole("seed", seed, 0, MOST_SEED)
    chosen = get_solver(solver) if isinstance(solver, str) else solver
    env = make(environment, arguments)
    run = Run(chosen.name, environment, {}, seed, evaluations)
    run.hyperparameters = _recorded(chosen)
    run.versions, run.deterministic = versions(), chosen.deterministic
    recorder = Recorder(env, run, callback)
    run.arguments = plain(arguments, recorder.problem)
    run.files = digests(run.arguments)
    started = time.perf_counter()
    with suppress(BudgetSpent):
        chosen.solve(recorder, seed)
    run.seconds = time.perf_counter() - started
    recorder.close()
    run.certificate, best = _certified(recorder.problem)
    run.scores = _scores(recorder.problem, run.rewards, best)
    return run


def _recorded(solver: Solver) -> dict[str, Any]:
    """A copy of what a solver was made with, which may change its own.

    Raises:
        SolverError: if it has no JSON: then no record could be kept.
    """
    settings = dict(solver.hyperparameters)
    try:
        canonical(settings)
    except (TypeError, ValueError) as error:
        raise SolverError(f"hyper-parameters of {solver.name} have no JSON: {error}") from error
    return deepcopy(settings)


def _certified(problem: Problem) -> tuple[str | None, float | None]:
    """How sure the optimum of ``problem`` is, and its reward, if it can be found.

    The problem stays as it is: environments of equal arguments share it, and infos of others would
    tell scores from then on.

    Returns:
        As :attr:`Run.certificate`, None where nothing is known; the reward, None likewise.
    """
    from hwenvs.baselines.exact import optimum
    from hwenvs.baselines.targets import reward_bound

    try:
        found = optimum(problem)
    except SolverError:
        bound = reward_bound(problem) if problem.optimum is None else None
        return None if bound is None else f"bound {bound + 0.0:.6g}", None
    return found.status, found.reward


def _scores(problem: Problem, rewards: list[float], best: float | None) -> list[float] | None:
    """Scores of ``rewards``; None where no optimum is known."""
    score = problem.score(np.array(rewards), best)
    return None if score is None else [float(value) for value in np.atleast_1d(score)]
