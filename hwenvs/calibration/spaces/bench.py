"""The measuring bench of a search space: a trained supernet and real images."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hwenvs.calibration.bench import SHIPPED_WEIGHTS
from hwenvs.calibration.images import (
    Preprocessing,
    dataset_folder,
    find_dataset,
    load_images,
    load_pixels,
)
from hwenvs.calibration.spaces.judging import judge, preprocess
from hwenvs.errors import DataError, WeightsError
from hwenvs.networks import Space, get_space
from hwenvs.networks.modules import read_weights
from hwenvs.networks.supernet import Supernet, fresh_supernet

FEWEST_NORM_IMAGES = 2
"""A batch norm has nothing to say on one."""


@dataclass(frozen=True)
class Judged:
    """What an architecture does on the evaluation images.

    Attributes:
        top1: accuracy, a fraction.
        loss: cross-entropy in nats.
    """

    top1: float
    loss: float


@dataclass
class SupernetBench:
    """Everything that measuring an architecture needs.

    With a ``share``, every architecture is tried on images of its own, and what counts is how it
    differs on them from reference architectures, which are tried on all images: differences of
    single architectures are a little noisier, but that some images suit some operators is no longer
    the same in all of them, and averages out where many architectures are fitted.

    Attributes:
        supernet: trained.
        seen: images ``[N, C, R, R]`` that batch norms are estimated on.
        images, labels: evaluation images and their labels.
        share: images that each architecture is tried on; None: all.
        references: designs [R, T] that the others are compared with on their share.
    """

    supernet: Supernet
    seen: Tensor
    images: Tensor
    labels: Tensor
    share: int | None = None
    references: Sequence[Sequence[int]] = ()
    _usual: Tensor | None = field(default=None, init=False, repr=False)

    @property
    def space(self) -> Space:
        """The search space."""
        return self.supernet.space

    def prepare(self) -> None:
        """Tries the reference architectures, where there are any."""
        if self.share is not None and self._usual is None:
            tried = [self._answers(design, self.images, self.labels) for design in self.references]
            self._usual = torch.stack(tried).mean(0)

    def measure(self, design: Sequence[int]) -> Judged:
        """Takes an architecture out of the supernet, estimates its norms and evaluates it.

        Raises:
            DesignError: if it is no design of the space.
        """
        if self.share is None:
            right, loss = self._answers(design, self.images, self.labels).mean(1).tolist()
            return Judged(right, loss)
        self.prepare()
        assert self._usual is not None
        seed = int.from_bytes(hashlib.sha256(bytes(design)).digest()[:8], "big")
        random = np.random.default_rng(seed)
        rows = torch.from_numpy(random.permutation(len(self.labels))[: self.share])
        answers = self._answers(design, self.images[rows], self.labels[rows])
        gained = answers - self._usual[:, rows]
        right, loss = (gained.mean(1) + self._usual.mean(1)).tolist()
        return Judged(right, loss)

    def _answers(self, design: Sequence[int], images: Tensor, labels: Tensor) -> Tensor:
        """[2, N] whether ``design`` gets each image right, and its cross-entropy in nats."""
        module = self.supernet.architecture(design)
        return judge(module, self.seen, images, labels)


def find_supernet(name: str, weights: str | Path | None = None) -> Path:
    """The file of a supernet: as given, or the one that is shipped.

    Raises:
        DataError: if there is none.
    """
    if weights is not None:
        return Path(weights)
    shipped = SHIPPED_WEIGHTS / f"{name}.supernet.safetensors"
    if not shipped.is_file():
        raise DataError(
            f"no supernet of {name} is shipped: pass one, made by hwenvs train-supernet {name}"
        )
    return shipped


def open_supernet(
    space: str | Space, weights: str | Path | None = None
) -> tuple[Supernet, dict[str, str]]:
    """A trained supernet in evaluation mode, and what its file says of itself.

    Args:
        space: the search space.
        weights: a file of ``hwenvs train-supernet``; default: the one that is shipped.

    Raises:
        DataError: if there is none.
        WeightsError: if the file cannot be read or belongs to another space.
    """
    known = get_space(space)
    path = find_supernet(known.name, weights)
    state, metadata = read_weights(path)
    supernet = fresh_supernet(known, seed=0)  # to be overwritten
    _check(supernet.state_dict(), state, path, known)
    supernet.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return supernet.eval(), metadata


def open_supernet_bench(
    space: str | Space,
    norm_rows: range,
    evaluation_rows: range,
    data: str | Path | None = None,
    weights: str | Path | None = None,
    dataset: str | None = None,
) -> SupernetBench:
    """Loads a supernet and images.

    Args:
        space: the search space.
        norm_rows: rows that batch norms are estimated on.
        evaluation_rows: rows to measure on; must not be among the former of the same split.
        data: folder with the data sets; default ``HWENVS_DATA``.
        weights: see :func:`open_supernet`.
        dataset: see :func:`hwenvs.calibration.images.find_dataset`.

    Raises:
        DataError, WeightsError: if something is missing or does not fit.
    """
    supernet, metadata = open_supernet(space, weights)
    folder, evaluation, training = find_dataset(supernet.space.name, dataset)
    if evaluation == training and set(norm_rows) & set(evaluation_rows):
        raise DataError("the rows of the batch norms and the evaluation rows overlap")
    if len(norm_rows) < FEWEST_NORM_IMAGES:
        raise DataError(
            f"batch norms are estimated on {FEWEST_NORM_IMAGES} images or more, not on "
            f"{len(norm_rows)}: a deviation needs two"
        )
    preprocessing = Preprocessing.from_metadata(metadata, supernet.space.resolution)
    source = dataset_folder(folder, data)
    seen, _ = load_images(source, training, norm_rows, preprocessing)
    images, labels = load_images(source, evaluation, evaluation_rows, preprocessing)
    last = torch.channels_last
    return SupernetBench(
        supernet,
        seen.contiguous(memory_format=last),
        images.contiguous(memory_format=last),
        labels,
    )


def evaluation_images(
    space: Space,
    metadata: dict[str, str],
    count: int,
    data: str | Path | None = None,
    dataset: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The first ``count`` evaluation images ``[N, C, R, R]``, ready for the supernet, and labels.

    Args:
        space: the search space.
        metadata: of the supernet's file.
        count: images, or all where there are fewer.
        data: folder with the data sets; default ``HWENVS_DATA``.
        dataset: see :func:`hwenvs.calibration.images.find_dataset`.

    Raises:
        DataError: if there are none.
    """
    folder, evaluation, _ = find_dataset(space.name, dataset)
    preprocessing = Preprocessing.from_metadata(metadata, space.resolution)
    source = dataset_folder(folder, data)
    pixels, labels = load_pixels(source, evaluation, None, None, preprocessing.channels)
    return preprocess(pixels[:count], preprocessing), labels[:count]


def _check(
    wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path, space: Space
) -> None:
    differing = [f"missing {key}" for key in sorted(wanted.keys() - found.keys())]
    differing += [f"unexpected {key}" for key in sorted(found.keys() - wanted.keys())]
    differing += [
        f"{key} has shape {tuple(found[key].shape)}, expected {tuple(wanted[key].shape)}"
        for key in sorted(wanted.keys() & found.keys())
        if wanted[key].shape != found[key].shape
    ]
    if differing:
        shown = "; ".join(differing[:3]) + ("; ..." if len(differing) > 3 else "")
        raise WeightsError(f"{path} is no supernet of {space.name}: {shown}")
