"""The handwritten digits that come with scikit-learn: real images without a download.

1,797 grey images of 8 x 8 pixels (the test part of the UCI set "Optical Recognition of Handwritten
Digits"; Alpaydin and Kaynak, 1998), shuffled once and for all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import DataError, MissingExtraError

NAME = "digits"
"""Name of the data set."""

SPLITS = {"train": (0, 1000), "test": (1000, 1797)}
"""First and last (exclusive) of the shuffled images, by split."""

SEED = 0
"""Of the shuffling."""

GREYS = 16
"""Largest value of a pixel."""


def load_digits(split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pixels ``[N, 1, 8, 8]`` from 0 to 255, and labels ``[N]``.

    Args:
        split: ``"train"`` or ``"test"``.

    Raises:
        DataError: if there is no such split.
        MissingExtraError: without scikit-learn.
    """
    if split not in SPLITS:
        raise DataError(f"{NAME} has no split {split!r}; it has {', '.join(SPLITS)}")
    try:
        from sklearn import datasets
    except ImportError as error:
        raise MissingExtraError(
            "the digits come with scikit-learn: pip install 'hwenvs[measure]'"
        ) from error
    found = datasets.load_digits()
    order = np.random.default_rng(SEED).permutation(len(found.target))
    rows = order[slice(*SPLITS[split])]
    pixels = np.rint(found.images[rows] * (255 / GREYS)).astype(np.uint8)
    return pixels[:, None], found.target[rows].astype(np.int64)
