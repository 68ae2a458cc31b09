"""Rules that say which tasks are trained on and which are tested on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from hwenvs.errors import ArgumentError
from hwenvs.tasks.task import KINDS, Task, check_budget, check_entries, check_name, check_names

Chips = tuple[tuple[str, str], ...]
"""Pairs of a chip and what is budgeted on it."""


@dataclass(frozen=True)
class Rule:
    """Networks, chips and budgets, each in two parts that share nothing.

    Training tasks combine the training parts.  Test tasks have a budget that no training task has,
    and networks and chips of either part: what else is unseen is told by
    :meth:`hwenvs.tasks.Distribution.novelty`.

    Attributes:
        name: of the rule.
        kind: what is decided, ``"amc"`` or ``"haq"``.
        train_networks, test_networks: names of the zoo.
        train_chips, test_chips: pairs of a chip and what is budgeted on it.
        train_budgets, test_budgets: fractions of the uncompressed network's cost.

    Raises:
        UnknownNameError: if there is no such kind.
        ArgumentError: if a network, chip or budget is in both parts or is none, or a training part
            is empty.
    """

    name: str
    kind: str
    train_networks: tuple[str, ...]
    test_networks: tuple[str, ...]
    train_chips: Chips
    test_chips: Chips
    train_budgets: tuple[float, ...]
    test_budgets: tuple[float, ...]

    def __post_init__(self) -> None:
        check_name("kind of task", self.kind, KINDS)
        for part in ("train", "test"):
            self._check_part(part)
        parts: dict[str, tuple[set[object], set[object]]] = {
            "networks": (set(self.train_networks), set(self.test_networks)),
            "chips": ({c for c, _ in self.train_chips}, {c for c, _ in self.test_chips}),
            "budgets": (set(self.train_budgets), set(self.test_budgets)),
        }
        for what, (train, test) in parts.items():
            if both := sorted(map(str, train & test)):
                raise ArgumentError(f"rule {self.name!r}: {what} in both parts: {', '.join(both)}")
            if not train:
                raise ArgumentError(f"rule {self.name!r}: no {what} to train on")

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Rule:
        """The rule whose attributes ``entries`` are, as JSON has them, with lists for tuples.

        Raises:
            ArgumentError: if entries are missing or unknown.
        """
        return cls(**check_entries("a rule", cls, entries))

    def _check_part(self, part: str) -> None:
        """Refuses what no task could be made of."""
        rule = f"rule {self.name!r}"
        for what in ("networks", "chips", "budgets"):
            given = getattr(self, f"{part}_{what}")
            if not isinstance(given, tuple | list):
                raise ArgumentError(f"{part}_{what} of {rule} must be a tuple, not {given!r}")
        for network in getattr(self, f"{part}_networks"):
            check_names(rule, network=network)
        for pair in getattr(self, f"{part}_chips"):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise ArgumentError(
                    f"chips of {rule} are pairs of a chip and what is budgeted on it, e.g. "
                    f"('mobile', 'latency'), not {pair!r}"
                )
            check_names(rule, chip=pair[0], cost=pair[1])
        for budget in getattr(self, f"{part}_budgets"):
            check_budget(rule, budget)
        for what in ("networks", "chips", "budgets"):  # JSON has lists for tuples
            given = getattr(self, f"{part}_{what}")
            kept = tuple(map(tuple, given)) if what == "chips" else tuple(given)
            object.__setattr__(self, f"{part}_{what}", kept)

    def train(self) -> Iterator[Task]:
        """All combinations to train on."""
        return self._tasks(self.train_networks, self.train_chips, self.train_budgets)

    def test(self) -> Iterator[Task]:
        """All combinations to test on."""
        networks, chips = (*self.train_networks, *self.test_networks), self.test_chips
        return self._tasks(networks, (*self.train_chips, *chips), self.test_budgets)

    def _tasks(
        self, networks: tuple[str, ...], chips: Chips, budgets: tuple[float, ...]
    ) -> Iterator[Task]:
        for network, (chip, cost), budget in product(networks, chips, budgets):
            yield Task(self.kind, network, chip, cost, budget)


TRAIN_BUDGETS = (0.15, 0.25, 0.4, 0.6, 0.8)
TEST_BUDGETS = (0.2, 0.3, 0.5, 0.7)

RULES = {
    "amc": Rule(
        "amc",
        "amc",
        train_networks=("mobilenet_v1", "resnet20", "resnet50"),
        test_networks=("mobilenet_v2", "resnet56"),
        train_chips=(
            ("counts", "macs"),
            ("counts", "size"),
            ("mobile", "latency"),
            ("bitfusion", "latency"),
            ("bitfusion", "energy"),
            ("v100", "latency"),
        ),
        test_chips=(
            ("cortex_a76", "latency"),
            ("systolic", "latency"),
            ("epyc_7742", "latency"),
        ),
        train_budgets=TRAIN_BUDGETS,
        test_budgets=TEST_BUDGETS,
    ),
    "haq": Rule(
        "haq",
        "haq",
        train_networks=("mobilenet_v1", "resnet20"),
        test_networks=("mobilenet_v2", "resnet56"),
        train_chips=(
            ("counts", "size"),
            ("bismo-edge", "latency"),
            ("bismo-edge-quarter", "latency"),
            ("bismo-edge-slow-memory", "latency"),
            ("horowitz", "energy"),
        ),
        test_chips=(
            ("bismo-cloud", "latency"),
            ("bitfusion", "latency"),
        ),
        train_budgets=TRAIN_BUDGETS,
        test_budgets=TEST_BUDGETS,
    ),
}
"""The rules that are frozen: networks whose accuracies were measured, tested on deeper relatives.

All networks with a measured table of the family take part.  MobileNetV2 follows MobileNetV1 and
ResNet-56 ResNet-20: HAQ's transfer.  Another name does not make another chip: all models of energy
rest on the same table of operations, and as agents see them BitFusion's, Horowitz's and a systolic
array's are one, so that only one of them takes part in a rule.  A chip that is held back differs by
0.1 or more from every training chip in what is seen of it.
"""
