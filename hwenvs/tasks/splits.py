"""Tasks to train on and tasks to test on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from hwenvs.errors import ArgumentError
from hwenvs.tasks.certificates import frozen
from hwenvs.tasks.rules import RULES, Rule
from hwenvs.tasks.task import Task, check_name


class Tasks(Sequence[Task]):
    """Tasks in a fixed order; equal to other tasks that are the same in the same order.

    Args:
        tasks: each once.

    Raises:
        ArgumentError: if there is anything else among them.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._by_id = {task.id: task for task in map(_checked, listed(tasks))}
        self._tasks = tuple(self._by_id.values())

    @property
    def ids(self) -> tuple[str, ...]:
        """Their ids in order."""
        return tuple(self._by_id)

    def sample(self, random: np.random.Generator) -> Task:
        """One of them, each as likely as any other.

        Raises:
            ArgumentError: if there are none.
        """
        if not self._tasks:
            raise ArgumentError("there are no tasks to draw from")
        return self._tasks[int(random.integers(len(self._tasks)))]

    def find(self, task: str | Task) -> Task:
        """The task with an id.

        Raises:
            UnknownNameError: if it is not among these; the message suggests the nearest.
        """
        name = task.id if isinstance(task, Task) else task
        check_name("task", name, self._by_id)
        return self._by_id[name]

    def where(self, **values: Any) -> Tasks:
        """Those with certain values, e.g. ``where(chip="mobile", network="resnet20")``.

        Raises:
            UnknownNameError: if tasks have no such field.
        """
        known = ("kind", "network", "chip", "cost", "budget")
        for name in values:
            check_name("field of a task", name, known)
        return Tasks(task for task in self if all(getattr(task, k) == v for k, v in values.items()))

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> Tasks: ...
    def __getitem__(self, index: int | slice) -> Task | Tasks:
        if isinstance(index, slice):
            return Tasks(self._tasks[index])
        return self._tasks[index]

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks)

    def __contains__(self, task: object) -> bool:
        return (task.id if isinstance(task, Task) else task) in self._by_id

    def __eq__(self, other: object) -> bool:
        return self._tasks == other._tasks if isinstance(other, Tasks) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._tasks)

    def __add__(self, other: Tasks) -> Tasks:
        return Tasks((*self, *other))

    def __repr__(self) -> str:
        return f"Tasks({len(self)}: {', '.join(self.ids[:3])}{', ...' if len(self) > 3 else ''})"


@dataclass(frozen=True)
class Distribution:
    """A family of tasks in two parts.

    Attributes:
        rule: what the parts follow from.
        train: tasks to train on.
        test: tasks to test on; none of them has a training budget.
    """

    rule: Rule
    train: Tasks
    test: Tasks

    @property
    def all(self) -> Tasks:
        """Both parts."""
        return self.train + self.test

    def split(self) -> tuple[Tasks, Tasks]:
        """Tasks to train on, tasks to test on."""
        return self.train, self.test

    def part(self, name: str) -> Tasks:
        """The part called ``"train"``, ``"test"`` or ``"all"``.

        Raises:
            UnknownNameError: if there is no such part.
        """
        parts = {"train": self.train, "test": self.test, "all": self.all}
        check_name("split", name, parts)
        return parts[name]

    def novelty(self, task: Task) -> tuple[str, ...]:
        """What no training task shares with ``task``, of network, chip and budget."""
        seen: dict[str, set[Any]] = {
            "network": {one.network for one in self.train},
            "chip": {one.chip for one in self.train},
            "budget": {one.budget for one in self.train},
        }
        return tuple(name for name, values in seen.items() if getattr(task, name) not in values)

    def groups(self) -> dict[str, Tasks]:
        """Test tasks by what is new in them, e.g. ``"chip, budget"``."""
        found: dict[str, list[Task]] = {}
        for task in self.test:
            found.setdefault(", ".join(self.novelty(task)), []).append(task)
        return {name: Tasks(tasks) for name, tasks in found.items()}


def listed(tasks: Iterable[Any]) -> Iterable[Any]:
    """``tasks`` themselves, if they are several of them: the letters of an id are none.

    Raises:
        ArgumentError: if they are not.
    """
    if isinstance(tasks, str) or not isinstance(tasks, Iterable):
        raise ArgumentError(f"tasks must be a list of them, not {tasks!r}")
    return tasks


def _checked(task: object) -> Task:
    if not isinstance(task, Task):
        raise ArgumentError(f"{task!r} is no Task; Task.parse makes one of an id")
    return task


def distribution(rule: str | Rule | Mapping[str, Any]) -> Distribution:
    """The tasks of a rule.

    Of a frozen rule only those combinations are tasks that a design can meet and whose best design
    is clearly better than the uniform one (:data:`hwenvs.tasks.freezing.SMALLEST_SPAN`).  Of a rule
    of your own all combinations are; one that nothing can meet fails when it is made.

    Args:
        rule: ``"amc"``, ``"haq"``, or a rule of your own, itself or as JSON has it.

    Raises:
        UnknownNameError: if there is no frozen rule of that name.
        ArgumentError: if entries of a rule are missing or unknown.
    """
    if isinstance(rule, Mapping):
        rule = Rule.from_dict(rule)
    if isinstance(rule, Rule):
        return Distribution(rule, Tasks(rule.train()), Tasks(rule.test()))
    check_name("rule of tasks", rule, RULES)
    kept, found = frozen(rule), RULES[rule]
    train, test = (
        Tasks(task for task in tasks if task.id in kept) for tasks in (found.train(), found.test())
    )
    return Distribution(found, train, test)
