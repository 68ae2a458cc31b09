"""Load-balance-aware pruning: every processing element keeps as many weights as the others.

Han et al., "ESE", FPGA 2017: elements that share a matrix wait for the one with most work, so each
element's block of rows is pruned by itself to the same density, where plain magnitude pruning takes
the largest weights of the whole matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hwenvs.errors import ArgumentError


def row_blocks(rows: int, elements: int, rows_at_once: int | None = None) -> Tensor:
    """The block ``[rows]`` that every row of a matrix belongs to.

    Args:
        rows: of the matrix.
        elements: processing elements; row ``i`` belongs to element ``i mod elements``.
        rows_at_once: rows of a pass, between which elements wait for one another; default: all.

    Raises:
        ArgumentError: if there are no elements, or passes do not divide among them.
    """
    if elements < 1 or (rows_at_once is not None and rows_at_once % elements):
        raise ArgumentError(f"{rows_at_once} rows at once do not divide among {elements} elements")
    row = torch.arange(rows)
    block = row % elements
    if rows_at_once is not None:
        block = block + row // rows_at_once * elements
    numbered: Tensor = torch.unique(block, return_inverse=True)[1]
    return numbered


def balanced(values: Tensor, density: float, blocks: Tensor) -> Tensor:
    """A mask of the largest of ``values [rows, columns]``: the same fraction of every block.

    Blocks of as many rows keep exactly as many entries, at least one.

    Args:
        values: what entries are worth.
        density: fraction of the entries that stay.
        blocks: the block of every row ``[rows]``, counted from 0.

    Raises:
        ArgumentError: if blocks and rows do not fit, or the density is no fraction above 0.
    """
    if values.dim() != 2 or blocks.shape != values.shape[:1]:
        raise ArgumentError(f"{tuple(blocks.shape)} blocks do not fit values {tuple(values.shape)}")
    if not 0 < density <= 1:
        raise ArgumentError(f"a density lies above 0 and not above 1, not at {density}")
    size = torch.bincount(blocks) * values.shape[1]
    count = (size.double() * density).round().clamp(min=1).long()
    of_entry = blocks.repeat_interleave(values.shape[1])
    falling = values.flatten().argsort(descending=True, stable=True)
    order = falling[of_entry[falling].argsort(stable=True)]
    rank = torch.arange(len(order)) - (size.cumsum(0) - size)[of_entry[order]]
    mask = torch.zeros(len(order), dtype=torch.bool)
    mask[order] = rank < count[of_entry[order]]
    return mask.view_as(values)


def block_thresholds(values: Tensor, density: float, blocks: Tensor) -> Tensor:
    """The smallest value ``[rows]`` that stays in the block of every row.

    Arguments and errors are those of :func:`balanced`.
    """
    kept = torch.where(balanced(values, density, blocks), values, torch.inf)
    least = kept.new_full((int(blocks.max()) + 1,), torch.inf)
    return least.scatter_reduce(0, blocks, kept.amin(1), "amin")[blocks]


def balance(mask: Tensor, blocks: Tensor) -> float:
    """Entries of the average block over those of the fullest: 1 when all have as much work.

    Args:
        mask: which entries ``[rows, columns]`` stay.
        blocks: the block of every row ``[rows]``.
    """
    work = torch.bincount(blocks, mask.sum(1).double())
    return float(work.mean() / work.max())
