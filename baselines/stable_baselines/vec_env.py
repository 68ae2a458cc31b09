"""The package's vector environment as Stable-Baselines3 wants one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import load_env_creator
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import (
    VecEnv,
    VecEnvIndices,
    VecEnvObs,
    VecEnvStepReturn,
)

from hwenvs.arguments import check_options
from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.multiobjective.vector import MultiObjectiveVectorEnv
from hwenvs.registration import ALL_ENVIRONMENTS, MO_ENVIRONMENTS, TASK_ENVIRONMENTS
from hwenvs.vector import DesignVectorEnv

METHODS = ("action_masks", "get_state", "render")
"""Methods of the copies that can be called; each gives one entry a copy."""


class DesignVecEnv(VecEnv):
    """Copies of an environment that take their decisions together, in numpy.

    Trajectories equal those of as many scalar environments in a ``DummyVecEnv``.

    Args:
        environment: a registered id.
        num_envs: number of copies.
        symmetric: whether fractions are asked for in [-1, 1] instead of [0, 1], which suits
            normal distributions around 0 (PPO, A2C).
        **arguments: of ``gym.make_vec``.

    Raises:
        UnknownNameError: if there is no such environment.
        ArgumentError: if ``symmetric`` is asked for where actions are choices; if the environment
            is many tasks, pays a vector or is none of this package's.
    """

    def __init__(
        self, environment: str, num_envs: int = 1, symmetric: bool = False, **arguments: Any
    ) -> None:
        name = environment.rpartition(":")[2]
        if name not in gym.registry:
            raise unknown_name("environment", environment, ALL_ENVIRONMENTS)
        if not _native(gym.registry[name].vector_entry_point):
            raise ArgumentError(_instead(name))
        arguments["autoreset_mode"] = AutoresetMode.SAME_STEP
        made = gym.make_vec(environment, num_envs=num_envs, **arguments)
        self.envs = cast("DesignVectorEnv", made)
        self._symmetric = symmetric
        space = self.envs.single_action_space
        if symmetric and not isinstance(space, spaces.Box):
            raise ArgumentError(f"actions of {environment} are choices: they cannot be symmetric")
        if symmetric:
            space = spaces.Box(-1.0, 1.0, space.shape, np.float32)
        super().__init__(num_envs, self.envs.single_observation_space, space)

    def reset(self) -> VecEnvObs:
        """Back to the first decision, in all copies.

        Raises:
            UnknownNameError: if options were set: there are none.
        """
        seeds = None if None in self._seeds else self._seeds
        for options in self._options:
            check_options(options)
        observations, infos = self.envs.reset(seed=seeds)
        self.reset_infos = per_copy(infos, self.num_envs)
        self._reset_seeds()
        self._reset_options()
        return np.ascontiguousarray(observations)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keeps ``actions`` [num_envs, 1] (choices [num_envs]) for :meth:`step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """The next decision in all copies; finished ones start again at once."""
        actions = self._actions
        if self._symmetric:
            actions = (actions * 0.5 + 0.5).astype(np.float32)
        observations, rewards, ended, _, found = self.envs.step(actions)
        if ended[0]:
            infos = per_copy(found.pop("final_info"), self.num_envs)
            last = found.pop("final_obs")
            for info, observation in zip(infos, last, strict=True):
                info["terminal_observation"] = observation
            self.reset_infos = per_copy(found, self.num_envs)
        else:
            infos = per_copy(found, self.num_envs)
        for info in infos:
            info["TimeLimit.truncated"] = False
        # What is stored in replay memories row by row is best laid out row by row.
        return np.ascontiguousarray(observations), rewards.astype(np.float32), ended, infos

    def close(self) -> None:
        """Releases what the environment holds."""
        self.envs.close()

    def get_images(self) -> Sequence[NDArray[Any] | None]:
        """Pixels [height, width, 3] of every copy, with ``render_mode="rgb_array"``."""
        return self.envs.render() or [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute, which all copies share.

        Raises:
            AttributeError: if there is none, or masks are asked for where actions are fractions.
        """
        if attr_name == "action_masks" and isinstance(self.action_space, spaces.Box):
            raise AttributeError("actions are fractions: only choices have masks")
        return [getattr(self.envs, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Sets an attribute of all copies.

        Raises:
            ArgumentError: if ``indices`` leaves some out.
        """
        if sorted(self._get_indices(indices)) != list(range(self.num_envs)):
            raise ArgumentError(f"{attr_name} cannot be set of some copies: all share it")
        setattr(self.envs, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """What a method gives for the copies ``indices``.

        Raises:
            UnknownNameError: if it is none of ``METHODS``.
        """
        if method_name not in METHODS:
            raise unknown_name("method of a vector environment", method_name, METHODS)
        every = getattr(self.envs, method_name)(*method_args, **method_kwargs)
        return [None if every is None else every[index] for index in self._get_indices(indices)]

    def env_is_wrapped(
        self,
        wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]],  # noqa: ARG002
        indices: VecEnvIndices = None,
    ) -> list[bool]:
        """Copies are in no wrapper."""
        return [False for _ in self._get_indices(indices)]


def _native(entry: object) -> bool:
    """Whether copies behind an entry point walk in lockstep and are paid one number each."""
    made = load_env_creator(entry) if isinstance(entry, str) else entry
    return (
        isinstance(made, type)
        and issubclass(made, DesignVectorEnv)
        and not issubclass(made, MultiObjectiveVectorEnv)
    )


def _instead(name: str) -> str:
    """What takes an environment that this does not."""
    if name in TASK_ENVIRONMENTS:
        return f"{name} draws another task every episode: TaskVecEnv takes it"
    if name in MO_ENVIRONMENTS:
        one = name.removeprefix("MO-")
        return f"{name} pays a vector, one number is wanted here: take {one}"
    return (
        f"{name} is no environment of hwenvs, whose copies walk in lockstep: "
        "stable_baselines3.common.env_util.make_vec_env takes it"
    )


def per_copy(infos: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """One dictionary a copy, as scalar environments give it, of those with arrays over copies."""
    split: list[dict[str, Any]] = [{} for _ in range(count)]
    for key, values in infos.items():
        if key.startswith("_"):
            continue
        column = per_copy(values, count) if isinstance(values, Mapping) else _entries(values)
        for info, value in zip(split, column, strict=True):
            info[key] = value
    return split


def _entries(values: NDArray[Any]) -> list[Any]:
    """Python's numbers of an array over copies; rows of a longer one."""
    return values.tolist() if values.ndim == 1 else list(values)
