"""A task: one network, one piece of hardware, one budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from hwenvs.errors import ArgumentError, unknown_name


class Kind(NamedTuple):
    """What is decided in a task.

    Attributes:
        family: of problems.
        environment: the open id that makes a task an environment of its own.
    """

    family: str
    environment: str


KINDS = {
    "amc": Kind("channel_pruning", "AMC-v0"),
    "haq": Kind("bit_allocation", "HAQ-v0"),
}
"""Kinds of tasks by the name that their ids begin with."""

VARIANTS: dict[str, dict[str, Any]] = {
    "bismo-edge-quarter": {"name": "bismo-edge", "rows": 4, "columns": 4},
    "bismo-edge-slow-memory": {"name": "bismo-edge", "bandwidth": 0.8e9},
}
"""Chips that exist on paper only: a quarter of the units, or of the bandwidth, of a known one.

They make training chips differ in what limits them.
"""


@dataclass(frozen=True)
class Task:
    """One problem of a family of problems.

    Attributes:
        kind: what is decided: ``"amc"`` (channels) or ``"haq"`` (bits).
        network: a name of the zoo.
        chip: a hardware model's name, or one of :data:`VARIANTS`.
        cost: what is budgeted.
        budget: fraction of the uncompressed network's cost.

    Raises:
        UnknownNameError: if there is no such kind.
        ArgumentError: if the budget is not a fraction.
    """

    kind: str
    network: str
    chip: str
    cost: str
    budget: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("kind of task", self.kind, KINDS)
        number = isinstance(self.budget, int | float) and not isinstance(self.budget, bool)
        if not number or not 0 < self.budget <= 1:
            raise ArgumentError(f"budget of a task must be in (0, 1], not {self.budget!r}")

    @property
    def id(self) -> str:
        """Its name, e.g. ``"amc/resnet20/mobile/latency/0.4"``."""
        return f"{self.kind}/{self.network}/{self.chip}/{self.cost}/{float(self.budget)!r}"

    @property
    def environment(self) -> str:
        """The id which, with :attr:`arguments`, makes it an environment of its own."""
        return KINDS[self.kind].environment

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of ``gym.make(task.environment, ...)``."""
        return {
            "network": self.network,
            "hardware": dict(VARIANTS[self.chip]) if self.chip in VARIANTS else self.chip,
            "cost": self.cost,
            "budget": float(self.budget),
        }

    @classmethod
    def parse(cls, text: str) -> Task:
        """The task with the id ``text``.

        Raises:
            ArgumentError: if it is not an id.
        """
        parts = text.split("/")
        try:
            kind, network, chip, cost, budget = parts
            return cls(kind, network, chip, cost, float(budget))
        except ValueError as error:
            raise ArgumentError(
                f"{text!r} is no id of a task; they look like amc/resnet20/mobile/latency/0.4"
            ) from error

    def to_dict(self) -> dict[str, Any]:
        """JSON-able entries."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Task:
        """The task of :meth:`to_dict`.

        Raises:
            ArgumentError: if entries are missing or unknown.
        """
        wanted = {field.name for field in fields(cls)}
        if set(entries) != wanted:
            raise ArgumentError(f"a task has {sorted(wanted)}, not {sorted(entries)}")
        return cls(**entries)
