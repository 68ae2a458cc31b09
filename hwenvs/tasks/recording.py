"""Many tasks for learners that know one: what they call a recorder."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from hwenvs.errors import SolverError
from hwenvs.problems.chain import ChainProblem
from hwenvs.solving import Callback, Recorder
from hwenvs.solving.records import Run
from hwenvs.tasks.environment import TaskEnv


class TaskRecorder(Recorder):
    """An environment of many tasks as a learner sees it: counts episodes and ends with the budget.

    Learners of this package that walk episodes with ``reset`` and ``step`` train over tasks with
    it; those that plan on one problem cannot::

        agent = DDPG(replay_episodes=1000)
        env = TaskRecorder(gym.make("AMC-Generalist-v0"), evaluations=2000, seed=0)
        with suppress(BudgetSpent):
            agent.solve(env, seed=0)
        agent.learner.act(observation)

    The record has the scores as rewards, and the ids of the tasks in ``tasks``.

    Args:
        env: an environment of many tasks.
        evaluations: finished episodes allowed.
        seed: of the tasks that are drawn.
        callback: called after every evaluation.

    Raises:
        SolverError: if it is another environment.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        evaluations: int,
        seed: int = 0,
        callback: Callback | None = None,
    ) -> None:
        gym.Wrapper.__init__(self, env)
        base = env.unwrapped
        if not isinstance(base, TaskEnv):
            raise SolverError(f"many tasks are walked in a TaskEnv, not a {type(base).__name__}")
        self._base = base
        name = base.spec.id if base.spec else "TaskEnv"
        self.run = Run("", name, {}, seed, evaluations)
        self.tasks: list[str] = []
        self._callback, self._best = callback, float("-inf")
        self.env.reset(seed=seed)

    @property
    def problem(self) -> ChainProblem:  # type: ignore[override]
        """The problem of the task at hand."""
        assert self._base.problem is not None
        return self._base.problem

    def _record(self, reward: float, info: dict[str, Any]) -> None:
        self.tasks.append(info["task"])
        super()._record(reward, {**info, "costs": {}})
