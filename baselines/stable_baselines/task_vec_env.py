"""Many tasks as Stable-Baselines3 wants them: groups of copies, each group on a task of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import (
    VecEnv,
    VecEnvIndices,
    VecEnvObs,
    VecEnvStepReturn,
)

from hwenvs.arguments import check_options, check_whole
from hwenvs.errors import ArgumentError
from hwenvs.problems.actions import check_actions
from hwenvs.problems.base import Walk
from hwenvs.tasks.compiled import CompiledTask, compile_task
from hwenvs.tasks.environment import TaskEnv
from hwenvs.tasks.task import Task

SMALLEST_DEVIATION = 0.02
"""Added to the standard deviation of a group's rewards, so that noise is not blown up to signal."""


@dataclass
class _Group:
    """Copies that walk the same task in lockstep."""

    compiled: CompiledTask
    walk: Walk

    def observe(self) -> NDArray[np.float32]:
        """What every copy sees [copies, F]."""
        return self.compiled.seen(self.compiled.problem.observe(self.walk))


class TaskVecEnv(VecEnv):
    """An environment of many tasks, many times: each group of copies walks one task, in numpy.

    A copy sees and earns what :class:`~hwenvs.tasks.environment.TaskEnv` gives for the same task
    and actions, bit for bit.  Tasks are drawn for groups, each once before any comes again.

    Several designs of one task at a time also show what is good *for that task*, whose scores may
    lie far above or below those of others.  With ``relative`` an episode's reward is how much
    better it did than its group, in standard deviations: the advantages of GRPO (Shao et al.,
    "DeepSeekMath", 2024), here in front of any algorithm.

    Args:
        environment: id of one of many tasks.
        groups: tasks at a time.
        copies: episodes of each.
        relative: whether rewards compare with the group; scores otherwise.
        **arguments: of ``gym.make``.

    Raises:
        ArgumentError: if it is another environment, ``groups`` or ``copies`` are no whole numbers
            from 1 on (from 2 for copies that are compared), or pictures are asked for.
    """

    def __init__(
        self,
        environment: str,
        groups: int = 16,
        copies: int = 16,
        relative: bool = False,
        **arguments: Any,
    ) -> None:
        if arguments.get("render_mode") is not None:
            raise ArgumentError(
                "many tasks at once have no picture: gym.make(task.environment, **task.arguments, "
                "render_mode=...) has one of a single task"
            )
        made = gym.make(environment, **arguments).unwrapped
        if not isinstance(made, TaskEnv):
            raise ArgumentError(f"{environment} has no tasks to draw from")
        groups = check_whole("groups", groups)
        compared = "copies that are compared with each other"
        copies = check_whole(compared if relative else "copies", copies, 2 if relative else 1)
        self.tasks, self.copies, self.relative = made.tasks, copies, relative
        self._lowest, self._random = made.lowest, np.random.default_rng()
        self._left: list[int] = []
        self._groups: list[_Group] = []
        self._count, self.render_mode = groups, None
        super().__init__(groups * copies, made.observation_space, made.action_space)

    def reset(self) -> VecEnvObs:
        """Every group begins another task; a seed given before fixes which.

        Raises:
            UnknownNameError: if options were set: there are none.
        """
        for options in self._options:
            check_options(options)
        if self._seeds[0] is not None:
            self._random, self._left = np.random.default_rng(self._seeds[0]), []
        self._groups = [self._drawn() for _ in range(self._count)]
        self.reset_infos = [{"task": group.compiled.task.id} for group in self._each()]
        self._reset_seeds()
        self._reset_options()
        return np.concatenate([group.observe() for group in self._groups])

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keeps ``actions`` [num_envs, 1] for :meth:`step_wait`.

        Raises:
            ResetNeeded: before the first ``reset``.
            ActionError: if actions have another shape or type or lie outside [0, 1].
        """
        if not self._groups:
            raise ResetNeeded("Cannot call envs.step() before calling envs.reset()")
        self._actions = check_actions(actions, self.num_envs)

    def step_wait(self) -> VecEnvStepReturn:
        """The next decision in all copies; groups that have finished begin another task at once."""
        rewards, ended = np.zeros(self.num_envs, np.float32), np.zeros(self.num_envs, bool)
        infos: list[dict[str, Any]] = [{"TimeLimit.truncated": False} for _ in range(self.num_envs)]
        observations = []
        for place, group in enumerate(self._groups):
            problem, walk = group.compiled.problem, group.walk
            mine = slice(place * self.copies, (place + 1) * self.copies)
            problem.push(walk, problem.decide(walk, self._actions[mine]))
            if walk.step == problem.horizon:
                rewards[mine], ended[mine] = self._paid(group, infos[mine]), True
                self._groups[place] = group = self._drawn()
                for index in range(mine.start, mine.stop):
                    self.reset_infos[index] = {"task": group.compiled.task.id}
            observations.append(group.observe())
        return np.concatenate(observations), rewards, ended, infos

    def _paid(self, group: _Group, infos: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
        """Rewards [copies] of a group that has finished; fills its infos."""
        compiled, rewards = group.compiled, np.empty(self.copies)
        earned = compiled.problem.finish(group.walk).reward.tolist()
        last, name = group.observe(), compiled.task.id
        for copy, (info, reward) in enumerate(zip(infos, earned, strict=True)):
            info["terminal_observation"], info["task"] = last[copy], name
            rewards[copy], info["score"] = compiled.paid(reward, self._lowest)
        if self.relative:
            rewards = (rewards - rewards.mean()) / (rewards.std() + SMALLEST_DEVIATION)
        return rewards

    def _drawn(self) -> _Group:
        if not self._left:
            self._left = self._random.permutation(len(self.tasks)).tolist()
        task: Task = self.tasks[self._left.pop()]
        compiled = compile_task(task)
        return _Group(compiled, compiled.problem.start(self.copies))

    def _each(self) -> list[_Group]:
        """The group of every copy."""
        return [group for group in self._groups for _ in range(self.copies)]

    def close(self) -> None:
        """Nothing is held open."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute, which all copies share.

        Raises:
            AttributeError: if there is none.
        """
        value = getattr(self, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:  # noqa: ARG002
        """Refused: copies share everything.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(f"{attr_name} cannot be set of copies of many tasks: all share it")

    def env_method(
        self,
        method_name: str,
        *method_args: Any,  # noqa: ARG002
        indices: VecEnvIndices = None,  # noqa: ARG002
        **method_kwargs: Any,  # noqa: ARG002
    ) -> list[Any]:
        """Refused: copies are rows of arrays and have no methods.

        Raises:
            ArgumentError: always.
        """
        raise ArgumentError(f"copies of many tasks have no method {method_name!r}")

    def env_is_wrapped(
        self,
        wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]],  # noqa: ARG002
        indices: VecEnvIndices = None,
    ) -> list[bool]:
        """Copies are in no wrapper."""
        return [False for _ in self._get_indices(indices)]
