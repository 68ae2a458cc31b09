"""From a network's name and a folder of images to trained weights in a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from hwenvs.calibration.images import DATASETS, Preprocessing, dataset_folder, load_pixels
from hwenvs.errors import DataError
from hwenvs.files import replacing
from hwenvs.networks import get_network
from hwenvs.networks.modules import TableModule, fresh_module
from hwenvs.training.classifier import ClassifierTraining, Progress, accuracy
from hwenvs.training.settings import Settings
from hwenvs.training.teacher import load_teacher

NORMALISATION = {
    "mnist": {"input_mean": "0.1307", "input_std": "0.3081"},
    "digits": {"input_mean": "0.3053", "input_std": "0.3760"},
}
"""Mean and deviation of data sets that are not normalised as ImageNet is."""


@dataclass(frozen=True)
class Trained:
    """What a training run left.

    Attributes:
        path: the weights.
        accuracy: on all test images, as a fraction.
        epochs: that it was trained for.
        loss: mean of the last epoch.
    """

    path: Path
    accuracy: float
    epochs: int
    loss: float


def train_network(
    name: str,
    settings: Settings,
    out: Path,
    data: str | Path | None = None,
    teacher: str | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    until: int | None = None,
    facts: dict[str, str] | None = None,
    dtype: torch.dtype = torch.float32,
) -> Trained:
    """Trains a network of the zoo and writes its weights.

    The file is ``out/<name>_<data set>.safetensors``; its metadata says how images must be
    prepared, what was trained on, and the accuracy on the test images.

    Args:
        name: network of the zoo.
        settings: how to train.
        out: folder for weights and checkpoint.
        data: folder with the data sets; default ``HWENVS_DATA``.
        teacher: network of the zoo with weights in the data folder, whose answers are learnt from.
        device: where to compute, e.g. ``"cuda"``.
        progress: see :data:`hwenvs.training.classifier.Progress`.
        until: stop after this epoch.
        facts: more for the metadata, e.g. the command.
        dtype: type of the written weights; the accuracy is that of the weights as written.

    Raises:
        DataError, WeightsError, UnknownNameError, ArgumentError: if something is missing or does
            not fit, a teacher that knows other classes, images or data among it.
    """
    if name not in DATASETS or DATASETS[name][1] == DATASETS[name][2]:
        raise DataError(f"no data set with training and test images is known for {name}")
    dataset, test, train = DATASETS[name]
    folder = dataset_folder(dataset, data)
    preprocessing = Preprocessing.from_metadata(NORMALISATION.get(dataset, {}), settings.resolution)
    images, labels = load_pixels(folder, train, None, None, preprocessing.channels)
    module = _module(name, settings, 1 + int(labels.max()))
    training = ClassifierTraining(
        module,
        images,
        labels,
        preprocessing,
        settings,
        out / f"{name}_{dataset}.checkpoint.pt",
        None
        if teacher is None
        else load_teacher(teacher, module.network, data, device, settings.precision),
        device,
    )
    training.run(progress, until)
    module.load_state_dict({k: v.to(dtype).to(v.dtype) for k, v in module.state_dict().items()})
    images, labels = load_pixels(folder, test, None, None, preprocessing.channels)
    right = accuracy(
        module, images.to(device), labels.to(device), preprocessing, settings.resolution
    )
    path = out / f"{name}_{dataset}.safetensors"
    metadata = {
        "input_mean": ",".join(map(str, preprocessing.mean)),
        "input_std": ",".join(map(str, preprocessing.std)),
        "resolution": str(settings.resolution),
        "trained_on": f"{dataset} {train}, {len(training.images)} images",
        "epochs": str(training.epochs_done),
        "settings": str({k: v for k, v in asdict(settings).items() if v is not None}),
        "teacher": teacher or "none",
        "test_accuracy": f"{right:.4f} on {len(labels)} {test} images",
        **(facts or {}),
    }
    write_weights(module, path, metadata, dtype)
    return Trained(path, right, training.epochs_done, training.losses[-1])


def _module(name: str, settings: Settings, classes: int) -> TableModule:
    network = get_network(name, classes=classes)
    if network.resolution != settings.resolution:
        network = get_network(name, classes=classes, resolution=settings.resolution)
    return fresh_module(network, settings.seed)


def write_weights(
    module: nn.Module, path: Path, metadata: dict[str, str], dtype: torch.dtype = torch.float32
) -> None:
    """Writes the weights of ``module`` as safetensors, in one atomic step."""
    from safetensors.torch import save_file

    state = {k: v.to("cpu", dtype).contiguous() for k, v in module.state_dict().items()}
    with replacing(path) as temporary:
        save_file(state, temporary, metadata)
