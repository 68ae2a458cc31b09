"""Whole-number codes of weights that lie on evenly spaced levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST, FEW = 127, 7
"""Largest codes of 8 and of 4 bits."""

SAMPLE = 64
"""Weights of a row that a number of levels is tried on before all others."""

TOLERANCE = 1e-3
"""Of a level: how far from it float32 may leave a weight."""


@dataclass(frozen=True)
class Codes:
    """Weights ``values * scales``, row by row.

    Attributes:
        values: ``[rows, n]`` int8.
        scales: ``[rows]`` float32.
        four_bits: whether all values fit into 4 bits.
    """

    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    four_bits: bool


def find_codes(rows: NDArray[np.float32]) -> Codes | None:
    """Even levels that hold every row of ``rows [R, n]``; None if there are none.

    A row's largest magnitude is taken for level 1, 2, ... up to 127, until all of its weights lie
    on whole levels.  Symmetric quantization to 8 bits and fewer always passes.  Where 4 bits do
    not hold all levels, they are divided as finely as 8 bits allow: runtimes round biases to the
    product of the weights' and the inputs' scale.
    """
    top = np.abs(rows).max(1, initial=0.0)
    level = np.where(top > 0, 0, 1)
    for most in range(1, MOST + 1):
        left = np.flatnonzero(level == 0)
        left = left[_fit(rows[left, :SAMPLE], top[left], most)]
        level[left[_fit(rows[left], top[left], most)]] = most
        if level.all():
            break
    else:
        return None
    four_bits = int(level.max(initial=1)) <= FEW
    if not four_bits:
        level = MOST // level * level
    scales = top / level
    # Rows of nothing but zeros get a scale like the others'.
    scales[top == 0] = np.median(scales[top > 0]) if top.any() else 1.0
    values = np.rint(rows / scales[:, None]).astype(np.int8)
    return Codes(values, scales.astype(np.float32), four_bits)


def _fit(rows: NDArray[np.float32], top: NDArray[np.float32], most: int) -> NDArray[np.bool_]:
    levels = rows * (most / top)[:, None]
    fits: NDArray[np.bool_] = np.abs(levels - np.rint(levels)).max(1, initial=0.0) < TOLERANCE
    return fits
