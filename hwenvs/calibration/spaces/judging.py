"""What architectures of a supernet get right: batch norms estimated anew, then real images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from hwenvs.calibration.images import Preprocessing
from hwenvs.compression.folding import fold
from hwenvs.compression.norms import estimate_norms
from hwenvs.networks.modules import TableModule


def preprocess(pixels: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Images ``[N, C, R, R]`` ready for a network, of ``pixels`` uint8 of the same size."""
    images = preprocessing.normalise(pixels.float() / 255)
    return images.contiguous(memory_format=torch.channels_last)


def logits_of(module: TableModule, seen: Tensor, images: Tensor) -> Tensor:
    """Logits ``[N, classes]`` of ``images`` by ``module``, its norms estimated on ``seen``."""
    module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    estimate_norms(module, seen)
    with torch.inference_mode():
        return fold(module)(images)


def accuracy_of(module: TableModule, seen: Tensor, images: Tensor, labels: Tensor) -> float:
    """Fraction of ``images`` that ``module`` gets right, its norms estimated on ``seen``."""
    return float((logits_of(module, seen, images).argmax(1) == labels).double().mean())


def judge(module: TableModule, seen: Tensor, images: Tensor, labels: Tensor) -> Tensor:
    """[2, N] whether each image is got right, and its cross-entropy in nats, float64.

    The cross-entropy is less a matter of luck.
    """
    logits = logits_of(module, seen, images)
    right = (logits.argmax(1) == labels).double()
    return torch.stack([right, functional.cross_entropy(logits.double(), labels, reduction="none")])
