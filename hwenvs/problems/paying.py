"""What a caller wants paid, made a reward on the tables of a problem, or a clear error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hwenvs.errors import ArgumentError
from hwenvs.problems.budget import Budget
from hwenvs.problems.budgeting import compile_budget
from hwenvs.problems.rewards import REWARDS, RatioReward, Reward, TargetReward, get_reward
from hwenvs.problems.tables import Tables

OWN = "a reward of your own is a wrapper, see docs/environments.md"

LOWEST_EXPONENT = -10.0


@dataclass(frozen=True)
class Asked:
    """Arguments about the reward.

    Attributes:
        reward: its name.
        target: of ``accuracy_times_cost``, in ``units``; None for the budget.
        exponent: of ``accuracy_times_cost``; None for MnasNet's.
        drop: accuracy that ``compression_ratio`` forgives, a fraction.
        units: ``"fraction"`` of the uncompressed cost or ``"absolute"`` in SI units.
    """

    reward: str
    target: float | None = None
    exponent: float | None = None
    drop: float = 0.0
    units: str = "fraction"


def compile_reward(
    asked: Asked,
    family: str,
    rewards: Sequence[str],
    tables: Tables,
    limit: Budget,
    baseline: float,
) -> Reward:
    """The reward that is asked for, on ``tables``.

    Args:
        asked: what is asked for.
        family: whose problem it is for.
        rewards: names of those that the family takes.
        tables: compiled costs.
        limit: the first budget: whose cost enters, and what the target is unless one is given.
        baseline: accuracy of the uncompressed network, a fraction.

    Raises:
        UnknownNameError: if there is no such reward; the message suggests the nearest.
        ArgumentError: if it is none of the family's, lacks a budget or a target, or has a target or
            an exponent that it does not take or that makes no sense.
        BudgetError: if the target is none that a design can meet.
    """
    paid = replace(_named(asked.reward, family, rewards), baseline=baseline)
    if isinstance(paid, TargetReward):
        return _aimed(paid, asked, tables, limit)
    for name in ("target", "exponent"):
        if getattr(asked, name) is not None:
            raise ArgumentError(
                f"{name} goes with reward 'accuracy_times_cost' only, not with {paid.name!r}"
            )
    if paid.needs_budget and math.isinf(limit.amount):
        free = ", ".join(name for name in rewards if not REWARDS[name].needs_budget)
        raise ArgumentError(
            f"reward {paid.name!r} needs a budget: without one nothing speaks against the most "
            f"accurate design; budget=None goes with {free}"
        )
    if isinstance(paid, RatioReward):
        whole = compile_budget(tables, str(paid.quantity), None).full
        return replace(paid, whole=whole, drop=asked.drop)
    return paid


def _named(name: object, family: str, rewards: Sequence[str]) -> Reward:
    if callable(name):
        raise ArgumentError(f"reward must be a name ({', '.join(rewards)}), not a function: {OWN}")
    reward = get_reward(name)  # type: ignore[arg-type]
    if reward.name not in rewards:
        raise ArgumentError(
            f"reward {reward.name!r} is not one of {family.replace('_', ' ')}; valid: "
            f"{', '.join(rewards)}; {OWN}"
        )
    return reward


def _aimed(paid: TargetReward, asked: Asked, tables: Tables, limit: Budget) -> Reward:
    """``paid`` on the budgeted cost, with its target."""
    amount, quantity = limit.amount, limit.quantity
    if asked.target is not None:
        amount = compile_budget(tables, quantity, asked.target, asked.units, what="target").amount
    if math.isinf(amount):
        raise ArgumentError(f"reward {paid.name!r} needs a target or a budget")
    exponent = paid.exponent if asked.exponent is None else _exponent(asked.exponent)
    return replace(paid, quantity=quantity, target=amount, exponent=exponent)


def _exponent(value: object) -> float:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not LOWEST_EXPONENT <= value <= 0:  # type: ignore[operator]
        raise ArgumentError(f"exponent must be a number from -10 to 0, not {value!r}")
    return float(value)  # type: ignore[arg-type]
