"""The images that a score may look at."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from hwenvs.calibration.images import Preprocessing, dataset_folder, find_dataset, load_images
from hwenvs.errors import MissingExtraError
from hwenvs.networks.spaces import Space
from hwenvs.training.zoo import NORMALISATION

KEPT = 4
"""Batches that stay in memory: the scores of a space share theirs."""


class Batch(NamedTuple):
    """Images with their labels.

    Attributes:
        images: ``[N, C, R, R]`` float32, normalised, channels last in memory.
        labels: ``[N]`` int64.
        source: where they are from, in words.
    """

    images: Tensor
    labels: Tensor
    source: str


def no_images(space: Space) -> Batch:
    """What scores get that look at none."""
    shape = (0, space.in_channels, space.resolution, space.resolution)
    return Batch(torch.empty(shape), torch.empty(0, dtype=torch.int64), "none")


def first_images(space: Space, data: str | Path | None, count: int) -> Batch:
    """The first ``count`` training images of the space's data set.

    Args:
        space: the search space.
        data: folder with the data sets; default ``HWENVS_DATA``.
        count: number of images.

    Raises:
        DataError: if no data set is known for the space, or it is not there or too small.
        MissingExtraError: without what reads it.
    """
    dataset, _, train = find_dataset(space.name)
    return _read(dataset_folder(dataset, data), dataset, train, space.resolution, count)


@lru_cache(maxsize=KEPT)
def _read(folder: Path, dataset: str, split: str, resolution: int, count: int) -> Batch:
    wanted = Preprocessing.from_metadata(NORMALISATION.get(dataset, {}), resolution)
    try:
        images, labels = load_images(folder, split, range(count), wanted)
    except ImportError as error:
        raise MissingExtraError(
            f"a package to read {dataset} with is missing: pip install 'hwenvs[measure]' ({error})"
        ) from error
    source = f"{dataset} {split} rows 0 to {count - 1}"
    # Gradients of depthwise convolutions take half the time so.
    return Batch(images.contiguous(memory_format=torch.channels_last), labels, source)
