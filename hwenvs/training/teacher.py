"""Trained networks whose answers are learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hwenvs.calibration.bench import open_network
from hwenvs.calibration.images import DATASETS, Preprocessing, find_dataset
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.recipe import PRECISIONS
from hwenvs.errors import ArgumentError
from hwenvs.networks import Network, Space, get_network
from hwenvs.training.augmentation import resize

BATCH = 64
"""Images that a teacher is asked about at a time: they stay in cache."""


@dataclass(frozen=True)
class Teacher:
    """A trained network, and how it wants its images."""

    network: FoldedNetwork
    preprocessing: Preprocessing

    @torch.inference_mode()
    def answers(self, raw: Tensor) -> Tensor:
        """Logits ``[N, classes]`` of images ``[N, C, S, S]`` with values in [0, 1]."""
        images = self.preprocessing.normalise(resize(raw, self.preprocessing.resolution))
        images = images.to(self.network.dtype).contiguous(memory_format=torch.channels_last)
        return self.network(images, BATCH).clone()


def load_teacher(
    name: str,
    student: Network | Space,
    data: str | Path | None = None,
    device: str = "cpu",
    precision: str = "float32",
) -> Teacher:
    """A network of the zoo with the weights in ``data/weights`` (or shipped), ready to be asked.

    Args:
        name: network of the zoo.
        student: what will learn from its answers.
        data: folder with the weights; default ``HWENVS_DATA``.
        device: where to compute.
        precision: type of its passes.

    Raises:
        DataError, WeightsError, UnknownNameError: if there is no such network, or no weights.
        ArgumentError: if it knows other classes or another data set, or reads other images.
    """
    folded, preprocessing = open_network(get_network(name), data, None, device)
    learnt = find_dataset(student.name)[0]
    known = DATASETS.get(name, (learnt,))[0]  # where none is known, classes and channels must do
    offered, wanted = (
        f"{network.classes} classes of {network.in_channels}-channel images of {dataset}"
        for network, dataset in ((folded.network, known), (student, learnt))
    )
    if offered != wanted:
        raise ArgumentError(f"{name} cannot teach {student.name}: it knows {offered}, not {wanted}")
    return Teacher(folded.to(PRECISIONS[precision]), preprocessing)
