"""Dominance: which of many labels no other beats or equals in everything."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from hwenvs.baselines.lagrangian import Floats

ARCHIVE, BLOCK = 512, 512
"""Labels that others are held against where resources are many, and how many at a time."""


def undominated(resources: Floats, divergence: Floats) -> NDArray[np.bool_]:
    """Which of some labels with the same option, sorted by their first resource, to keep."""
    if len(resources) > 2:
        return _archived(np.vstack([resources, divergence]))
    return _staircase(resources[1:], divergence)


def _archived(points: Floats) -> NDArray[np.bool_]:
    """Which of the labels no label of an archive beats or equals in everything.

    With three resources and more, comparing all with all would take too long.  The archive holds
    those that are low in everything together, which dominate most of the others; to keep a
    dominated label costs time, but never the proof.

    Args:
        points: [R + 1, N] resources and divergence.
    """
    scale = points.max(axis=1, keepdims=True) + 1e-300
    # A label that another beats or equals in everything has no smaller sum, rounded or not.
    order = np.argsort((points / scale).sum(axis=0), kind="stable")
    keep = np.ones(points.shape[1], dtype=bool)
    archive = np.empty((len(points), 0))
    for first in range(0, len(order), BLOCK):
        block = order[first : first + BLOCK]
        block = block[~_beaten(points[:, block], archive)]
        if archive.shape[1] < ARCHIVE:
            found = points[:, block]
            # Within the block only labels that come earlier, so that of equals one stays.
            beats = np.triu(_matches(found, found), k=1)
            block = block[~np.logical_or.reduce(beats, axis=0)]
            archive = np.hstack([archive, points[:, block]])[:, :ARCHIVE]
        here = order[first : first + BLOCK]
        keep[here] = np.isin(here, block)
    return keep


def _beaten(points: Floats, archive: Floats) -> NDArray[np.bool_]:
    """[N] whether one of ``archive`` [R + 1, M] is at most ``points`` [R + 1, N] in everything."""
    beaten: NDArray[np.bool_] = np.logical_or.reduce(_matches(archive, points), axis=0)
    return beaten


def _matches(low: Floats, high: Floats) -> NDArray[np.bool_]:
    """[M, N] whether ``low`` [R + 1, M] is at most ``high`` [R + 1, N] in everything."""
    result = np.ones((low.shape[1], high.shape[1]), dtype=bool)
    for a, b in zip(low, high, strict=True):
        result &= a[:, None] <= b[None, :]
    return result


def _staircase(others: Floats, divergence: Floats) -> NDArray[np.bool_]:
    """Which of some labels, sorted by their first resource, lie below all before them.

    Args:
        others: [R - 1, N] the remaining resources; one at most.
        divergence: [N].
    """
    if not len(others):
        best = np.minimum.accumulate(divergence)
        return np.append(True, divergence[1:] < best[:-1])
    # The lower envelope of (resource, divergence) so far: resources ascend, divergences fall.
    steps: list[float] = []
    depths: list[float] = []
    keep = np.zeros(len(divergence), dtype=bool)
    for index, (amount, depth) in enumerate(
        zip(others[0].tolist(), divergence.tolist(), strict=True)
    ):
        at = bisect_right(steps, amount)
        if at and depths[at - 1] <= depth:
            continue
        first = at - 1 if at and steps[at - 1] == amount else at
        last = at
        while last < len(steps) and depths[last] >= depth:
            last += 1
        steps[first:last], depths[first:last] = [amount], [depth]
        keep[index] = True
    return keep
