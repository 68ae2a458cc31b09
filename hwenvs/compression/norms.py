"""Batch norms whose statistics are estimated anew, for weights trained in other company."""

from __future__ import annotations

import torch
from torch import Tensor, nn

IMAGES_AT_A_TIME = 64
"""They stay in cache, and their mean is near that of all."""


@torch.no_grad()
def estimate_norms(module: nn.Module, images: Tensor, batch: int = IMAGES_AT_A_TIME) -> None:
    """Replaces the mean and variance of every batch norm by those over ``images``.

    Means and variances of the batches are averaged, each layer seeing what the layers before it
    make of these very images; the module is in evaluation mode afterwards.

    Args:
        module: accepts ``images``.
        images: ``[N, C, H, W]``, normalised; the last, smaller batch is left out.
        batch: images at a time.
    """
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over all batches
    module.train()
    for part in torch.split(images, batch):
        if len(part) == min(batch, len(images)):
            module(part)
    module.eval()
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
