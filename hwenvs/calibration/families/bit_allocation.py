"""Bit allocation on real networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwenvs.calibration.families.base import Designs, Floats, LibraryFamily
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.quantization import CORRECTION_IMAGES, QuantizedLibrary
from hwenvs.compression.quantized import QuantizedNetwork
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.networks import FULL_PRECISION, BitGroup, Group, Network, bit_groups

WEIGHTS = {
    "sequential": (
        "re-fitted layer by layer to the full network's outputs, then rounded, each rounding error "
        "made up for in later columns through the inverse Gram matrix of the inputs"
    ),
    "independent": (
        "rounded, each rounding error made up for in later columns through the inverse Gram matrix "
        "of the full network's inputs"
    ),
    "none": "rounded to the nearest level",
}
"""What the recipe's methods do to weights, for the card."""

LEVELS = {
    "linear": "per channel, symmetric",
    "codebook": "on the values of a k-means codebook a layer (linear start)",
}
"""What the recipe's levels are, for the card."""


class BitAllocation(LibraryFamily[QuantizedLibrary]):
    """Weights and activations of layers are rounded to few bits."""

    name = "bit_allocation"
    cost = "bit operations (MACs x weight bits x activation bits)"
    spread = (0.12, 0.8)
    # A few whole bits: less noise would leave all designs at a budget much the same.
    variety = (0.2, 0.7)

    def __init__(self) -> None:
        super().__init__(QuantizedLibrary)

    def groups(self, network: Network) -> tuple[BitGroup, ...]:
        """The bit groups."""
        return bit_groups(network)

    def share(self, network: Network, designs: Designs) -> Floats:
        """Fraction of the bit operations of the 8-bit network."""
        decided = {group.layer for group in bit_groups(network)}
        macs = np.array([layer.macs for layer in network.layers if layer.name in decided])
        fixed = network.macs - macs.sum()
        bits = (designs[:, 0::2] * designs[:, 1::2]) / FULL_PRECISION**2
        share: Floats = (fixed + (bits * macs).sum(1)) / network.macs
        return share

    def counts(self, group: Group) -> list[int]:  # noqa: ARG002
        """All bit widths below 8."""
        return list(range(1, FULL_PRECISION))

    def prepare(self, reference: Reference) -> None:
        """Rounds every layer to every bit width."""
        library = self.library(reference)
        for layer in reference.folded.network.layers:
            for bits in range(1, FULL_PRECISION + 1):
                library.weight(layer.name, bits)
                library.grid(layer.name, bits)
        _ = library.whole

    def whole(self, reference: Reference) -> QuantizedNetwork:
        """The network with 8 bits everywhere."""
        return self.library(reference).whole

    def compress(self, reference: Reference, design: Sequence[int]) -> FoldedNetwork:
        """See :class:`hwenvs.compression.quantized.QuantizedLibrary`."""
        return self.library(reference).network(design)

    def alone(self, reference: Reference, index: int, count: int) -> FoldedNetwork:
        """Weights or activations of one layer at ``count`` bits, all others at 8."""
        return self.library(reference).alone(index, count)

    def about(self, recipe: Recipe) -> str:
        """The method in words."""
        return (
            f"weights {LEVELS[recipe.levels]}, {WEIGHTS[recipe.method]} ({recipe.points} pixels "
            "per image); activations per tensor, affine; both clipped for the least squared error; "
            f"biases corrected on {CORRECTION_IMAGES} images; forward passes in "
            f"{recipe.precision}; no fine-tuning"
        )
