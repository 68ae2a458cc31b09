"""Random pixels of feature maps: outputs to be matched and the input patches behind them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hwenvs.networks.base import Layer


@dataclass(frozen=True)
class SamplePoints:
    """Random output pixels of a layer, the same number in every image.

    Attributes:
        rows, columns: ``[images, points]`` int64.
    """

    rows: Tensor
    columns: Tensor

    @classmethod
    def draw(cls, images: int, points: int, size: int, generator: torch.Generator) -> SamplePoints:
        """``min(points, size**2)`` distinct pixels for each of ``images`` images."""
        count = min(points, size * size)
        keys = torch.rand(images, size * size, generator=generator, device=generator.device)
        flat = keys.topk(count, dim=1).indices.to(torch.get_default_device())
        return cls(flat // size, flat % size)

    def of(self, images: slice) -> SamplePoints:
        """The pixels of some of the images."""
        return SamplePoints(self.rows[images], self.columns[images])

    def outputs(self, maps: Tensor) -> Tensor:
        """Values ``[images * points, channels]`` of ``maps [images, channels, size, size]``."""
        index = torch.arange(len(maps))[:, None]
        return maps[index, :, self.rows, self.columns].flatten(0, 1).float()

    def patches(self, layer: Layer, maps: Tensor) -> Tensor:
        """Inputs ``[images * points, taps, channels]`` behind the sampled outputs.

        ``maps`` is the layer's input before symmetric padding (after asymmetric padding).
        """
        pad = max(layer.padding, 0)
        taps = torch.arange(layer.kernel)
        index = torch.arange(len(maps))[:, None, None, None]
        rows = (self.rows * layer.stride)[:, :, None, None] + taps[:, None] - pad
        columns = (self.columns * layer.stride)[:, :, None, None] + taps[None, :] - pad
        height, width = maps.shape[2:]
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        patch = maps.permute(0, 2, 3, 1)[
            index, rows.clamp(0, height - 1), columns.clamp(0, width - 1)
        ]
        patch = patch.flatten(2, 3).flatten(0, 1).float()
        return patch if not pad else patch * inside.flatten(2, 3).flatten(0, 1)[:, :, None]
