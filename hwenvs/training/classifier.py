"""The training loop: one epoch after the other, each written down before the next begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwenvs.calibration.devices import check_device
from hwenvs.calibration.digests import lesson_digest
from hwenvs.calibration.images import Preprocessing
from hwenvs.errors import DataError, TrainingError, WeightsError
from hwenvs.files import replacing
from hwenvs.training.augmentation import augment, resize
from hwenvs.training.settings import Settings
from hwenvs.training.teacher import Teacher

Progress = Callable[[str, int, int], None]
"""Receives what is being done, how much of it is done and how much there is."""

CHECKED_EVERY = 50
"""Steps after which the loss is looked at."""

RANDOM = "random"
"""Starting weights that follow from the seed."""


class ClassifierTraining:
    """Trains a classifier by stochastic gradient descent; stops and continues at any epoch.

    Args:
        module: the network; must accept images of every resolution that the settings ask for.
        images: training images ``[N, C, S, S]`` uint8.
        labels: their classes ``[N]``.
        preprocessing: normalisation of the images.
        settings: how to train.
        checkpoint: file that holds the run after every epoch.
        teacher: whose answers are learnt from besides the labels.
        device: where to compute.
        after_step: called after every step, to keep weights where they shall stay.
        start: digest of the weights that ``module`` begins with, where the settings do not tell.

    Raises:
        ArgumentError: if there is no such device here.
        DataError: if images and labels do not fit each other.
        WeightsError: if ``checkpoint`` holds a run with other settings, images, teacher or
            starting weights, or cannot be read.
    """

    def __init__(
        self,
        module: nn.Module,
        images: Tensor,
        labels: Tensor,
        preprocessing: Preprocessing,
        settings: Settings,
        checkpoint: Path,
        teacher: Teacher | None = None,
        device: str = "cpu",
        after_step: Callable[[], None] | None = None,
        start: str = RANDOM,
    ) -> None:
        check_device(device)
        self.after_step, self.start = after_step, start
        if len(images) != len(labels) or images.dtype != torch.uint8:
            raise DataError(f"{len(images)} {images.dtype} images do not fit {len(labels)} labels")
        self.module = module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.images, self.labels = images.to(device), labels.to(device)
        self.preprocessing, self.settings, self.teacher = preprocessing, settings, teacher
        self.checkpoint = checkpoint
        self.optimizer = torch.optim.SGD(
            _parameter_groups(module, settings.weight_decay),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            nesterov=True,
            fused=True,
        )
        # The fused step wants a momentum of every parameter, also of those that no step reached.
        for parameter in self.module.parameters():
            self.optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        self.epochs_done = 0
        self.losses: list[float] = []
        if checkpoint.is_file():
            self._resume()

    def run(self, progress: Progress | None = None, until: int | None = None) -> None:
        """Trains the epochs that are missing (up to ``until``) and leaves the module in eval mode.

        Args:
            progress: called after every step.
            until: stop after this epoch; default: all.

        Raises:
            TrainingError: if the loss or a weight becomes no number; the checkpoint stays that of
                the epoch before.
        """
        last = self.settings.epochs if until is None else min(until, self.settings.epochs)
        for epoch in range(self.epochs_done, last):
            loss = self._epoch(epoch, progress)
            # The last step may ruin weights that no loss has seen yet.
            for name, tensor in self.module.state_dict().items():
                self._check(tensor, f"{name} holds", epoch)
            self.losses.append(loss)
            self.epochs_done = epoch + 1
            self._save()
        self.module.eval()

    def _epoch(self, epoch: int, progress: Progress | None) -> float:
        settings, count = self.settings, len(self.images)
        # Every epoch has a seed of its own: a run that was stopped ends with the same weights.
        generator = torch.Generator("cpu").manual_seed(1_000_003 * settings.seed + epoch)
        order = torch.randperm(count, generator=generator, device="cpu").to(self.images.device)
        batches = torch.split(order, settings.batch_size)
        if len(batches) > 1 and len(batches[-1]) < settings.batch_size // 2:
            batches = batches[:-1]
        total = torch.zeros((), device=self.images.device)
        self.module.train()
        for step, rows in enumerate(batches):
            rate = settings.learning_rate_at(epoch + step / len(batches))
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            raw = augment(
                self.images[rows].float() / 255,
                generator,
                settings.shift,
                settings.erase,
                settings.mirror,
            )
            loss = self._loss(raw, self.labels[rows], settings.resolution_at(epoch))
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            if settings.clip_norm is not None:
                nn.utils.clip_grad_norm_(self.module.parameters(), settings.clip_norm)
            self.optimizer.step()
            if self.after_step is not None:
                self.after_step()
            total += loss.detach()
            # Looking at a number waits for a graphics card: now and then is soon enough.
            if step % CHECKED_EVERY == 0 or step == len(batches) - 1:
                self._check(total, "the loss is", epoch)
            if progress is not None:
                done = epoch * len(batches) + step + 1
                progress("training", done, settings.epochs * len(batches))
        return float(total) / len(batches)

    def _check(self, tensor: Tensor, what: str, epoch: int) -> None:
        if tensor.isfinite().all():
            return
        kept = f"{self.checkpoint} stays at epoch {self.epochs_done}"
        raise TrainingError(
            f"training went astray: {what} infinite or no number in epoch {epoch + 1}; take a "
            "lower learning rate" + (f" ({kept})" if self.epochs_done else "")
        )

    def _loss(self, raw: Tensor, labels: Tensor, side: int) -> Tensor:
        settings = self.settings
        images = self.preprocessing.normalise(resize(raw, side))
        low = settings.precision == "bfloat16"
        with torch.autocast(images.device.type, torch.bfloat16, enabled=low):
            logits = self.module(images.contiguous(memory_format=torch.channels_last)).float()
        answer = None if self.teacher is None else self.teacher.answers(raw)
        loss = functional.cross_entropy(logits, labels)
        if answer is None:
            return loss
        heat = settings.temperature
        distance = functional.kl_div(
            (logits / heat).log_softmax(1), (answer / heat).softmax(1), reduction="batchmean"
        )
        share = settings.teacher_weight
        return (1 - share) * loss + share * heat**2 * distance

    @cached_property
    def _lesson(self) -> str:
        teacher = None if self.teacher is None else self.teacher.network
        return lesson_digest(self.images, self.labels, teacher)

    def _save(self) -> None:
        state = {
            "settings": asdict(self.settings),
            "lesson": self._lesson,
            "start": self.start,
            "epochs_done": self.epochs_done,
            "losses": self.losses,
            "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        with replacing(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def _resume(self) -> None:
        try:
            state: dict[str, Any] = torch.load(
                self.checkpoint, map_location=self.images.device, weights_only=True
            )
            settings = state["settings"]
        except Exception as error:
            raise WeightsError(f"cannot continue from {self.checkpoint}: {error}") from error
        settings = {**asdict(Settings()), **settings}
        differing = [key for key, value in asdict(self.settings).items() if settings[key] != value]
        if differing:
            raise self._foreign(f"another {', '.join(differing)}")
        if state.get("lesson", self._lesson) != self._lesson:  # older ones do not tell
            raise self._foreign("other images or another teacher")
        if state.get("start", self.start) != self.start:
            raise self._foreign("other starting weights")
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epochs_done, self.losses = state["epochs_done"], state["losses"]

    def _foreign(self, what: str) -> WeightsError:
        return WeightsError(
            f"{self.checkpoint} belongs to a run with {what}: train in another folder, or remove it"
        )


@torch.inference_mode()
def accuracy(
    module: nn.Module,
    images: Tensor,
    labels: Tensor,
    preprocessing: Preprocessing,
    resolution: int,
    batch: int = 100,
    precision: str = "float32",
) -> float:
    """Fraction of ``images [N, C, S, S]`` uint8 that a module in eval mode classifies rightly."""
    right = 0
    for raw, wanted in zip(torch.split(images, batch), torch.split(labels, batch), strict=True):
        small = preprocessing.normalise(resize(raw.float() / 255, resolution))
        with torch.autocast(small.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = module(small.contiguous(memory_format=torch.channels_last))
        right += int((logits.argmax(1) == wanted).sum())
    return right / len(labels)


def _parameter_groups(module: nn.Module, decay: float) -> list[dict[str, Any]]:
    vectors = [p for p in module.parameters() if p.dim() < 2]
    matrices = [p for p in module.parameters() if p.dim() >= 2]
    return [
        {"params": matrices, "weight_decay": decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
