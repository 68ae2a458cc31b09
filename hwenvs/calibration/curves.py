"""A falling curve through measured points: from a table's sum to accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
KNOTS = 14
FAR = 20.0
"""How many times the largest measured sum until accuracy has fallen to chance."""


def isotonic(values: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """The non-increasing sequence nearest to ``values`` (pool adjacent violators)."""
    weights = np.ones(len(values)) if weights is None else weights
    blocks: list[list[float]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append([float(value), float(weight), 1])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            last, before = blocks.pop(), blocks.pop()
            weight = last[1] + before[1]
            mean = (last[0] * last[1] + before[0] * before[1]) / weight
            blocks.append([mean, weight, last[2] + before[2]])
    return np.concatenate([np.full(int(count), value) for value, _, count in blocks])


def falling_curve(
    sums: FloatArray, accuracy: FloatArray, baseline: float, chance: float
) -> tuple[FloatArray, FloatArray]:
    """Knots of a strictly falling piecewise-linear curve.

    The points are binned by their sum, the bins' means made monotone, and the ends fixed: the
    baseline at 0 and chance far behind the last point.

    Args:
        sums: the table's sums of measured designs ``[N]``.
        accuracy: their measured accuracy ``[N]``.
        baseline: accuracy at sum 0.
        chance: accuracy of guessing.

    Returns:
        Sums of the knots, ascending from 0, and accuracies at the knots.
    """
    order = np.argsort(sums, kind="stable")
    parts = np.array_split(order, min(KNOTS, max(len(order) // 4, 1)))
    x = np.array([np.exp(np.log(sums[part]).mean()) for part in parts])
    y = np.array([accuracy[part].mean() for part in parts])
    y = isotonic(np.clip(y, chance, baseline), np.array([float(len(part)) for part in parts]))
    x = np.concatenate([[0.0], x, [x[-1] * FAR]])
    y = np.concatenate([[baseline], y, [chance]])
    # A tilt of at most a thousandth keeps the curve strict, so that no two sums share a reward.
    tilt = 1e-3 * np.arange(len(y)) / len(y)
    return x, np.maximum(np.minimum.accumulate(y) - tilt, 0.0)
