"""Fine-grained pruning of real networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwenvs.calibration.families.base import Designs, Floats, LibraryFamily
from hwenvs.compression.fine_grained import SparseLibrary
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.networks import PERCENT, Group, Network, WeightGroup, weight_groups


class FineGrainedPruning(LibraryFamily[SparseLibrary]):
    """Single weights of layers are set to zero."""

    name = "fine_grained_pruning"
    cost = "weights"
    spread = (0.1, 0.6)
    step = 5
    """Percents between the densities of joint designs."""

    def __init__(self) -> None:
        super().__init__(SparseLibrary)

    def groups(self, network: Network) -> tuple[WeightGroup, ...]:
        """The weight groups."""
        return weight_groups(network)

    def share(self, network: Network, designs: Designs) -> Floats:
        """Fraction of the weights that are not zero."""
        weights = np.array([network.layer(g.name).weights for g in weight_groups(network)])
        total = sum(layer.weights for layer in network.layers)
        share: Floats = 1.0 - ((PERCENT - designs) * weights).sum(1) / (PERCENT * total)
        return share

    def counts(self, group: Group) -> list[int]:  # noqa: ARG002
        """Densities in percent; finer where the divergence bends most."""
        return [5, 10, 15, 20, 30, 40, 50, 60, 80]

    def prepare(self, reference: Reference) -> None:
        """Prunes every layer to every density of joint designs."""
        library = self.library(reference)
        for group in weight_groups(reference.folded.network):
            for percent in range(self.step, PERCENT, self.step):
                library.weight(group, percent)

    def compress(self, reference: Reference, design: Sequence[int]) -> FoldedNetwork:
        """See :class:`hwenvs.compression.fine_grained.SparseLibrary`."""
        return self.library(reference).network(design)

    def alone(self, reference: Reference, index: int, count: int) -> FoldedNetwork:
        """One layer at ``count`` percent."""
        groups = weight_groups(reference.folded.network)
        design = [count if t == index else PERCENT for t in range(len(groups))]
        return self.library(reference).network(design)

    def about(self, recipe: Recipe) -> str:
        """The method in words."""
        return (
            "every layer by itself, one threshold a layer; each weight that goes is made up for "
            f"through the inverse Gram matrix of {recipe.points} pixels per image; forward passes "
            f"in {recipe.precision}; no fine-tuning"
        )
