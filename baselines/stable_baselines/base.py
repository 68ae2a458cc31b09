"""What every algorithm of Stable-Baselines3 does here: learn on a recorder until it is spent."""

from __future__ import annotations

import dataclasses
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import gymnasium as gym
import torch
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.vec_env import DummyVecEnv

from hwenvs.agents.networks import small_networks
from hwenvs.baselines.seeding import legacy_generator
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured, load_hyperparameters


class AlgorithmSettings(ABC):
    """Hyper-parameters in units of episodes, so that they fit networks of any depth.

    Subclasses are frozen dataclasses.
    """

    @abstractmethod
    def keywords(self, horizon: int, space: gym.Space[Any]) -> dict[str, Any]:
        """Arguments of the algorithm where episodes have ``horizon`` steps, actions ``space``."""

    def _positive(self, *names: str) -> None:
        for name in names:
            if not getattr(self, name) > 0:
                raise SolverError(f"{name} must be positive, not {getattr(self, name)}")

    def _not_negative(self, *names: str) -> None:
        for name in names:
            if not getattr(self, name) >= 0:
                raise SolverError(f"{name} must not be negative, not {getattr(self, name)}")

    def _fractions(self, *names: str) -> None:
        for name in names:
            if not 0 <= getattr(self, name) <= 1:
                raise SolverError(f"{name} must be in [0, 1], not {getattr(self, name)}")

    def _sizes(self, name: str = "hidden") -> None:
        sizes = getattr(self, name)
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise SolverError(f"{name} must be positive whole numbers, not {sizes}")


SettingsT = TypeVar("SettingsT", bound=AlgorithmSettings)


class StableBaselines(Configured[SettingsT], Generic[SettingsT]):
    """An algorithm of Stable-Baselines3 or its contrib package as a solver.

    The recorder ends the run in the middle of ``learn``: at the last step of the last evaluation
    that is allowed.  The algorithm after a run stays in ``model``.

    Args:
        **hyperparameters: fields of ``settings_type``; defaults in a YAML with the solver's name.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.

    Attributes:
        algorithm: class of the package.
        policy: its policy, by name or class.
    """

    name: ClassVar[str]
    algorithm: ClassVar[Any]
    policy: ClassVar[str | type[BasePolicy]] = "MlpPolicy"
    deterministic = True
    model: Any = None

    def __init__(self, **hyperparameters: Any) -> None:
        # One YAML per algorithm rather than per module, which is what Configured looks for.
        path = Path(__file__).with_name(f"{self.name}.yaml")
        self.settings = load_hyperparameters(self.settings_type, path, hyperparameters)
        self.hyperparameters = dataclasses.asdict(self.settings)  # type: ignore[call-overload]

    @abstractmethod
    def adapted(self, env: Recorder) -> gym.Env[Any, Any]:
        """``env`` with actions that the algorithm can choose.

        Raises:
            SolverError: if they cannot be asked for in that way.
        """

    def solve(self, env: Recorder, seed: int) -> None:
        """Learns until the evaluations are spent.

        Raises:
            SolverError: if actions are neither choices nor from a bounded ``Box``.
        """
        seed, steps = seed % 2**32, env.left * env.problem.horizon
        adapted = self.adapted(env)
        with own_generators(), small_networks():
            self.model = self.algorithm(
                self.policy,
                # Made here, so that no Monitor gets in between: the recorder keeps the records.
                DummyVecEnv([lambda: adapted]),
                seed=seed,
                device="cpu",
                **self.settings.keywords(env.problem.horizon, adapted.action_space),
            )
            # Without a logger of its own every run would leave a folder behind.
            self.model.set_logger(Logger(folder=None, output_formats=[]))
            self.model.learn(steps)


@contextmanager
def own_generators() -> Iterator[None]:
    """Leaves the global random generators as they were: Stable-Baselines3 seeds all of them."""
    plain = random.getstate()
    with legacy_generator(), torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(plain)
