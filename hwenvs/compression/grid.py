"""Evenly spaced levels: what linear quantization rounds to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """Levels ``scale * (q + offset)`` for whole ``q`` from ``low`` to ``high``.

    All parts are ``[R, 1]`` for rows of values, one grid a row, or scalars for one grid.

    Attributes:
        scale: distance between levels.
        offset: minus the zero point; one half where there are two levels without a zero.
        low, high: smallest and largest ``q``.
    """

    scale: Tensor
    offset: Tensor
    low: Tensor
    high: Tensor

    @classmethod
    def between(cls, low: Tensor, high: Tensor, bits: Tensor, symmetric: bool) -> Grid:
        """The grid of ``2**bits`` levels from ``low`` to ``high``.

        Symmetric grids leave one level unused, so that 0 is in the middle; at one bit they have
        the two levels ``-high`` and ``high``.  Affine grids shift, so that 0 is a level.

        Args:
            low: smallest level, at most 0.
            high: largest level, above 0.
            bits: whole numbers from 1 on, shaped like ``low`` or scalar.
            symmetric: whether ``low == -high``.
        """
        bits = bits.expand_as(high)
        if symmetric:
            binary = bits == 1
            most = (torch.pow(2.0, bits - 1) - 1).clamp(min=1.0)
            scale = torch.where(binary, 2.0 * high, high / most)
            offset = binary.to(scale) / 2
            return cls(scale, offset, -most, torch.where(binary, 0.0, most))
        most = torch.pow(2.0, bits) - 1
        scale = (high - low) / most
        return cls(scale, -(-low / scale).round(), torch.zeros_like(most), most)

    def __call__(self, values: Tensor) -> Tensor:
        """``values`` rounded to the nearest level."""
        whole = torch.round(values / self.scale - self.offset)
        whole = torch.minimum(torch.maximum(whole, self.low), self.high)
        return (whole + self.offset) * self.scale

    def rows(self, chosen: slice) -> Grid:
        """The grids of some of the rows."""
        return Grid(self.scale[chosen], self.offset[chosen], self.low[chosen], self.high[chosen])

    def column(self, values: Tensor) -> Tensor:
        """The same for one value a row, ``[R]``."""
        return self(values[:, None])[:, 0]
