"""Rewards of a finished design.

They are paid from accuracy and counts with ``+ - * /`` only, so that a float and an array, and two
machines, agree bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import unknown_name

Floats = NDArray[np.float64]

LN2 = 0.6931471805599453
SERIES_TERMS = 18
"""Terms of the series of the inverse hyperbolic tangent; |z| <= 1/3, so the rest is below 1e-17."""

EXPONENT = -0.07
"""MnasNet's, of the cost over its target."""

SQUARINGS, EXPONENTIAL_TERMS = 6, 14
"""Of the series of the exponential; |x| <= 20 / 64, so the rest is below 1e-19."""


@dataclass(frozen=True)
class Reward:
    """A reward.

    Attributes:
        name: what to pass as ``reward=``.
        formula: how it is written.
        quantity: the cost that enters, or None.
        needs_budget: whether it is meaningless without one.
        scale: factor of an accuracy, where no cost enters.
        baseline: accuracy that is subtracted before, for rewards with a scale.
    """

    name: str
    formula: str
    quantity: str | None
    needs_budget: bool
    scale: float = 1.0
    baseline: float = 0.0

    def of(self, accuracy: Floats, costs: Mapping[str, Floats]) -> Floats:
        """Rewards [B] of ``accuracy`` [B] and ``costs`` [B] in SI units."""
        if self.quantity is None:
            scaled: Floats = self._scaled(accuracy)
            return scaled
        return -((1.0 - accuracy) * logarithm(costs[self.quantity]))

    def of_one(self, accuracy: float, costs: Mapping[str, float]) -> float:
        """The same for a single design."""
        if self.quantity is None:
            single: float = self._scaled(accuracy)
            return single
        return -((1.0 - accuracy) * logarithm_of_one(costs[self.quantity]))

    def _scaled(self, accuracy: Any) -> Any:
        if self.scale == 1.0:
            return accuracy
        return (accuracy - self.baseline) * self.scale


@dataclass(frozen=True)
class RatioReward(Reward):
    """How many times smaller the network becomes, if it stays accurate.

    Attributes:
        whole: the cost of the uncompressed network.
        drop: accuracy that may be lost, a fraction.
    """

    whole: float = math.nan
    drop: float = 0.0

    def of(self, accuracy: Floats, costs: Mapping[str, Floats]) -> Floats:
        """Rewards [B]: ratios, or what the accuracy lacks (negative)."""
        assert self.quantity is not None
        lacks = accuracy - (self.baseline - self.drop)
        paid: Floats = np.where(lacks >= 0.0, self.whole / costs[self.quantity], lacks)
        return paid

    def of_one(self, accuracy: float, costs: Mapping[str, float]) -> float:
        """The same for a single design."""
        assert self.quantity is not None
        lacks = accuracy - (self.baseline - self.drop)
        return self.whole / costs[self.quantity] if lacks >= 0.0 else lacks


@dataclass(frozen=True)
class TargetReward(Reward):
    """Accuracy, weighed by how the budgeted cost compares with a target.

    Attributes:
        target: cost in SI units at which the accuracy itself is paid.
        exponent: of cost over target; not positive.
    """

    target: float = math.nan
    exponent: float = EXPONENT

    def of(self, accuracy: Floats, costs: Mapping[str, Floats]) -> Floats:
        """Rewards [B] of ``accuracy`` [B] and ``costs`` [B] in SI units."""
        assert self.quantity is not None
        ratio = logarithm(costs[self.quantity] / self.target)
        paid: Floats = accuracy * (np.rint(_exponential(self.exponent * ratio) * 1e9) / 1e9)
        return paid

    def of_one(self, accuracy: float, costs: Mapping[str, float]) -> float:
        """The same for a single design."""
        assert self.quantity is not None
        ratio = logarithm_of_one(costs[self.quantity] / self.target)
        return accuracy * (round(float(_exponential(self.exponent * ratio)) * 1e9) / 1e9)


REWARDS = {
    reward.name: reward
    for reward in (
        Reward("accuracy", "accuracy", None, needs_budget=True),
        Reward("error_times_log_macs", "-(1 - accuracy) ln(MACs)", "macs", needs_budget=False),
        Reward("accuracy_change", "0.1 (accuracy - baseline), in percent", None, True, scale=10.0),
        RatioReward(
            "compression_ratio",
            "full size / size; accuracy - (baseline - drop) where that is negative",
            "size",
            needs_budget=False,
        ),
        TargetReward("accuracy_times_cost", "accuracy (cost / target)^exponent", "latency", False),
        Reward(
            "error_times_log_params", "-(1 - accuracy) ln(parameters)", "params", needs_budget=False
        ),
    )
}
"""The rewards of AMC (ECCV 2018), HAQ (CVPR 2019: the change of accuracy), Deep Compression
(ICLR 2016: the ratio), and MnasNet (CVPR 2019) and ProxylessNAS (ICLR 2019: times a power of the
cost), by name; every family of problems says which of them it takes."""

TO_ANY_COST = ("accuracy", "accuracy_change", "accuracy_times_cost")
"""What says something whatever is decided."""

COUNTED = ("error_times_log_macs", "error_times_log_params")
"""What says no more than the accuracy where designs do not differ in MACs and parameters."""


def get_reward(name: str) -> Reward:
    """The reward called ``name``.

    Raises:
        UnknownNameError: if there is none; the message suggests the nearest.
    """
    if not isinstance(name, str) or name not in REWARDS:
        raise unknown_name("reward", name, REWARDS)
    return REWARDS[name]


def logarithm(values: Floats) -> Floats:
    """Natural logarithms of positive ``values``, rounded to 1e-9.

    Libraries differ in the last bit of ``log``, this does not: 2 atanh((m - 1) / (m + 1)) as a
    series for the mantissa m in [1/2, 1), plus the exponent times ln 2.
    """
    mantissa, exponent = np.frexp(values)
    values = _series(mantissa, exponent.astype(np.float64))
    rounded: Floats = np.rint(values * 1e9) / 1e9
    return rounded


def logarithm_of_one(value: float) -> float:
    """The same for a single positive value."""
    mantissa, exponent = math.frexp(value)
    return round(float(_series(mantissa, float(exponent))) * 1e9) / 1e9


def _exponential(value: Any) -> Any:
    """E to the ``value``, by a series of a 64th of it, squared six times; for |value| below 20."""
    small = value / 2.0**SQUARINGS
    total = 1.0 + 0.0 * small
    for term in range(EXPONENTIAL_TERMS, 0, -1):
        total = 1.0 + total * small / float(term)
    for _ in range(SQUARINGS):
        total = total * total
    return total


def _series(mantissa: Any, exponent: Any) -> Any:
    z = (mantissa - 1.0) / (mantissa + 1.0)
    square = z * z
    total = 0.0 * z
    for term in range(2 * SERIES_TERMS - 1, 0, -2):
        total = total * square + 1.0 / term
    return 2.0 * z * total + exponent * LN2
