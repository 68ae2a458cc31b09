"""How a network is trained: settings as data, and the schedules that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hwenvs.compression.recipe import PRECISIONS
from hwenvs.errors import ArgumentError, unknown_name

DIGITS: dict[str, Any] = {"shift": 1, "mirror": False, "erase": 0}
"""What may happen to handwritten digits: mirrored they are others."""

SUITED = {"digits": DIGITS, "mnist": {**DIGITS, "shift": 2}}
"""Settings of data sets on which images must not be changed as photographs are."""


POSITIVE = (
    "epochs",
    "resolution",
    "first_resolution",
    "batch_size",
    "learning_rate",
    "temperature",
    "clip_norm",
)
NOT_NEGATIVE = ("warmup", "weight_decay", "shift", "erase")


@dataclass(frozen=True)
class Settings:
    """Settings of a training run.

    Raises:
        ArgumentError: if a number makes no sense.
        UnknownNameError: if there is no such precision.

    Attributes:
        epochs: passes over the training images.
        resolution: height and width that the network is trained for, in pixels; smaller images are
            enlarged.
        first_resolution: height and width in the first epoch; grows to ``resolution`` over the
            first :attr:`growth` of the epochs, which saves time.
        growth: see above.
        batch_size: images per step.
        learning_rate: at its peak.
        warmup: epochs in which the learning rate rises to its peak; it then falls as a cosine.
        momentum: of Nesterov's gradient descent.
        weight_decay: of weights; biases and batch norms are left alone.
        shift: largest shift of an image in pixels, before enlarging.
        mirror: whether half of the images are mirrored.
        erase: side of the erased square in pixels, before enlarging.
        teacher_weight: share of the teacher's answer in the loss, where there is a teacher.
        temperature: by which both answers are softened (Hinton et al., 2015).
        precision: ``"float32"`` or ``"bfloat16"``: type of the passes forward and backward;
            weights and their updates are always float32.
        seed: of the first weights, of the order of the images and of what happens to them.
        clip_norm: largest norm of a step's gradient, longer ones are shortened; None: any.
    """

    epochs: int = 30
    resolution: int = 32
    first_resolution: int | None = None
    growth: float = 0.6
    batch_size: int = 128
    learning_rate: float = 0.1
    warmup: float = 2.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    shift: int = 4
    mirror: bool = True
    erase: int = 8
    teacher_weight: float = 0.9
    temperature: float = 4.0
    precision: str = "float32"
    seed: int = 0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise unknown_name("precision", self.precision, PRECISIONS)
        for name in POSITIVE:
            value = getattr(self, name)
            # A NaN is neither above nor below anything: only what is surely right may pass.
            if value is not None and not 0 < value < math.inf:
                raise ArgumentError(f"{name} must be positive and finite, not {value}")
        for name in NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < math.inf:
                raise ArgumentError(f"{name} must be 0 or more, not {getattr(self, name)}")
        for name in ("teacher_weight", "growth"):
            if not 0 <= getattr(self, name) <= 1:
                raise ArgumentError(f"{name} lies in 0 to 1, not {getattr(self, name)}")
        if not 0 < self.momentum < 1:
            raise ArgumentError(f"momentum lies between 0 and 1, not {self.momentum}")
        if self.first_resolution is not None and self.first_resolution > self.resolution:
            raise ArgumentError(
                f"first_resolution {self.first_resolution} exceeds resolution {self.resolution}"
            )

    def resolution_at(self, epoch: int) -> int:
        """Height and width in pixels in an epoch (counted from 0), in steps of 8."""
        first = self.first_resolution or self.resolution
        done = min(1.0, epoch / max(1.0, self.growth * self.epochs))
        return min(self.resolution, first + 8 * round((self.resolution - first) * done / 8))

    def learning_rate_at(self, epoch: float) -> float:
        """Learning rate after ``epoch`` epochs, which need not be whole."""
        warmup = min(self.warmup, self.epochs / 2)
        if epoch < warmup:
            return self.learning_rate * (epoch + 0.01) / (warmup + 0.01)
        done = min(1.0, (epoch - warmup) / (self.epochs - warmup))
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
