"""A monotone piecewise-linear curve, evaluated alike for one float and for arrays."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import ProxyError

Floats = NDArray[np.float64]


class AccuracyCurve:
    """Accuracy as a function of divergence.

    Between two points it is linear, behind the last one constant.  ``curve(array)`` and
    ``curve.at(float)`` use the same additions and multiplications in the same order, so they agree
    bit for bit.

    Args:
        divergence: [M] abscissae, ascending from 0.
        accuracy: [M] ordinates in [0, 1], non-increasing.
        name: what to call the curve in messages.

    Raises:
        ProxyError: if the points do not make a falling curve.
    """

    def __init__(
        self, divergence: Sequence[float] | Floats, accuracy: Sequence[float] | Floats, name: str
    ) -> None:
        x = np.asarray(divergence, dtype=np.float64)
        y = np.asarray(accuracy, dtype=np.float64)
        self._check(x, y, name)
        self.divergence, self.accuracy = x, y
        self._slope = np.append(np.diff(y) / np.diff(x), 0.0)
        self._floor = np.append(y[1:], y[-1])
        missing = (1 << (len(x) - 1).bit_length()) - len(x)
        self._padded = np.append(x, np.full(missing, np.inf))
        self._x: list[float] = x.tolist()
        self._y: list[float] = y.tolist()
        self._slopes: list[float] = self._slope.tolist()
        self._floors: list[float] = self._floor.tolist()

    @property
    def baseline(self) -> float:
        """Accuracy at divergence 0."""
        return float(self.accuracy[0])

    def __call__(self, divergence: Floats) -> Floats:
        """Accuracies [B] at ``divergence`` [B]."""
        index = self._segment(divergence)
        distance = np.maximum(divergence - self.divergence[index], 0.0)
        linear: Floats = self.accuracy[index] + self._slope[index] * distance
        accuracy: Floats = np.maximum(linear, self._floor[index])
        return accuracy

    def at(self, divergence: float) -> float:
        """The accuracy at one divergence."""
        index = max(bisect_right(self._x, divergence) - 1, 0)
        distance = max(divergence - self._x[index], 0.0)
        return max(self._y[index] + self._slopes[index] * distance, self._floors[index])

    def _segment(self, divergence: Floats) -> NDArray[np.int64]:
        """Index of the last point not right of ``divergence``.

        A bisection in lockstep: ``searchsorted`` takes each value by itself and is slower.
        """
        index = np.zeros(divergence.shape, dtype=np.int64)
        stride = len(self._padded) // 2
        while stride:
            index += stride * (self._padded.take(index + stride) <= divergence)
            stride //= 2
        return index

    @staticmethod
    def _check(x: Floats, y: Floats, name: str) -> None:
        if x.ndim != 1 or x.shape != y.shape or not len(x):
            raise ProxyError(f"{name}: the curve needs two equal lists of points")
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ProxyError(f"{name}: the curve has points that are not finite")
        if x[0] != 0 or not (np.diff(x) > 0).all():
            raise ProxyError(f"{name}: the curve's divergences must ascend from 0")
        if (y < 0).any() or (y > 1).any() or (np.diff(y) > 0).any():
            raise ProxyError(f"{name}: the curve's accuracies must fall within [0, 1]")
