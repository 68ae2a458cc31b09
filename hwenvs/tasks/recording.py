"""Many tasks for learners that know one: what they call a recorder."""

from __future__ import annotations

from typing import Any, NoReturn

import gymnasium as gym

from hwenvs.arguments import check_whole
from hwenvs.errors import SolverError
from hwenvs.solving import Callback, Recorder
from hwenvs.solving.loop import MOST_SEED
from hwenvs.solving.records import Run
from hwenvs.tasks.environment import TaskEnv


class TaskRecorder(Recorder):
    """An environment of many tasks as a learner sees it: counts episodes and ends with the budget.

    Learners of this package that walk episodes with ``reset`` and ``step``, whatever their length,
    train over tasks with it::

        agent = DDPG(replay_episodes=1000)
        env = TaskRecorder(gym.make("AMC-Generalist-v0"), evaluations=2000, seed=0)
        with suppress(BudgetSpent):
            agent.solve(env, seed=0)
        agent.learner.act(observation)

    Those that plan a design for one problem, or are sized by its length, cannot: whatever asks for
    ``problem`` is refused.  The record has the scores as rewards, and the ids of the tasks in
    ``tasks``.

    Args:
        env: an environment of many tasks.
        evaluations: finished episodes allowed.
        seed: of the tasks that are drawn, from the first ``reset`` on.
        callback: called after every evaluation.

    Raises:
        SolverError: if it is another environment.
        ArgumentError: if ``evaluations`` is no whole number from 1 on, or ``seed`` none in
            [0, 2^64).
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
        evaluations = check_whole("evaluations", evaluations)
        seed = check_whole("seed", seed, 0, MOST_SEED)
        name = base.spec.id if base.spec else "TaskEnv"
        self.run = Run("", name, {}, seed, evaluations)
        self.tasks: list[str] = []
        self._callback, self._best = callback, float("-inf")
        self._seed: int | None = seed

    @property
    def problem(self) -> NoReturn:  # type: ignore[override]
        """There is no one problem.

        Raises:
            SolverError: always.
        """
        raise SolverError(
            "solvers that plan a design for one problem cannot learn over tasks: they want a task "
            "as an environment of its own, solve(solver, task.environment, **task.arguments); "
            "Stable-Baselines3 learns over tasks with TaskVecEnv"
        )

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode of the next task; :class:`BudgetSpent` if no evaluation is left."""
        if self._seed is not None:
            options, self._seed = {"seed": self._seed, **options}, None
        return super().reset(**options)

    def _record(self, reward: float, info: dict[str, Any]) -> None:
        self.tasks.append(info["task"])
        super()._record(reward, {**info, "costs": {}})
