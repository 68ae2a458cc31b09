"""Where calibration batches come from: a folder of images, random numbers, a user's function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hwenvs.calibration.images import IMAGE_FILES, Preprocessing, decode
from hwenvs.errors import ArgumentError, DataError
from hwenvs.importing import imported
from hwenvs.quantizing.signature import Feed, Input, checked
from hwenvs.text import counted

DEFAULT, RANDOM = "default", "random"
"""Built-in input functions: images of a folder, random numbers."""


@dataclass(frozen=True)
class Amount:
    """How many inputs are calibrated on.

    Attributes:
        images: in all.
        batch_size: of a batch, where the model leaves that open.
    """

    images: int = 100
    batch_size: int = 10

    def sizes(self, inputs: Sequence[Input]) -> tuple[int, int]:
        """Size of a batch and number of batches."""
        fixed = {entry.shape[0] for entry in inputs if entry.shape} - {None}
        size = next(iter(fixed)) if len(fixed) == 1 else self.batch_size
        assert size is not None
        return size, -(-self.images // size)


def folder_images(folder: Path, preprocessing: Preprocessing, most: int) -> Tensor:
    """Images ``[N, C, R, R]`` float32, normalised, of the first ``most`` files by name.

    Files may lie in sub-folders; no labels are needed.

    Raises:
        DataError: if there is no such folder, no image in it, or a file is no image or too large.
    """
    from PIL.Image import DecompressionBombError

    if not folder.is_dir():
        raise DataError(f"calibration folder {folder} does not exist")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in IMAGE_FILES)[:most]
    if not files:
        raise DataError(f"{folder} and its sub-folders hold no image ({', '.join(IMAGE_FILES)})")
    pixels = []
    for file in files:
        try:
            pixels.append(
                decode(file.read_bytes(), preprocessing.resolution, preprocessing.channels)
            )
        except (OSError, DecompressionBombError) as error:
            raise DataError(f"{file} cannot be read as an image: {error}") from error
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
    return preprocessing.normalise(images.float() / 255).contiguous()


def image_batches(images: Tensor, inputs: tuple[Input, ...], amount: Amount) -> list[Feed]:
    """Batches of ``images [N, C, R, R]`` for a model with one input.

    Raises:
        DataError: if the model has another number of inputs, wants other shapes, or there are too
            few images for its batch.
    """
    if len(inputs) != 1:
        wanted = ", ".join(str(entry) for entry in inputs)
        raise DataError(f"images feed one input, the model has {wanted}: pass --input-fn")
    size, _ = amount.sizes(inputs)
    parts = [part for part in torch.split(images, size) if inputs[0].shape[0] in (None, len(part))]
    if not parts:
        raise DataError(f"{counted(len(images), 'image')} cannot fill a batch of {inputs[0]}")
    name = inputs[0].name
    return [checked({name: part.numpy()}, inputs, f"batch {n}") for n, part in enumerate(parts)]


def image_shape(inputs: tuple[Input, ...]) -> tuple[int, int]:
    """Channels and resolution of the images that a model reads.

    Raises:
        DataError: if its input is no batch of square images of 1 or 3 channels.
    """
    shape = inputs[0].shape if len(inputs) == 1 else ()
    if len(shape) == 4 and shape[1] in (1, 3) and shape[2] == shape[3] is not None:
        return int(shape[1]), int(shape[2] or 0)
    wanted = ", ".join(str(entry) for entry in inputs)
    raise DataError(
        f"images are [batch, 1 or 3, R, R]; the model wants {wanted}: "
        "fill in open sizes with --shape, or pass --input-fn"
    )


def random_batches(inputs: tuple[Input, ...], amount: Amount, seed: int = 0) -> list[Feed]:
    """Batches of standard normal numbers; zeros and ones where the model wants whole numbers.

    Raises:
        DataError: if the model leaves sizes open besides the batch.
    """
    size, count = amount.sizes(inputs)
    random = np.random.default_rng(seed)
    for entry in inputs:
        if None in entry.shape[1:]:
            raise DataError(f"the size of input {entry} is open: fill it in with --shape")

    def draw(entry: Input) -> np.ndarray:
        shape = [size if n is None else n for n in entry.shape]
        whole = np.dtype(entry.dtype).kind != "f"
        drawn = random.integers(0, 2, shape) if whole else random.normal(size=shape)
        return drawn.astype(entry.dtype)

    return [{entry.name: draw(entry) for entry in inputs} for _ in range(count)]


def function_batches(words: str, inputs: tuple[Input, ...], amount: Amount) -> list[Feed]:
    """Batches from a user's function, called with 0, 1, 2, ...; None ends them early.

    Args:
        words: ``module:function``; modules are also looked for in the current folder.
        inputs: of the model.
        amount: how many.

    Raises:
        ArgumentError: if there is no such function.
        DataError: if it fails, or returns what the model does not want.
    """
    function, feeds = find_function(words), []
    _, count = amount.sizes(inputs)
    for number in range(count):
        try:
            feed = function(number)
        except Exception as error:
            raise DataError(f"{words}({number}) raised {type(error).__name__}: {error}") from error
        if feed is None:
            break
        feeds.append(checked(feed, inputs, f"{words}({number})"))
    if not feeds:
        raise DataError(f"{words}(0) is None: there is nothing to calibrate on")
    return feeds


def find_function(words: str) -> Callable[[int], object]:
    """The function that ``module:function`` names.

    Raises:
        ArgumentError: if there is none.
    """
    if ":" not in words:
        raise ArgumentError(
            f"an input function is {DEFAULT!r}, {RANDOM!r} or 'module:function', not {words!r}"
        )
    try:
        found = imported(words, "input function")
    except ImportError as error:
        raise ArgumentError(f"cannot import input function {words!r}: {error}") from error
    if not callable(found):
        raise ArgumentError(f"input function {words!r} cannot be called")
    return found  # type: ignore[no-any-return]
