"""Codebooks: weights that share a few values, found by k-means (Deep Compression, ICLR 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hwenvs.errors import ArgumentError, unknown_name

CODE_BITS = 32
"""Bits of a codebook's entry."""


@dataclass(frozen=True)
class Codebook:
    """Shared values and which weight uses which.

    Attributes:
        values: ``[K]`` shared values, ascending.
        codes: index of the value of each weight, in the shape of the weights.
    """

    values: Tensor
    codes: Tensor

    def __call__(self) -> Tensor:
        """The weights."""
        return self.values[self.codes]

    @property
    def stored_bits(self) -> int:
        """Bits of the codes at a fixed width, and of the codebook."""
        width = max(1, (len(self.values) - 1).bit_length())
        return width * self.codes.numel() + CODE_BITS * len(self.values)


def nearest(values: Tensor, weights: Tensor) -> Tensor:
    """``weights``, any shape, moved to the nearest of the ascending ``values [K]``."""
    return values[torch.bucketize(weights.contiguous(), (values[:-1] + values[1:]) / 2)]


@dataclass(frozen=True)
class CodebookLevels:
    """Levels of rows of weights, a codebook a row; what :class:`~hwenvs.compression.grid.Grid` is
    to evenly spaced ones.

    Attributes:
        values: ``[R, K]`` ascending; codebooks with fewer values repeat the last one.
        edges: ``[R, K - 1]`` the middles between them.
    """

    values: Tensor
    edges: Tensor

    @classmethod
    def stacked(cls, books: Sequence[Tensor], rows: int) -> CodebookLevels:
        """Every codebook ``[K]`` of ``books`` for ``rows`` rows, one after the other."""
        most = max(map(len, books))
        filled = [torch.cat([book, book[-1:].expand(most - len(book))]) for book in books]
        values = torch.stack(filled).repeat_interleave(rows, 0)
        return cls(values, (values[:, :-1] + values[:, 1:]) / 2)

    def __call__(self, weights: Tensor) -> Tensor:
        """``weights [R, d]`` moved to the nearest level of their row."""
        return self.values.gather(1, torch.searchsorted(self.edges, weights.contiguous()))

    def rows(self, chosen: slice) -> CodebookLevels:
        """The levels of some of the rows."""
        return CodebookLevels(self.values[chosen], self.edges[chosen])

    def column(self, weights: Tensor) -> Tensor:
        """The same for one weight a row, ``[R]``."""
        return self(weights[:, None])[:, 0]


def linear_start(values: Tensor, count: int, seed: int) -> Tensor:  # noqa: ARG001
    """Evenly spaced between the extremes: large weights, which matter, get centroids of their own.

    Deep Compression's choice.
    """
    return torch.linspace(float(values.min()), float(values.max()), count, dtype=values.dtype)


def density_start(values: Tensor, count: int, seed: int) -> Tensor:  # noqa: ARG001
    """Evenly spaced in the cumulative distribution: centroids crowd where weights do."""
    ranks = (torch.arange(count) + 0.5) / count * (len(values) - 1)
    return values.sort().values[ranks.round().long()]


def random_start(values: Tensor, count: int, seed: int) -> Tensor:
    """``count`` random weights (Forgy)."""
    generator = torch.Generator().manual_seed(seed)
    return values[torch.randperm(len(values), generator=generator)[:count]]


STARTS: dict[str, Callable[[Tensor, int, int], Tensor]] = {
    "linear": linear_start,
    "density": density_start,
    "random": random_start,
}
"""Where k-means starts, by name."""


def fit_codebook(
    weight: Tensor, bits: int, start: str = "linear", steps: int = 50, seed: int = 0
) -> Codebook:
    """The codebook of ``2**bits`` values (fewer if there are fewer weights) for ``weight``.

    One-dimensional k-means: weights are sorted once, and a step costs one bisection per centroid.

    Args:
        weight: any shape.
        bits: whole number from 1 to 16.
        start: a name of :data:`STARTS`.
        steps: most iterations; it stops when no centroid moves.
        seed: of ``start="random"``.

    Raises:
        ArgumentError: if the bits are out of range, or weights are missing, NaN or infinite.
        UnknownNameError: if there is no such start.
    """
    if start not in STARTS:
        raise unknown_name("codebook start", start, STARTS)
    if not 1 <= bits <= 16 or int(bits) != bits:
        raise ArgumentError(f"codebooks have 1 to 16 bits, not {bits}")
    values = weight.detach().flatten().float()
    if not len(values) or not bool(values.isfinite().all()):
        raise ArgumentError("a codebook is of one finite weight or more, none NaN or infinite")
    ordered = values.sort().values
    count = min(2**bits, len(values))
    centroids = STARTS[start](values, count, seed).sort().values
    sums = torch.cat([torch.zeros(1, dtype=torch.float64), ordered.double().cumsum(0)])
    for _ in range(steps):
        edges = torch.searchsorted(ordered, (centroids[:-1] + centroids[1:]) / 2)
        edges = torch.cat([torch.zeros(1, dtype=torch.long), edges, torch.tensor([len(values)])])
        sizes = edges.diff()
        means = (sums[edges[1:]] - sums[edges[:-1]]) / sizes.clamp(min=1)
        moved = torch.where(sizes > 0, means.float(), centroids)
        if torch.equal(moved, centroids):
            break
        centroids = moved
    codes = torch.bucketize(values, (centroids[:-1] + centroids[1:]) / 2)
    return Codebook(centroids, codes.view(weight.shape))
