"""Suites: frozen environments, seeds and evaluation budgets, with what scores 0 and 1 mean."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import ClassVar

from pydantic import Field, ValidationError, model_validator

from hwenvs.canonical import digest
from hwenvs.errors import DataError, unknown_name
from hwenvs.leaderboards.frozen import Digest, Family, Frozen, Task
from hwenvs.leaderboards.reading import fault

FOLDER = Path(__file__).parent / "suites"
"""Where the frozen suites are."""

FEWEST_SEEDS = 10
"""Below, bootstrap intervals cover less than they claim."""

NAME = re.compile(r"[a-z][a-z0-9]{1,19}-v[1-9][0-9]{0,2}")
"""What a suite may be called."""

__all__ = [
    "FEWEST_SEEDS",
    "FOLDER",
    "NAME",
    "Digest",
    "Family",
    "Frozen",
    "Part",
    "PolicySuite",
    "Suite",
    "Task",
    "TraceSuite",
    "UnionSuite",
    "load_suite",
    "read_suite",
    "strays",
    "suite_names",
]


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
    def runs(self) -> frozenset[tuple[str, int]]:
        """Task and seed of every run that it asks for: none, unless traces are submitted to it."""
        return frozenset()

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

    @property
    def runs(self) -> frozenset[tuple[str, int]]:
        """Task and seed of every run that it asks for."""
        return frozenset((task.key, seed) for task in self.tasks for seed in self.seeds)

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


class Part(Frozen):
    """A suite whose entries a union ranks.

    Attributes:
        suite: its id.
        digest: sha256 of its canonical JSON, as :attr:`Suite.digest`.
    """

    suite: str = Field(pattern=f"^{NAME.pattern}$")
    digest: str = Digest


class UnionSuite(Suite):
    """Suites of environments that are ranked together, over the entries that they have.

    Attributes:
        parts: the suites, at least two, in the order of their environments.
    """

    tracks = ()
    rows = "parts"

    parts: list[Part] = Field(min_length=2)

    @model_validator(mode="after")
    def _distinct(self) -> UnionSuite:
        if len({part.suite.rpartition("-v")[0] for part in self.parts}) < len(self.parts):
            raise ValueError(f"a part stands twice in suite {self.id}")
        return self

    @property
    def closed(self) -> str:
        """Why it takes no entries, and who does."""
        parts = ", ".join(part.suite for part in self.parts)
        return f"{self.id} has no entries of its own: it ranks those of {parts}"


KINDS: tuple[type[Suite], ...] = (PolicySuite, UnionSuite)
"""What files of suites hold that are not of traces."""


def suite_names(folder: Path = FOLDER) -> list[str]:
    """Ids of all suites, in order; files of other names are none."""
    return sorted(path.stem for path in folder.glob("*-v*.json") if NAME.fullmatch(path.stem))


def strays(folder: Path) -> list[str]:
    """Names of what lies in a folder of suites and is none, hidden files aside."""
    known = {f"{name}.json" for name in suite_names(folder)}
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return sorted(name for name in names - known if not name.startswith("."))


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
        # Of one kind only: strings of JSON hold no new lines.
        kinds = (kind for kind in KINDS if f'\n "{kind.rows}": [\n'.encode() in text)
        suite = next(kinds, TraceSuite).model_validate_json(text)
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
