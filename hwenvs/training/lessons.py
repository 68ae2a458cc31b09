"""The images that a final design is fine-tuned on: never those that it is judged on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from hwenvs.calibration.images import (
    Preprocessing,
    dataset_folder,
    find_dataset,
    load_pixels,
)
from hwenvs.errors import DataError


@dataclass(frozen=True)
class Lesson:
    """What is learnt from.

    Attributes:
        images: training images ``[N, C, S, S]`` uint8.
        labels: their classes ``[N]``.
        preprocessing: how the network wants them.
        source: which they are, in words that tell different ones apart.
    """

    images: Tensor
    labels: Tensor
    preprocessing: Preprocessing
    source: str


def load_lesson(
    network: str,
    preprocessing: Preprocessing,
    evaluated: Iterable[int],
    rows: range | None = None,
    data: str | Path | None = None,
    dataset: str | None = None,
) -> Lesson:
    """The training images of a network's data set.

    Args:
        network: network of the zoo.
        preprocessing: how it wants its images.
        evaluated: rows to evaluate on, which are refused if they are of the same split.
        rows: rows to train on; default: all of the training split.
        data: folder with the data sets; default ``HWENVS_DATA``.
        dataset: see :func:`hwenvs.calibration.images.find_dataset`.

    Raises:
        DataError: if images are missing, or would be evaluated on as well.
    """
    folder, evaluation, train = find_dataset(network, dataset)
    # Without rows all would be taken, those to evaluate on among them.
    if evaluation == train and (rows is None or set(rows) & set(evaluated)):
        raise DataError(
            f"{folder} has one split, {train}, to train and to evaluate on: "
            "name training rows that are not evaluation rows"
        )
    images, labels = load_pixels(
        dataset_folder(folder, data), train, rows, preprocessing.resolution, preprocessing.channels
    )
    span = "all" if rows is None else f"{rows.start}:{rows.stop}"
    return Lesson(images, labels, preprocessing, f"{folder} {train} {span}")
