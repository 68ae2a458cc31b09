"""What a problem is: batches of designs, walked one decision at a time and judged at the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from hwenvs.problems.progress import Progress
from hwenvs.proxies.card import Card

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """What became of B designs.

    Attributes:
        designs: [B, T] canonical designs.
        accuracy: [B] estimated accuracies, fractions.
        reward: [B] rewards.
        costs: by quantity [B] in SI units.
        feasible: [B] whether the design meets the budget.
        divergence: [B] divergence from the uncompressed network; 0 where the proxy has none.
        accuracy_top5: [B] top-5 accuracies where the proxy knows them.
    """

    designs: Ints
    accuracy: Floats
    reward: Floats
    costs: Mapping[str, Floats]
    feasible: NDArray[np.bool_]
    divergence: Floats
    accuracy_top5: Floats | None = None


@dataclass
class Walk:
    """B designs on their way, in lockstep.

    Attributes:
        step: number of decisions taken.
        options: [T, B] indices of the options taken; from ``step`` on they mean nothing yet.
        rows: [T, B] places of the options in the tables of their decisions, likewise.
        spent: [B] budgeted cost so far, in SI units.
        others: the same [B] for every further budget.
    """

    step: int
    options: Ints
    rows: Ints
    spent: Floats
    others: tuple[Floats, ...] = ()

    @property
    def batch(self) -> int:
        """Number of designs B."""
        return int(self.options.shape[1])

    @property
    def prefix(self) -> Ints:
        """[B, step] options taken so far."""
        return self.options[: self.step].T

    @property
    def previous(self) -> Ints:
        """[B] options of the decision before; 0 before the first."""
        if not self.step:
            return np.zeros(self.batch, dtype=np.int64)
        last: Ints = self.options[self.step - 1]
        return last

    def copy(self) -> Walk:
        """A walk that goes its own way from here."""
        others = tuple(spent.copy() for spent in self.others)
        return Walk(self.step, self.options.copy(), self.rows.copy(), self.spent.copy(), others)


def spelled(family: str) -> str:
    """A family as people write it, e.g. ``"fine-grained pruning"``."""
    return family.replace("fine_grained", "fine-grained").replace("_", " ")


class Walker(ABC):
    """One design on its way: what a scalar environment steps through.

    It reads the same tables as the problem's vectorised methods and agrees with them bit for bit;
    plain floats are faster than arrays of length one.
    """

    step: int

    @abstractmethod
    def reset(self) -> None:
        """Back to the first decision."""

    @abstractmethod
    def act(self, action: float) -> None:
        """Takes the next decision."""

    @abstractmethod
    def observation(self) -> NDArray[np.float32]:
        """What the agent sees now, [F]."""

    @abstractmethod
    def action_mask(self) -> NDArray[np.bool_]:
        """Which choices [n] may be taken now, where actions are choices."""

    @abstractmethod
    def result(self) -> tuple[float, dict[str, Any]]:
        """Reward and info of the finished design."""

    @abstractmethod
    def state(self) -> tuple[int, ...]:
        """The decisions so far, as entries of a design."""

    @abstractmethod
    def restore(self, state: ArrayLike) -> None:
        """Back to the decisions of an earlier :meth:`state`."""


class Problem(ABC):
    """A network, its decisions, an accuracy proxy, a hardware model, a budget and a reward.

    A design is an integer vector, one canonical entry a decision.  All methods work on batches and
    are pure functions; the problem has no state but ``optimum``.

    Attributes:
        family: kind of decisions, e.g. ``"channel_pruning"``.
        title: what to print above it.
        horizon: number of decisions T.
        names: [T] names of the decisions.
        action_space: of one decision.
        observation_space: of one decision.
        card: what stands behind the accuracies.
        baseline: accuracy of the uncompressed network, a fraction.
        full_costs: by quantity the cost of the uncompressed network in SI units.
        unit: what decisions keep.
        levels: names of what the entries of a design say, from 1 on, where they are no numbers.
        optimum: reward of the certified optimum once it is known (:func:`hwenvs.certify`); scores
            need it.
    """

    family: str
    title: str
    horizon: int
    names: tuple[str, ...]
    action_space: spaces.Space[Any]
    observation_space: spaces.Box
    card: Card
    baseline: float
    full_costs: Mapping[str, float]
    unit: str = "channels"
    levels: tuple[str, ...] = ()
    optimum: float | None = None

    @abstractmethod
    def start(self, batch: int) -> Walk:
        """``batch`` walks before their first decision."""

    @abstractmethod
    def walk(self, prefix: ArrayLike) -> Walk:
        """Walks that took the decisions ``prefix`` [B, step], entries of designs."""

    @abstractmethod
    def entries(self, walk: Walk) -> Ints:
        """The decisions [B, step] of ``walk``, as entries of designs."""

    @abstractmethod
    def observe(self, walk: Walk) -> NDArray[np.float32]:
        """Features [B, F] of the next decision."""

    @abstractmethod
    def decide(self, walk: Walk, actions: NDArray[np.floating[Any]]) -> Ints:
        """Canonical options [B] for ``actions`` [B], such that the budget can still be met."""

    @abstractmethod
    def action_mask(self, walk: Walk) -> NDArray[np.bool_]:
        """Which choices [B, n] may be taken next, where actions are choices."""

    @abstractmethod
    def push(self, walk: Walk, options: Ints) -> None:
        """Takes ``options`` [B]: the walk moves on by one decision."""

    @abstractmethod
    def finish(self, walk: Walk) -> Outcome:
        """The outcome of walks that took all decisions."""

    @abstractmethod
    def evaluate(self, designs: ArrayLike) -> Outcome:
        """The outcome of ``designs`` [B, T], which are judged as they are, feasible or not."""

    @abstractmethod
    def canonical(self, designs: ArrayLike) -> Ints:
        """``designs`` [B, T] as an episode that asks for them would leave them; idempotent."""

    @abstractmethod
    def actions(self, designs: ArrayLike) -> NDArray[Any]:
        """Actions [B, T, A] (choices [B, T]) that ask for ``designs`` [B, T]."""

    @abstractmethod
    def progress(self, prefix: Sequence[int]) -> Progress:
        """How far the design that begins with ``prefix`` has come."""

    @abstractmethod
    def walker(self) -> Walker:
        """A fresh scalar walk."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """JSON-able arguments that rebuild the problem."""

    @property
    @abstractmethod
    def reference(self) -> Outcome:
        """The handcrafted reference at the same budget (B = 1): score 0."""

    def score(self, reward: Floats | float, optimum: float | None = None) -> Floats | float | None:
        """Scores: 0 for the reference, 1 for the optimum.

        None while the optimum is unknown, and where the reference is as good as it: then no scale
        lies between them.

        Args:
            reward: of designs.
            optimum: reward of the optimum; default: the problem's own.
        """
        one = self.optimum if optimum is None else optimum
        if one is None:
            return None
        zero = float(self.reference.reward[0])
        span = one - zero
        return (reward - zero) / span if span > 0 else None

    def fractions(self, costs: Mapping[str, Floats]) -> dict[str, Floats]:
        """``costs`` as fractions of the uncompressed network's."""
        return {
            quantity: values / full if (full := self.full_costs[quantity]) else values * 0.0
            for quantity, values in costs.items()
        }

    def info(self, outcome: Outcome) -> dict[str, Any]:
        """What an environment reports of finished designs, arrays of B by key."""
        info = {
            "design": outcome.designs,
            "accuracy": outcome.accuracy,
            "accuracy_drop": self.baseline - outcome.accuracy,
            "costs": dict(outcome.costs),
            "cost_fractions": self.fractions(outcome.costs),
            "feasible": outcome.feasible,
        }
        if outcome.accuracy_top5 is not None:
            info["accuracy_top5"] = outcome.accuracy_top5
        score = self.score(outcome.reward)
        if score is not None:
            info["score"] = score
        return info
