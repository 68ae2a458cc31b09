"""What a vector reward is made of: the accuracy, and costs as negative fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.problems import Problem, check_given, make_problem
from hwenvs.problems.chain import ChainProblem

Vector = NDArray[np.float32]

ACCURACY = "accuracy"

UNBUDGETED = {"reward": "accuracy_times_cost", "target": 1.0, "budget_units": "fraction"}
"""A scalar reward that makes sense without a budget in every family; it is never paid here."""

SCALAR = ("reward", "target", "exponent", "max_accuracy_drop")
"""Arguments of a problem that shape a reward of one number."""


@dataclass(frozen=True)
class Objectives:
    """The components of a vector reward, all to be maximised.

    Attributes:
        names: of the components, the accuracy first: ``("accuracy", "latency")``.
        lowest: [n] bounds from below: accuracy 0, and what the dearest design could cost.
    """

    names: tuple[str, ...]
    lowest: tuple[float, ...]

    @classmethod
    def of(cls, problem: ChainProblem, names: Sequence[str] | None) -> Objectives:
        """Objectives of ``problem``.

        Args:
            problem: whose hardware says what there is.
            names: ``"accuracy"`` and costs; None for the accuracy and the cost that the
                environment budgets by default.

        Raises:
            ArgumentError: if they are not the accuracy and at least one cost, each once.
            UnknownNameError: if the hardware does not report one of them.
        """
        quantities = problem.tables.quantities
        given = (ACCURACY, problem.budget.quantity) if names is None else names
        chosen = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
        named = all(isinstance(name, str) for name in chosen)
        if not named or len(set(chosen)) < max(len(chosen), 2):
            raise ArgumentError(f"objectives must name several things, each once, not {names!r}")
        if chosen[0] != ACCURACY:
            raise ArgumentError(
                f"the first of the objectives must be 'accuracy', not {chosen[0]!r}"
            )
        for name in chosen[1:]:
            if name not in quantities:
                raise unknown_name("objective", name, (ACCURACY, *quantities))
        return cls(chosen, (0.0, *(-_dearest(problem, name) for name in chosen[1:])))

    @property
    def costs(self) -> tuple[str, ...]:
        """The costs among them."""
        return self.names[1:]

    @property
    def space(self) -> spaces.Box:
        """Of the rewards; 0 is among them, since nothing is paid before the last decision."""
        high = np.array([1.0, *(0.0 for _ in self.costs)], dtype=np.float32)
        return spaces.Box(np.array(self.lowest, dtype=np.float32), high)

    def reward(self, info: Mapping[str, Any]) -> Vector:
        """[n], or [B, n] of arrays: what the ``info`` of finished designs is worth."""
        costs = info["cost_fractions"]
        values = [info[ACCURACY], *(-costs[name] for name in self.costs)]
        return np.stack([np.asarray(value) for value in values], axis=-1).astype(np.float32)


def scalar_problem(problem: str | Problem, arguments: Mapping[str, Any]) -> ChainProblem:
    """The problem behind a vector reward: without a budget, unless one is given.

    Raises:
        ArgumentError: if a scalar reward is asked for, or the problem has no tables of costs.
        HwenvsError: if other arguments make no sense.
    """
    for name in SCALAR:
        if name in arguments:
            raise ArgumentError(f"{name} is for scalar rewards; name objectives=(...) instead")
    if isinstance(problem, Problem):
        made = make_problem(problem, **arguments)
    else:
        check_given(problem, arguments, ("objectives", "render_mode"), SCALAR)
        given: dict[str, Any] = {"budget": None, **arguments}
        if given["budget"] is None:
            given = {**UNBUDGETED, **given}
        made = make_problem(problem, **given)
    if not isinstance(made, ChainProblem):
        raise ArgumentError(f"a {type(made).__name__} has no tables of costs to make objectives of")
    return made


def _dearest(problem: ChainProblem, quantity: str) -> float:
    """What no design costs more than, as a fraction of the uncompressed network's cost."""
    tables = problem.tables
    most = sum(float(tables.cost(quantity, t).max()) for t in range(tables.horizon))
    whole = problem.full_costs[quantity]
    # A little more: the space holds 32-bit numbers, and sums are rounded.
    return (most + tables.constant_cost(quantity)) / whole * (1 + 1e-6) if whole else 1.0
