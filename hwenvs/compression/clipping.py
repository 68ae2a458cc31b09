"""Where to cut off what is quantized: min-max, percentile, least squared error, least divergence.

All functions take rows ``[R, n]``, each of which gets a range of its own, and return the ends
``low [R, 1]`` and ``high [R, 1]``; 0 always lies between them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hwenvs.compression.grid import Grid

Range = tuple[Tensor, Tensor]

FRACTIONS = 64
"""Ranges that are tried between nothing and the extremes."""

PERCENTILE = 0.999
"""Fraction of the values that a percentile range covers, at each end that it cuts."""

BINS = 2048
"""Bins of the histograms whose divergence is compared (NVIDIA's calibration uses as many)."""


def minmax(rows: Tensor, bits: Tensor, symmetric: bool) -> Range:  # noqa: ARG001
    """The extremes."""
    low = rows.amin(1, keepdim=True).clamp(max=0.0)
    high = rows.amax(1, keepdim=True).clamp(min=0.0)
    if symmetric:
        high = torch.maximum(high, -low)
        low = -high
    return low, high.clamp(min=1e-12)


def percentile(rows: Tensor, bits: Tensor, symmetric: bool) -> Range:
    """The range that all but a thousandth of the values lie in, at each end."""
    low, high = minmax(rows, bits, symmetric)
    values = rows.abs() if symmetric else rows
    top = _quantile(values, PERCENTILE).clamp(min=1e-12)
    if symmetric:
        return -top, top
    bottom = _quantile(values, 1.0 - PERCENTILE).clamp(max=0.0)
    return torch.maximum(low, bottom), torch.minimum(high, top)


def least_squares(rows: Tensor, bits: Tensor, symmetric: bool) -> Range:
    """The range, among fractions of the extremes, with the least squared rounding error."""
    low, high = minmax(rows, bits, symmetric)
    best = torch.full_like(high, torch.inf)
    chosen = high.clone() / high
    for step in range(FRACTIONS, 0, -1):
        fraction = step / FRACTIONS
        grid = Grid.between(low * fraction, high * fraction, bits, symmetric)
        error = (grid(rows) - rows).square().sum(1, keepdim=True)
        better = error < best
        best = torch.where(better, error, best)
        chosen = torch.where(better, fraction, chosen)
    return low * chosen, high * chosen


def least_divergence(rows: Tensor, bits: Tensor, symmetric: bool) -> Range:
    """The range whose quantized histogram diverges least from the original one (HAQ's choice).

    The histogram of magnitudes is clipped at a threshold, its tail added to the last bin, merged
    into as many bins as there are levels and spread out again evenly over the bins that were not
    empty; the KL divergence between the two is compared over thresholds.
    """
    low, high = minmax(rows, bits, symmetric)
    sides = torch.full_like(high, 2.0) if symmetric else 1.0 + (low < 0).to(high)
    levels = (torch.pow(2.0, bits) / sides).clamp(min=1.0)
    if bool((levels > BINS).all()):  # nothing would be merged: all loss would be the tail's
        return low, high
    top = torch.maximum(high, -low)
    index = (rows.abs() / top * BINS).long().clamp(max=BINS - 1)
    counts = rows.new_zeros(len(rows), BINS).scatter_add_(1, index, torch.ones_like(rows))
    # Zeros are exact on every grid, and so many behind a ReLU that nothing else would count.
    counts[:, 0] = torch.minimum(counts[:, 0], counts[:, 1])
    best, chosen = torch.full_like(high, torch.inf), torch.ones_like(high)
    for step in range(FRACTIONS, 0, -1):
        kept = BINS * step // FRACTIONS
        divergence = _clipped_divergence(counts, kept, levels)
        # With no more bins than levels nothing would be merged: all loss would be the tail's.
        better = (divergence < best) & (kept >= levels)
        best = torch.where(better, divergence, best)
        chosen = torch.where(better, kept / BINS, chosen)
    limit = top * chosen
    return torch.maximum(low, -limit), torch.minimum(high, limit)


def _clipped_divergence(counts: Tensor, kept: int, levels: Tensor) -> Tensor:
    """KL divergence ``[R, 1]`` of histograms ``[R, BINS]`` cut at ``kept`` bins and quantized."""
    clipped = counts[:, :kept].clone()
    clipped[:, -1] += counts[:, kept:].sum(1)
    group = (torch.arange(kept)[None, :] * levels / kept).long()
    width = int(group.max()) + 1
    filled = (counts[:, :kept] > 0).to(counts)
    sums = counts.new_zeros(len(counts), width).scatter_add_(1, group, counts[:, :kept])
    cells = counts.new_zeros(len(counts), width).scatter_add_(1, group, filled)
    spread = (sums / cells.clamp(min=1.0)).gather(1, group) * filled
    p = clipped / clipped.sum(1, keepdim=True)
    q = (spread / spread.sum(1, keepdim=True).clamp(min=1e-12)).clamp(min=1e-9)
    return torch.where(p > 0, p * (p.clamp(min=1e-12) / q).log(), 0.0).sum(1, keepdim=True)


def _quantile(values: Tensor, fraction: float) -> Tensor:
    rank = max(1, round(fraction * values.shape[1]))
    return values.kthvalue(rank, dim=1, keepdim=True).values


CLIPPINGS: dict[str, Callable[[Tensor, Tensor, bool], Range]] = {
    "minmax": minmax,
    "percentile": percentile,
    "mse": least_squares,
    "kl": least_divergence,
}
"""Ways to choose a range, by name."""
