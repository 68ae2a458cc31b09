"""How well scores rank architectures whose accuracies are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.calibration.fidelity import spearman
from hwenvs.errors import ArgumentError
from hwenvs.networks.spaces import Space
from hwenvs.proxies.zero_cost.proxy import ZeroCostProxy
from hwenvs.proxies.zero_cost.scores import SCORES

Progress = Callable[[str, int, int], None]
"""Receives what is scored, how much of it is done and how much there is."""


def correlations(
    space: Space,
    designs: NDArray[np.int64],
    accuracies: ArrayLike,
    scores: Sequence[str] = tuple(SCORES),
    data: str | Path | None = None,
    images: int = 64,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Spearman's rank correlation of every score with measured accuracies.

    Args:
        space: the search space.
        designs: [B, T].
        accuracies: [B] of the same designs.
        scores: names in :data:`hwenvs.proxies.zero_cost.scores.SCORES`.
        data: folder with the data sets; default ``HWENVS_DATA``.
        images: that scores look at.
        progress: told after every architecture.

    Returns:
        By score a number in [-1, 1]; NaN where scores or accuracies are all the same.

    Raises:
        UnknownNameError: if there is no such score.
        ArgumentError: if there is not one accuracy a design, or the number of images makes no
            sense.
        DesignError: if a design is none of the space.
        DataError: if a score needs images and there are none.
        MissingExtraError: without what reads the images.
    """
    measured = np.asarray(accuracies, dtype=np.float64)
    if measured.shape != (len(designs),):
        raise ArgumentError(
            f"one accuracy a design is needed: {len(designs)} designs have accuracies of shape "
            f"{measured.shape}"
        )
    # All are made first: an unknown name or missing images are told before anything is scored.
    proxies = {name: ZeroCostProxy(space, name, data, images) for name in scores}
    found = {}
    for name, proxy in proxies.items():
        values = np.empty(len(designs))
        for index in range(len(designs)):
            values[index] = proxy.scores(designs[index : index + 1])[0]
            if progress is not None:
                progress(f"scoring with {name}", index + 1, len(designs))
        found[name] = spearman(values, measured)
    return found
