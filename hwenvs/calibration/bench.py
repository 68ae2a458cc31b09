"""The measuring bench: a real network, its calibration images and its evaluation images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from hwenvs import networks
from hwenvs.calibration.devices import check_device, computing_on
from hwenvs.calibration.families import Family, Group, get_family
from hwenvs.calibration.images import (
    ENVIRONMENT_VARIABLE,
    Preprocessing,
    data_folder,
    dataset_folder,
    find_dataset,
    load_images,
)
from hwenvs.compression.folding import FoldedNetwork, fold
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.errors import DataError
from hwenvs.networks import Network, get_network
from hwenvs.networks.modules import load_module, read_weights

SHIPPED_WEIGHTS = Path(networks.__file__).parent / "weights"
"""Folder of the small networks' weights that come with the package."""


@dataclass(frozen=True)
class Measurement:
    """What a network does on the evaluation images.

    Attributes:
        top1, top5: accuracy as fractions.
        divergence: mean KL divergence from the full network's outputs, in nats.
    """

    top1: float
    top5: float
    divergence: float


@dataclass
class Bench:
    """Everything that a measurement needs.

    Attributes:
        network: the layer table of the real network.
        counted: the published network, whose costs count (it may have more classes and a higher
            resolution than what could be trained).
        folded: the real network as the family starts from it, in the type of the forward passes.
        reference: the full network on the calibration images.
        images, labels: evaluation images and their labels.
        logits: log-probabilities of the full network on them.
        family: how designs are made real.
    """

    network: Network
    counted: Network
    folded: FoldedNetwork
    reference: Reference
    images: Tensor
    labels: Tensor
    logits: Tensor
    family: Family

    @property
    def groups(self) -> tuple[Group, ...]:
        """The decisions."""
        return self.family.groups(self.network)

    @property
    def baseline(self) -> Measurement:
        """The full network on the evaluation images."""
        return compare(self.logits, self.logits, self.labels)

    def prepare(self) -> None:
        """Computes what all measurements share, before processes are forked."""
        with self.computing():
            self.family.prepare(self.reference)

    def computing(self) -> AbstractContextManager[None]:
        """Inside, torch makes new tensors where the bench's are."""
        return computing_on(self.images.device)

    def measure(self, design: Sequence[int]) -> Measurement:
        """Compresses the real network to ``design`` and evaluates it."""
        with self.computing():
            pruned = self.family.compress(self.reference, design).to(self.images.dtype)
            return compare(pruned(self.images).log_softmax(1), self.logits, self.labels)

    def with_recipe(self, **changes: str | float) -> Bench:
        """The same bench with another reconstruction method, on the same sampled pixels."""
        recipe = replace(self.reference.recipe, **changes)  # type: ignore[arg-type]
        return replace(self, reference=replace(self.reference, recipe=recipe))


def compare(log_probabilities: Tensor, full: Tensor, labels: Tensor) -> Measurement:
    """Accuracy and divergence of ``log_probabilities [N, classes]`` against the full network's."""
    top = log_probabilities.topk(min(5, log_probabilities.shape[1]), 1).indices == labels[:, None]
    divergence = (full.exp() * (full - log_probabilities)).sum(1).mean()
    return Measurement(
        top[:, 0].float().mean().item(), top.any(1).float().mean().item(), divergence.item()
    )


def find_weights(name: str, weights: str | Path | None, data: str | Path | None = None) -> Path:
    """The weights file: as given, the one under ``data/weights``, or the one that is shipped.

    Raises:
        DataError: if there is none, or no data folder to look for it.
    """
    if weights is not None:
        return Path(weights)
    shipped = sorted(SHIPPED_WEIGHTS.glob(f"{name}_*.safetensors"))
    if shipped and data is None and not os.environ.get(ENVIRONMENT_VARIABLE):
        return shipped[0]
    folder = data_folder(data) / "weights"
    found = sorted(folder.glob(f"{name}_*.safetensors")) + shipped
    if not found:
        raise DataError(f"{folder} has no {name}_*.safetensors; pass the weights")
    return found[0]


def fitting_network(
    published: Network, state: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> Network:
    """``published`` with the classes, resolution and padding that its weights were trained for."""
    changes = {}
    classifier = state.get(f"{published.layers[-1].name}.weight")
    if classifier is not None and len(classifier) != published.classes:
        changes["classes"] = len(classifier)
    resolution = int(metadata.get("resolution", published.resolution))
    if resolution != published.resolution:
        changes["resolution"] = resolution
    # torchvision pads symmetrically; converted TensorFlow weights say "same".
    if published.name.startswith("mobilenet") and metadata.get("padding") != "same":
        changes["same_padding"] = False
    return get_network(published.name, **changes) if changes else published


def open_network(
    published: Network,
    data: str | Path | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
) -> tuple[FoldedNetwork, Preprocessing]:
    """A network of the zoo with its weights, and how it wants its images.

    Args:
        published: its layer table; classes, resolution and padding are those of the weights.
        data: folder with the data sets; default ``HWENVS_DATA``.
        weights: weights file; default the one in the data folder.
        device: where to compute.

    Raises:
        DataError, WeightsError: if weights are missing or do not fit.
    """
    state, metadata = read_weights(find_weights(published.name, weights, data))
    network = fitting_network(published, state, metadata)
    folded = fold(load_module(network, state).to(device))
    return folded, Preprocessing.from_metadata(metadata, network.resolution)


def open_bench(
    name: str | Network,
    calibration_rows: range,
    evaluation_rows: range,
    recipe: Recipe,
    data: str | Path | None = None,
    weights: str | Path | None = None,
    device: str = "cpu",
    family: str = "channel_pruning",
    dataset: str | None = None,
) -> Bench:
    """Loads a network of the zoo with its weights and images, and runs the full network once.

    Args:
        name: network of the zoo, or a layer table.
        calibration_rows: rows to reconstruct from.
        evaluation_rows: rows to measure on; must not be calibration rows of the same split.
        recipe: how pruned weights are chosen.
        data: folder with the data sets; default ``HWENVS_DATA``.
        weights: weights file; default the one in the data folder.
        device: where to compute, e.g. ``"cuda"``.
        dataset: see :func:`hwenvs.calibration.images.find_dataset`.
        family: what designs decide, one of :data:`hwenvs.calibration.families.FAMILIES`.

    Raises:
        ArgumentError: if there is no such device here.
        DataError, WeightsError, UnknownNameError: if something is missing or does not fit.
    """
    check_device(device)
    published = get_network(name) if isinstance(name, str) else name
    images_folder, evaluation, calibration = find_dataset(published.name, dataset)
    if evaluation == calibration and set(calibration_rows) & set(evaluation_rows):
        raise DataError("calibration rows and evaluation rows overlap")
    with computing_on(device):
        folded, preprocessing = open_network(published, data, weights, device)
        source = dataset_folder(images_folder, data)
        refit, _ = load_images(source, calibration, calibration_rows, preprocessing)
        images, labels = load_images(source, evaluation, evaluation_rows, preprocessing)
        tensors = (refit.to(device), images.to(device), labels.to(device))
        return set_up(folded, *tensors, recipe, family, published)


def set_up(
    folded: FoldedNetwork,
    refit_images: Tensor,
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    family: str = "channel_pruning",
    counted: Network | None = None,
) -> Bench:
    """A bench of tensors; runs the full network once.

    Args:
        folded: the full network.
        refit_images: images ``[N, C, R, R]`` to reconstruct from.
        images: images ``[M, C, R, R]`` to measure on.
        labels: their classes ``[M]``.
        recipe: how compressed weights are chosen.
        family: what designs decide.
        counted: the network whose costs count; the same by default.
    """
    folded = folded.to(torch.float32)  # whatever torch's default type, as sums and solves are
    images = images.to(recipe.dtype).contiguous(memory_format=torch.channels_last)
    kind = get_family(family)
    with computing_on(images.device):
        reference = Reference.measure(folded, refit_images, recipe)
        whole = kind.whole(reference).to(recipe.dtype)
        logits = whole(images).log_softmax(1)
    network = folded.network
    return Bench(network, counted or network, whole, reference, images, labels, logits, kind)
