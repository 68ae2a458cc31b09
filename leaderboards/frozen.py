"""What suites are lists of, frozen: environments with their references, families of tasks."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hwenvs.errors import DataError, unknown_name
from hwenvs.problems import Problem, make_problem
from hwenvs.registration import ALL_ENVIRONMENTS

Digest = Field(pattern=r"^[0-9a-f]{64}$")

KEY = r"^[A-Za-z0-9][A-Za-z0-9.-]{2,79}$"
"""What tasks and environments may be called; Gymnasium would import what stands before a colon."""

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
"""Words among arguments: names of chips, costs, rewards; no files, modules or addresses."""

PROXIES = ("surrogate", "analytic")
"""Proxies that are tables of this package."""


class Frozen(BaseModel):
    """What files of the leaderboard hold: nothing else, nothing of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Task(Frozen):
    """An environment of a suite.

    Attributes:
        key: what entries call it; unique in the suite.
        environment: registered id.
        arguments: of ``gym.make``: numbers and words, which name no file and no measured proxy.
        uniform: reward of the uniform design at the same budget, score 0.
        optimum: reward of the best design there is, score 1.
        proved: whether that is certified; the best known design otherwise.
        design: that design.
        dynamics: digest of everything that rewards depend on, see
            :func:`hwenvs.leaderboards.dynamics.dynamics`.
    """

    key: str = Field(pattern=KEY)
    environment: str = Field(pattern=KEY)
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

    @model_validator(mode="after")
    def _plain(self) -> Task:
        if not _words(self.arguments):
            raise ValueError(
                f"{self.key}: arguments are numbers and words (letters, digits, _ and -), and name "
                "no files or modules"
            )
        if self.arguments.get("proxy", PROXIES[0]) not in PROXIES:
            raise ValueError(f"{self.key}: the proxy must be one of {', '.join(PROXIES)}")
        return self

    def score(self, reward: float) -> float:
        """0 for the uniform design, 1 for the optimum."""
        return (reward - self.uniform) / (self.optimum - self.uniform)

    def problem(self) -> Problem:
        """The problem behind the environment, made once a process.

        Raises:
            HwenvsError: if there is no such environment, it is measured, or it does not take the
                arguments.
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


def _words(value: object) -> bool:
    """Whether a value of JSON, with all that it holds, is made of finite numbers and words."""
    if isinstance(value, dict):
        return all(_words(key) and _words(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(_words, value))
    if isinstance(value, str):
        return WORD.fullmatch(value) is not None
    return not isinstance(value, float) or math.isfinite(value)


@lru_cache(64)
def _problem(environment: str, arguments: str) -> Problem:
    """Made from the table of ids: ``gym.make`` imports what ids and plug-ins ask for."""
    if environment not in ALL_ENVIRONMENTS:
        raise unknown_name("environment", environment, ALL_ENVIRONMENTS)
    given = {**ALL_ENVIRONMENTS[environment], **json.loads(arguments)}
    if given.get("proxy", PROXIES[0]) not in PROXIES:
        raise DataError(f"{environment} is measured, not read from tables: it cannot be frozen")
    try:
        return make_problem(**given)
    except (TypeError, AttributeError) as error:
        raise DataError(f"{environment} with {arguments} cannot be made: {error}") from error
