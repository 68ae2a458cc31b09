"""Rounds the weights of one layer to any bit width."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hwenvs.compression.codebooks import CodebookLevels, fit_codebook
from hwenvs.compression.compensation import compensate, compensate_rows
from hwenvs.compression.grid import Grid
from hwenvs.compression.least_squares import from_rows, weight_rows
from hwenvs.compression.quantized import WIDTHS
from hwenvs.compression.quantizers import linear_grid
from hwenvs.networks.base import Layer


def linear_levels(layer: Layer, weight: Tensor, clipping: str) -> Grid:
    """Evenly spaced levels at every width, a grid per output channel: rows by width, then channel.

    Args:
        layer: the layer.
        weight: its full weights.
        clipping: how ranges are chosen, a name of :data:`hwenvs.compression.clipping.CLIPPINGS`.
    """
    rows = weight_rows(layer, weight).repeat(len(WIDTHS), 1)
    bits = torch.tensor(WIDTHS).repeat_interleave(len(weight))
    return linear_grid(rows, bits, clipping=clipping)


def codebook_levels(layer: Layer, weight: Tensor, clipping: str) -> CodebookLevels:  # noqa: ARG001
    """The values of one k-means codebook a width, which all channels share (Deep Compression).

    Arguments are those of :func:`linear_levels`; nothing is clipped.
    """
    return CodebookLevels.stacked([fit_codebook(weight, b).values for b in WIDTHS], len(weight))


LEVELS: dict[str, Callable[[Layer, Tensor, str], Grid | CodebookLevels]] = {
    "linear": linear_levels,
    "codebook": codebook_levels,
}
"""What weights are rounded to, by the recipe's name for it."""


class LayerRounder:
    """One layer's levels at all :data:`~hwenvs.compression.quantized.WIDTHS`.

    Args:
        layer: the layer.
        weight: its full weights, which the levels are chosen for.
        clipping: how ranges are chosen, a name of :data:`hwenvs.compression.clipping.CLIPPINGS`.
        levels: a name of :data:`LEVELS`.
    """

    def __init__(
        self, layer: Layer, weight: Tensor, clipping: str = "mse", levels: str = "linear"
    ) -> None:
        self.layer, self.weight = layer, weight
        self._grid = LEVELS[levels](layer, weight, clipping)

    def everywhere(self, factor: Tensor | None) -> list[Tensor]:
        """The full weights at every width: one pass over the columns, widths stacked as rows."""
        rows = weight_rows(self.layer, self.weight).repeat(len(WIDTHS), 1)
        if factor is not None and factor.dim() == 3:
            factor = factor.repeat(len(WIDTHS), 1, 1)
        return [
            from_rows(self.layer, part)
            for part in _settle(rows, self._grid, factor).chunk(len(WIDTHS))
        ]

    def at(self, bits: int, weight: Tensor, factor: Tensor | None) -> Tensor:
        """``weight`` at ``bits`` bits, in the layer's shape.

        Args:
            bits: bit width.
            weight: weights close to the full ones.
            factor: upper Cholesky factor of the inverse Gram matrix of the inputs, ``[d, d]``, or
                ``[channels, taps, taps]`` for depthwise layers; None rounds plainly.
        """
        count = len(self.weight)
        part = slice(WIDTHS.index(bits) * count, (WIDTHS.index(bits) + 1) * count)
        grid = self._grid.rows(part)
        return from_rows(self.layer, _settle(weight_rows(self.layer, weight), grid, factor))


@torch.inference_mode()
def _settle(rows: Tensor, grid: Grid | CodebookLevels, factor: Tensor | None) -> Tensor:
    if factor is None:
        return grid(rows)

    def settle(values: Tensor, column: int) -> Tensor:  # noqa: ARG001
        return grid.column(values)

    return (compensate if factor.dim() == 2 else compensate_rows)(rows, factor, settle)
