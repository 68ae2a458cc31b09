"""A task: one network, one piece of hardware, one budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Real
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


def check_name(what: str, name: object, known: Iterable[str]) -> None:
    """Refuses what is none of ``known``, or no name at all.

    Raises:
        UnknownNameError: if it is not; the message suggests the nearest.
    """
    if not isinstance(name, str) or name not in known:
        raise unknown_name(what, name, known)


def check_names(what: str, **names: object) -> None:
    """Refuses names that are no text, of things that are looked up only when a task is made.

    Raises:
        ArgumentError: if there is one.
    """
    for of, name in names.items():
        if not isinstance(name, str):
            raise ArgumentError(f"{of} of {what} must be a name, not {name!r}")


def check_budget(what: str, budget: Any) -> float:
    """A fraction as a Python number.

    Raises:
        ArgumentError: if it is none.
    """
    number = isinstance(budget, Real) and not isinstance(budget, bool)
    if not number or not 0 < budget <= 1:
        raise ArgumentError(f"budget of {what} must be in (0, 1], not {budget!r}")
    return float(budget)


def check_entries(what: str, of: type[Any], entries: Any) -> Mapping[str, Any]:
    """What JSON has of a dataclass, if that is all of it and nothing else.

    Raises:
        ArgumentError: if entries are missing or unknown.
    """
    wanted = sorted(field.name for field in fields(of))
    if not isinstance(entries, Mapping) or set(entries) != set(wanted):
        found = sorted(entries, key=str) if isinstance(entries, Mapping) else repr(entries)
        raise ArgumentError(f"{what} has {wanted}, not {found}")
    return entries


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
        ArgumentError: if the budget is not a fraction, or a name is no text.
    """

    kind: str
    network: str
    chip: str
    cost: str
    budget: float

    def __post_init__(self) -> None:
        check_name("kind of task", self.kind, KINDS)
        check_names("a task", network=self.network, chip=self.chip, cost=self.cost)
        object.__setattr__(self, "budget", check_budget("a task", self.budget))

    @property
    def id(self) -> str:
        """Its name, e.g. ``"amc/resnet20/mobile/latency/0.4"``."""
        return f"{self.kind}/{self.network}/{self.chip}/{self.cost}/{self.budget!r}"

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
            "budget": self.budget,
        }

    @classmethod
    def parse(cls, text: str) -> Task:
        """The task with the id ``text``.

        Raises:
            ArgumentError: if it is not an id.
        """
        parts = text.split("/") if isinstance(text, str) else ()
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
        return cls(**check_entries("a task", cls, entries))
