"""Linear quantizers of weights and activations."""

from __future__ import annotations

import torch
from torch import Tensor

from hwenvs.compression.clipping import CLIPPINGS
from hwenvs.compression.grid import Grid
from hwenvs.errors import ArgumentError, unknown_name

FLOAT_BITS = 32
"""At and above this width values stay as they are."""


def linear_grid(
    values: Tensor,
    bits: int | Tensor,
    *,
    symmetric: bool = True,
    per_channel: bool = True,
    clipping: str = "mse",
) -> Grid:
    """The levels for ``values``.

    Args:
        values: ``[R, n]``: rows share nothing if ``per_channel``, else all share one grid.
        bits: whole number from 1 on, or one a row, ``[R]``.
        symmetric: whether levels lie symmetrically around 0; else they may shift.
        per_channel: whether every row gets a grid of its own.
        clipping: a name of :data:`hwenvs.compression.clipping.CLIPPINGS`.

    Raises:
        ArgumentError: if the bits are not whole numbers from 1 to 31, or values are missing, NaN or
            infinite.
        UnknownNameError: if there is no such clipping.
    """
    if clipping not in CLIPPINGS:
        raise unknown_name("clipping", clipping, CLIPPINGS)
    width = torch.as_tensor(bits, dtype=torch.float32).reshape(-1, 1)
    if (width < 1).any() or (width >= FLOAT_BITS).any() or (width != width.round()).any():
        raise ArgumentError(f"bits must be whole numbers from 1 to {FLOAT_BITS - 1}, not {bits}")
    rows = values if per_channel else values.reshape(1, -1)
    rows = rows.float()
    if rows.dim() != 2 or not rows.numel() or not bool(rows.isfinite().all()):
        raise ArgumentError(
            f"values must be rows [R, n] of finite numbers, not {list(values.shape)} with "
            f"{int((~values.isfinite()).sum())} NaN or infinite"
        )
    width = width.expand(len(rows), 1)
    low, high = CLIPPINGS[clipping](rows, width, symmetric)
    return Grid.between(low, high, width, symmetric)


def quantize(
    values: Tensor,
    bits: int,
    *,
    symmetric: bool = True,
    per_channel: bool = True,
    clipping: str = "mse",
) -> Tensor:
    """``values [R, n]`` rounded to ``bits`` bits; 32 bits and more leave them alone.

    Arguments and errors are those of :func:`linear_grid`.
    """
    if bits >= FLOAT_BITS:
        return values
    grid = linear_grid(
        values, bits, symmetric=symmetric, per_channel=per_channel, clipping=clipping
    )
    return grid(values)
