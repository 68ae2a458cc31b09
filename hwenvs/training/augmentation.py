"""Random crops, flips and erased squares, for a whole batch at once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def augment(
    images: Tensor,
    generator: torch.Generator,
    padding: int = 4,
    erase: int = 8,
    mirror: bool = True,
) -> Tensor:
    """Every image shifted, mirrored with probability one half, and with one square erased.

    Args:
        images: ``[N, C, S, S]`` on any device.
        generator: on the CPU, so that a seed means the same everywhere.
        padding: largest shift in pixels; what moves in is 0.
        erase: side of the erased square in pixels (cutout; DeVries and Taylor, 2017); 0 for none.
        mirror: whether to mirror at all.
    """
    count, channels, side = len(images), images.shape[1], images.shape[2]

    def draw(high: int) -> Tensor:
        return torch.randint(high, (count, 1), generator=generator, device="cpu").to(images.device)

    span = torch.arange(side, device=images.device)
    rows, columns = draw(2 * padding + 1) + span, draw(2 * padding + 1) + span
    if mirror:
        columns = torch.where(draw(2).bool(), columns.flip(1), columns)
    padded = functional.pad(images, (padding, padding, padding, padding))
    each = torch.arange(count, device=images.device)[:, None, None, None]
    plane = torch.arange(channels, device=images.device)[None, :, None, None]
    shifted = padded[each, plane, rows[:, None, :, None], columns[:, None, None, :]]
    if erase:
        top, left = draw(side) - erase // 2, draw(side) - erase // 2
        inside_rows = (span >= top) & (span < top + erase)
        inside_columns = (span >= left) & (span < left + erase)
        hole = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]
        shifted = shifted.masked_fill(hole, 0)
    return shifted


def resize(images: Tensor, side: int) -> Tensor:
    """Images ``[N, C, S, S]`` at ``side`` x ``side`` pixels, bilinear."""
    if images.shape[2] == side:
        return images
    return functional.interpolate(
        images, size=(side, side), mode="bilinear", align_corners=False, antialias=True
    )
