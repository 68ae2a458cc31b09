"""Trains a supernet: at every step another random path through it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hwenvs.calibration.digests import digest_of
from hwenvs.calibration.images import (
    Preprocessing,
    dataset_folder,
    find_dataset,
    load_pixels,
)
from hwenvs.calibration.spaces.bench import open_supernet
from hwenvs.calibration.spaces.judging import accuracy_of, preprocess
from hwenvs.networks.proxyless import get_space
from hwenvs.networks.spaces import SPREAD
from hwenvs.networks.supernet import Supernet, fresh_supernet
from hwenvs.training.classifier import RANDOM, ClassifierTraining, Progress
from hwenvs.training.settings import SUITED, Settings
from hwenvs.training.teacher import load_teacher
from hwenvs.training.zoo import NORMALISATION, Trained, write_weights

DECAY = 1e-4
"""Weight decay: weights that many paths share are held in check by that already."""

SHOWN = 20
"""Random architectures of which the accuracies are told after training."""

NORM_IMAGES = 512
"""Training images that their batch norms are estimated on."""


def settings_of(
    space: str,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    precision: str = "float32",
) -> Settings:
    """How a supernet is trained, and architectures of its space alone: on the same schedule."""
    return Settings(
        epochs=epochs,
        resolution=get_space(space).resolution,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=DECAY,
        precision=precision,
        seed=seed,
        **{"erase": 0, **SUITED.get(find_dataset(space)[0], {})},
    )


class RandomPaths(nn.Module):
    """A supernet that answers by a random path when it is trained, by its largest otherwise.

    Paths follow from the seed and the number of the step, which is part of the state: training that
    was stopped goes on with the same paths.

    Args:
        supernet: whose paths.
        seed: of the paths.
    """

    steps: Tensor

    def __init__(self, supernet: Supernet, seed: int) -> None:
        super().__init__()
        self.supernet, self.seed = supernet, seed
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, classes]`` of ``images``."""
        space = self.supernet.space
        path = space.largest
        if self.training:
            # Seeds of neighbouring runs and steps must not meet.
            path = space.sample(1, 1_000_003 * self.seed + int(self.steps), SPREAD)[0]
            self.steps += 1
        logits: Tensor = self.supernet(images, path)
        return logits


def train_supernet(
    name: str,
    settings: Settings,
    out: Path,
    data: str | Path | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    until: int | None = None,
    facts: dict[str, str] | None = None,
    dtype: torch.dtype = torch.float32,
    teacher: str | None = None,
    start: Path | None = None,
) -> tuple[Trained, list[float]]:
    """Trains the supernet of a search space and writes its weights.

    The file is ``out/<name>.supernet.safetensors``; its metadata says how images must be prepared
    and what was trained on.

    Args:
        name: search space that a data set is known for.
        settings: how to train.
        out: folder for weights and checkpoint.
        data: folder with the data sets; default ``HWENVS_DATA``.
        device: where to compute, e.g. ``"cuda"``.
        progress: see :data:`hwenvs.training.classifier.Progress`.
        until: stop after this epoch.
        facts: more for the metadata, e.g. the command.
        dtype: type of the written weights; accuracies are those of the weights as written.
        teacher: network of the zoo with weights in the data folder, whose answers are learnt from.
        start: weights of an earlier run to begin with, instead of random ones; a checkpoint of a
            run that began with others is refused.

    Returns:
        What was left, with the accuracy of the largest architecture, and the accuracies of some
        random ones, all with batch norms estimated anew.

    Raises:
        DataError, WeightsError, UnknownNameError, ArgumentError: if something is missing or does
            not fit.
    """
    space = get_space(name)
    dataset, test, train = find_dataset(name)
    folder = dataset_folder(dataset, data)
    preprocessing = Preprocessing.from_metadata(NORMALISATION.get(dataset, {}), space.resolution)
    images, labels = load_pixels(folder, train, None, None, preprocessing.channels)
    supernet, before, begun = fresh_supernet(space, settings.seed), dict[str, str](), RANDOM
    if start is not None:
        supernet, before = open_supernet(space, start)
        begun = digest_of(*(tensor for tensor in supernet.state_dict().values() if tensor.dim()))
    training = ClassifierTraining(
        RandomPaths(supernet, settings.seed),
        images,
        labels,
        preprocessing,
        settings,
        out / f"{name}.supernet.checkpoint.pt",
        None if teacher is None else load_teacher(teacher, space, data, device, settings.precision),
        device,
        start=begun,
    )
    training.run(progress, until)
    supernet.to("cpu")
    supernet.load_state_dict({k: v.to(dtype).to(v.dtype) for k, v in supernet.state_dict().items()})
    tests, wanted = load_pixels(folder, test, None, None, preprocessing.channels)
    seen = preprocess(images[:NORM_IMAGES], preprocessing)
    unseen = preprocess(tests, preprocessing)
    random = space.sample(SHOWN, settings.seed, SPREAD)
    accuracies = []
    for number, design in enumerate([space.largest, *random]):
        accuracies.append(accuracy_of(supernet.architecture(design), seen, unseen, wanted))
        if progress is not None:
            progress("trying architectures", number + 1, SHOWN + 1)
    path = out / f"{name}.supernet.safetensors"
    metadata = {
        "space": name,
        "input_mean": ",".join(map(str, preprocessing.mean)),
        "input_std": ",".join(map(str, preprocessing.std)),
        "resolution": str(space.resolution),
        "trained_on": f"{dataset} {train}, {len(images)} images",
        "epochs": str(training.epochs_done),
        "settings": str({k: v for k, v in asdict(settings).items() if v is not None}),
        "paths": f"random at every step, tilted by up to {SPREAD}",
        "teacher": teacher or "none",
        "started_from": f"{before['epochs']} epochs ({before['settings']})" if before else RANDOM,
        "test_accuracy": f"largest {accuracies[0]:.4f}, median of {SHOWN} random "
        f"{float(np.median(accuracies[1:])):.4f} on {len(wanted)} {test} images",
        **(facts or {}),
    }
    write_weights(supernet, path, metadata, dtype)
    trained = Trained(path, accuracies[0], training.epochs_done, training.losses[-1])
    return trained, accuracies[1:]
