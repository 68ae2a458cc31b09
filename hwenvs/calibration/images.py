"""Real images, decoded and normalised: parquet files in the Hugging Face layout, or class folders.

Public copies of CIFAR-10, MNIST and ImageNet have the first layout: a column of structs with the
encoded ``bytes`` and a column ``label``; an unpacked ImageNet has the second: one folder a class.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hwenvs.calibration.digits import NAME as DIGITS
from hwenvs.calibration.digits import load_digits
from hwenvs.errors import DataError

ENVIRONMENT_VARIABLE = "HWENVS_DATA"
DATASETS = {
    "resnet20": ("cifar10", "test", "train"),
    "resnet32": ("cifar10", "test", "train"),
    "resnet44": ("cifar10", "test", "train"),
    "resnet56": ("cifar10", "test", "train"),
    "resnet50": ("cifar10", "test", "train"),
    "lenet_300_100": ("mnist", "test", "train"),
    "lenet5": ("mnist", "test", "train"),
    "lstm": ("mnist", "test", "train"),
    "mobilenet_v1": ("imagenet_sample", "validation", "validation"),
    "mobilenet_v2": ("imagenet_sample", "validation", "validation"),
    "digits_lenet": (DIGITS, "test", "train"),
    "digits_mobilenet": (DIGITS, "test", "train"),
    "digits_resnet": (DIGITS, "test", "train"),
    "proxyless_cifar": ("cifar10", "test", "train"),
    "proxyless_digits": (DIGITS, "test", "train"),
}
"""Folder, split to evaluate on and split to reconstruct from, for networks of the zoo and search
spaces."""

IMAGE_FILES = (".jpeg", ".jpg", ".png")
"""Endings of image files in class folders."""

EVALUATION_RATIO = 256 / 224
"""A network gets the centre of an image whose shorter side is at most so much longer: the usual
evaluation on ImageNet."""


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its images.

    Attributes:
        resolution: height and width in pixels: larger images are shrunk to at most 256/224
            of it and cropped to their centre, smaller ones enlarged.
        mean, std: per colour channel, of values in [0, 1].
    """

    resolution: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def channels(self) -> int:
        """Colour channels: 3, or 1 for grey images."""
        return len(self.mean)

    def normalise(self, images: Tensor) -> Tensor:
        """Images ``[N, C, H, W]`` of values in [0, 1], mean and deviation taken out."""
        mean = torch.tensor(self.mean, device=images.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(1, -1, 1, 1)
        return (images - mean) / std

    @classmethod
    def from_metadata(cls, metadata: dict[str, str], resolution: int) -> Preprocessing:
        """Reads ``input_mean``, ``input_std`` and ``resolution`` (ImageNet's where absent)."""

        def numbers(key: str, default: str) -> tuple[float, ...]:
            return tuple(float(x) for x in metadata.get(key, default).split(","))

        return cls(
            int(metadata.get("resolution", resolution)),
            numbers("input_mean", "0.485,0.456,0.406"),
            numbers("input_std", "0.229,0.224,0.225"),
        )


def find_dataset(name: str, dataset: str | None = None) -> tuple[str, str, str]:
    """Folder, split to evaluate on and split to reconstruct from.

    Args:
        name: network of the zoo.
        dataset: ``FOLDER:EVALUATION[:CALIBRATION]``; default: what :data:`DATASETS` says.

    Raises:
        DataError: if none is known or given, or the text looks different.
    """
    if dataset is None:
        if name not in DATASETS:
            raise DataError(f"no data set is known for {name}; known: {', '.join(DATASETS)}")
        return DATASETS[name]
    parts = dataset.split(":")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise DataError(
            f"a data set looks like imagenet:val or imagenet:val:train, not {dataset!r}"
        )
    return parts[0], parts[1], parts[-1]


def data_folder(path: str | Path | None = None) -> Path:
    """The data folder: ``path``, or what ``HWENVS_DATA`` names.

    Raises:
        DataError: if neither is given, or the folder does not exist.
    """
    chosen = path or os.environ.get(ENVIRONMENT_VARIABLE)
    if not chosen:
        raise DataError(f"no data folder: pass one, or set {ENVIRONMENT_VARIABLE}")
    folder = Path(chosen)
    if not folder.is_dir():
        raise DataError(f"data folder {folder} does not exist")
    return folder


def dataset_folder(dataset: str, data: str | Path | None = None) -> Path:
    """Where a data set is under the data folder, see :func:`data_folder`; digits need none."""
    return Path(DIGITS) if dataset == DIGITS else data_folder(data) / dataset


def load_images(
    folder: Path, split: str, rows: Iterable[int], preprocessing: Preprocessing
) -> tuple[Tensor, Tensor]:
    """Images ``[N, C, R, R]`` float32, normalised, and labels ``[N]`` int64.

    Args:
        folder: holds ``<split>-*.parquet`` files, or a folder ``<split>`` of class folders.
        split: e.g. ``"test"``.
        rows: which rows, in this order.
        preprocessing: crop and normalisation.

    Raises:
        DataError: if files, columns or rows are missing.
    """
    pixels, labels = load_pixels(
        folder, split, rows, preprocessing.resolution, preprocessing.channels
    )
    return preprocessing.normalise(pixels.float() / 255).contiguous(), labels


def load_pixels(
    folder: Path,
    split: str,
    rows: Iterable[int] | None,
    resolution: int | None,
    channels: int = 3,
) -> tuple[Tensor, Tensor]:
    """Images ``[N, C, R, R]`` uint8 and labels ``[N]`` int64.

    Args:
        folder: holds ``<split>-*.parquet`` files, or a folder ``<split>`` of class folders.
        split: e.g. ``"test"``.
        rows: which rows, in this order; None for all.
        resolution: height and width in pixels, see :class:`Preprocessing`; None leaves images as
            they are.
        channels: 3 for colours, 1 for grey.

    Raises:
        DataError: if files, columns or rows are missing.
    """
    if folder == Path(DIGITS):
        grey, classes = load_digits(split)
        chosen = _wanted(folder, split, rows, len(classes))
        return torch.from_numpy(grey[chosen]), torch.from_numpy(classes[chosen])
    encoded, labels = _read_folders(folder / split) if (folder / split).is_dir() else (None, None)
    if encoded is None or labels is None:
        encoded, labels = _read_parquet(folder, split)
    wanted = _wanted(folder, split, rows, len(labels))
    pixels = np.stack([decode(encoded(row), resolution, channels) for row in wanted])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    return images, torch.tensor([labels[row] for row in wanted], device="cpu")


def _wanted(folder: Path, split: str, rows: Iterable[int] | None, count: int) -> list[int]:
    """The rows that are asked for, all if ``rows`` is None; refused if there are fewer."""
    wanted = list(range(count) if rows is None else rows)
    if wanted and max(wanted) >= count:
        raise DataError(f"{folder} {split} has {count} rows, row {max(wanted)} was asked for")
    return wanted


def _read_parquet(folder: Path, split: str) -> tuple[Callable[[int], bytes], list[int]]:
    """Encoded images by row, and labels."""
    import pyarrow.parquet as pq

    files = sorted(folder.glob(f"{split}-*.parquet"))
    if not files:
        raise DataError(f"{folder} has no {split}-*.parquet file and no folder {split}")
    structs: list[dict[str, bytes]] = []
    labels: list[int] = []
    for file in files:
        table = pq.read_table(file)
        names = [name for name in ("img", "image") if name in table.column_names]
        if not names or "label" not in table.column_names:
            raise DataError(
                f"{file} needs columns 'label' and 'img' or 'image', has {table.column_names}"
            )
        structs += table[names[0]].to_pylist()
        labels += table["label"].to_pylist()
    return lambda row: structs[row]["bytes"], labels


def _read_folders(folder: Path) -> tuple[Callable[[int], bytes], list[int]]:
    """Encoded images and labels of one folder a class, in a fixed shuffled order.

    Classes count in the order of their sorted names, as torchvision's ``ImageFolder`` has them.
    """
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    files = [
        (file, label)
        for label, entry in enumerate(classes)
        for file in sorted(entry.iterdir())
        if file.suffix.lower() in IMAGE_FILES
    ]
    if not files:
        raise DataError(f"{folder} holds no class folders with {', '.join(IMAGE_FILES)} files")
    order = np.random.default_rng(0).permutation(len(files))
    return (
        lambda row: files[order[row]][0].read_bytes(),
        [files[index][1] for index in order],
    )


def decode(encoded: bytes, resolution: int | None, channels: int) -> np.ndarray:
    """Pixels ``[H, W, C]`` uint8: shrunk or enlarged where need be, and cropped to the centre.

    Images that are as large as they should be, or a little larger, are not resampled.
    """
    from PIL import Image

    image: Image.Image = Image.open(io.BytesIO(encoded))
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
        grey = np.asarray(image).clip(0, 65_535) / 257
        image = Image.fromarray(np.rint(grey).astype(np.uint8))
    image = image.convert("RGB" if channels == 3 else "L")
    if resolution is None:
        return np.asarray(image).reshape(*image.size[::-1], channels)
    shorter = min(image.size)
    wanted = min(max(shorter, resolution), EVALUATION_RATIO * resolution)
    if wanted != shorter:
        scale = wanted / shorter
        width, height = (max(resolution, round(scale * side)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = ((side - resolution) // 2 for side in image.size)
    pixels = np.asarray(image).reshape(*image.size[::-1], channels)
    return pixels[top : top + resolution, left : left + resolution]
