"""Second-order compensation: what one weight loses, later weights of its row make up for.

A layer's squared output error under a change ``e`` of a row of weights is ``e' G e`` with the Gram
matrix ``G`` of its inputs.  Weights are settled column by column; with the upper Cholesky factor
``U`` of ``G``'s inverse, the error of column ``j`` spreads over the later ones as
``(w_j - settled) / U_jj * U_j,j+1:`` (optimal brain surgeon; Frantar et al., "GPTQ", ICLR 2023).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hwenvs.compression.least_squares import MomentMatrices

BLOCK = 128
"""Columns whose errors reach later columns in one product."""

DAMPING = 0.01
"""Added to the diagonal of the Gram matrix, relative to its mean (GPTQ's choice)."""

Settle = Callable[[Tensor, int], Tensor]
"""Receives the values ``[rows]`` of a column and its number; returns what they become."""


def inverse_factor(moments: MomentMatrices, damping: float = DAMPING) -> Tensor:
    """Upper Cholesky factor ``[d, d]`` of the inverse Gram matrix of the inputs, float32.

    The bias makes up for mean inputs, so inputs count from their means.

    Args:
        moments: of the layer's sampled inputs, with a constant 1 as the last.
        damping: added to the diagonal, relative to its mean.
    """
    mean = moments.gram[:-1, -1]
    return factor_of(moments.gram[:-1, :-1] - torch.outer(mean, mean), damping)


def factor_of(gram: Tensor, damping: float = DAMPING) -> Tensor:
    """Upper Cholesky factor of the inverse of ``gram [..., d, d]`` (float64), float32."""
    diagonal = gram.diagonal(dim1=-2, dim2=-1)
    energy = diagonal.mean(-1, keepdim=True).clamp(min=1e-12)
    damped = gram + torch.diag_embed((damping * energy).expand_as(diagonal))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    factor: Tensor = torch.linalg.cholesky(inverse, upper=True)
    return factor.float()


@torch.inference_mode()
def compensate(weight: Tensor, factor: Tensor, settle: Settle) -> Tensor:
    """``weight [rows, d]`` after every column was settled and its error spread over later ones.

    Args:
        weight: rows of weights; not changed.
        factor: upper Cholesky factor of the inverse Gram matrix, ``[d, d]``, shared by all rows.
        settle: what the values of a column become.
    """
    weight = weight.clone()
    for start in range(0, weight.shape[1], BLOCK):
        stop = min(start + BLOCK, weight.shape[1])
        part, local = weight[:, start:stop], factor[start:stop, start:stop]
        errors = torch.empty_like(part)
        for column in range(stop - start):
            values = part[:, column]
            settled = settle(values, start + column)
            error = (values - settled) / local[column, column]
            part[:, column] = settled
            part[:, column + 1 :] -= torch.outer(error, local[column, column + 1 :])
            errors[:, column] = error
        weight[:, stop:] -= errors @ factor[start:stop, stop:]
    return weight


@torch.inference_mode()
def compensate_rows(weight: Tensor, factor: Tensor, settle: Settle) -> Tensor:
    """The same where every row has inputs of its own, as in depthwise layers.

    Args:
        weight: ``[rows, d]``; not changed.
        factor: ``[rows, d, d]``.
        settle: what the values of a column become.
    """
    weight = weight.clone()
    for column in range(weight.shape[1]):
        values = weight[:, column].clone()
        settled = settle(values, column)
        error = (values - settled) / factor[:, column, column]
        weight[:, column] = settled
        weight[:, column + 1 :] -= error[:, None] * factor[:, column, column + 1 :]
    return weight
