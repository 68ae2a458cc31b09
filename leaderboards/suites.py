"""Suites: frozen environments, seeds and evaluation budgets, with what scores 0 and 1 mean."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import gymnasium as gym
from gymnasium.error import Error as GymnasiumError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hwenvs.canonical import digest
from hwenvs.errors import DataError, unknown_name
from hwenvs.leaderboards.reading import fault

if TYPE_CHECKING:
    from hwenvs.problems import Problem

FOLDER = Path(__file__).parent / "suites"
"""Where the frozen suites are."""

FEWEST_SEEDS = 10
"""Below, bootstrap intervals cover less than they claim."""

NAME = re.compile(r"[a-z][a-z0-9]{1,19}-v[1-9][0-9]{0,2}")
"""What a suite may be called."""

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


class Suite(Frozen):
    """What entries are ranked on, of either kind: all that its name, file and digest need.

    Attributes:
        name: e.g. ``"amc"``.
        version: rises whenever anything changes.
        title: one line about it.
        tracks: that its entries may be of.
        rows: name of the field that has a line of the file for each of its entries.
    """

    tracks: ClassVar[tuple[str, ...]]
    rows: ClassVar[str]

    name: str = Field(pattern=r"^[a-z][a-z0-9]{1,19}$")
    version: int = Field(ge=1)
    title: str

    @property
    def id(self) -> str:
        """Name and version, e.g. ``"amc-v1"``."""
        return f"{self.name}-v{self.version}"

    @property
    def digest(self) -> str:
        """sha256 of its canonical JSON."""
        return digest(self.model_dump(mode="json"))

    @property
    def text(self) -> str:
        """Its file: JSON, one task a line, so that a change shows in its own line."""
        entries = self.model_dump(mode="json")
        rows = ",\n".join(f"  {json.dumps(row)}" for row in entries.pop(self.rows))
        head = "".join(f" {json.dumps(k)}: {json.dumps(value)},\n" for k, value in entries.items())
        return f'{{\n{head} "{self.rows}": [\n{rows}\n ]\n}}\n'


class TraceSuite(Suite):
    """A frozen list of tasks that traces of designs are ranked on.

    Attributes:
        evaluations: finished designs that every run may try.
        seeds: of the runs, at least ten.
        tasks: the environments.
    """

    tracks = ("design", "search")
    rows = "tasks"

    evaluations: int = Field(ge=1)
    seeds: list[int] = Field(min_length=FEWEST_SEEDS)
    tasks: list[Task] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> TraceSuite:
        for what, values in (("seed", self.seeds), ("task", [t.key for t in self.tasks])):
            if len(set(values)) < len(values):
                raise ValueError(f"a {what} stands twice in suite {self.id}")
        return self

    def task(self, key: str) -> Task:
        """The task called ``key``.

        Raises:
            UnknownNameError: if there is none.
        """
        for task in self.tasks:
            if task.key == key:
                return task
        raise unknown_name(f"environment of {self.id}", key, [task.key for task in self.tasks])


class PolicySuite(Suite):
    """Frozen families of tasks, of which every policy meets some that are drawn for it.

    Attributes:
        instances: tasks of each family that a policy walks, at least ten: equally many, so that
            families weigh the same in a mean over all scores.
        families: the families.
    """

    tracks = ("policy",)
    rows = "families"

    instances: int = Field(ge=FEWEST_SEEDS)
    families: list[Family] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> PolicySuite:
        if len({family.rule for family in self.families}) < len(self.families):
            raise ValueError(f"a family stands twice in suite {self.id}")
        return self


def suite_names(folder: Path = FOLDER) -> list[str]:
    """Ids of all suites, in order."""
    return sorted(path.stem for path in folder.glob("*-v*.json"))


def load_suite(name: str, folder: Path = FOLDER) -> Suite:
    """The suite called ``name``, e.g. ``"amc-v1"``; without a version the newest.

    Raises:
        UnknownNameError: if there is none.
        DataError: if its file is not what it should be.
    """
    known = suite_names(folder)
    versions = [one for one in known if one.rpartition("-v")[0] == name]
    if versions:
        name = max(versions, key=lambda one: int(one.rpartition("-v")[2]))
    if name not in known:
        raise unknown_name("suite", name, known)
    return read_suite(folder / f"{name}.json")


def read_suite(path: Path) -> Suite:
    """The suite in a file.

    Raises:
        DataError: if the file is not what it should be.
    """
    try:
        text = path.read_bytes()
        # No other file has these bytes: strings of JSON hold no new lines.
        kind = PolicySuite if b'\n "families": [\n' in text else TraceSuite
        suite = kind.model_validate_json(text)
    except OSError as error:
        raise DataError(f"cannot read the suite {path}: {error}") from error
    except ValidationError as error:
        raise DataError(f"cannot read the suite {path}: {fault(error)}") from error
    if suite.id != path.stem:
        raise DataError(f"{path} holds the suite {suite.id}: its name must say so")
    # Then equal suites have equal bytes, and no byte can change unnoticed.
    if suite.text.encode() != text:
        raise DataError(f"{path} is not written as `hwenvs leaderboard freeze` writes suites")
    return suite


@lru_cache(64)
def _problem(environment: str, arguments: str) -> Problem:
    try:
        made: Problem = gym.make(environment, **json.loads(arguments)).unwrapped.problem  # type: ignore[attr-defined]
    except (GymnasiumError, TypeError, AttributeError) as error:
        raise DataError(f"{environment} with {arguments} cannot be made: {error}") from error
    return made
