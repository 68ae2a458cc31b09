"""What suites are lists of, frozen: environments with their references, families of tasks."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import gymnasium as gym
from gymnasium.error import Error as GymnasiumError
from pydantic import BaseModel, ConfigDict, Field, model_validator

from hwenvs.errors import DataError

if TYPE_CHECKING:
    from hwenvs.problems import Problem

Digest = Field(pattern=r"^[0-9a-f]{64}$")


class Frozen(BaseModel):
    """What files of the leaderboard hold: nothing else, nothing of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Task(Frozen):
    """An environment of a suite.

    Attributes:
        key: what entries call it; unique in the suite.
        environment: registered id.
        arguments: of ``gym.make``.
        uniform: reward of the uniform design at the same budget, score 0.
        optimum: reward of the best design there is, score 1.
        proved: whether that is certified; the best known design otherwise.
        design: that design.
        dynamics: digest of everything that rewards depend on, see
            :func:`hwenvs.leaderboards.dynamics.dynamics`.
    """

    key: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{2,79}$")
    environment: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    uniform: float
    optimum: float
    proved: bool
    design: list[int]
    dynamics: str = Digest

    @model_validator(mode="after")
    def _scale(self) -> Task:
        if not self.optimum > self.uniform:
            raise ValueError(f"{self.key}: the optimum must earn more than the uniform design")
        return self

    def score(self, reward: float) -> float:
        """0 for the uniform design, 1 for the optimum."""
        return (reward - self.uniform) / (self.optimum - self.uniform)

    def problem(self) -> Problem:
        """The problem behind the environment, made once a process.

        Raises:
            HwenvsError: if there is no such environment, or it does not take the arguments.
        """
        return _problem(self.environment, json.dumps(self.arguments, sort_keys=True))


class Family(Frozen):
    """Tasks of a rule that policies are tried on, see :mod:`hwenvs.tasks`.

    Attributes:
        rule: name of a frozen rule.
        split: the part of it.
        dynamics: digest of all its tasks, see :func:`hwenvs.leaderboards.dynamics.dynamics_of`.
    """

    rule: str = Field(pattern=r"^[a-z][a-z0-9]{1,19}$")
    split: Literal["test"] = "test"
    dynamics: str = Digest

    @property
    def key(self) -> str:
        """What verdicts call it, e.g. ``"amc-test"``."""
        return f"{self.rule}-{self.split}"

    def score(self, reward: float) -> float:
        """Rewards of tasks are scores already."""
        return reward


@lru_cache(64)
def _problem(environment: str, arguments: str) -> Problem:
    try:
        made: Problem = gym.make(environment, **json.loads(arguments)).unwrapped.problem  # type: ignore[attr-defined]
    except (GymnasiumError, TypeError, AttributeError) as error:
        raise DataError(f"{environment} with {arguments} cannot be made: {error}") from error
    return made
