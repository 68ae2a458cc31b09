"""Deep Compression of real networks: densities and codebooks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwenvs.calibration.families.base import Designs, Floats, LibraryFamily
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.compression.shared import SharedLibrary
from hwenvs.hardware import Workload, get_hardware
from hwenvs.networks import (
    CODEBOOK_BITS,
    FLOAT_BITS,
    PERCENT,
    Group,
    Network,
    StorageGroup,
    storage_groups,
)


class DeepCompression(LibraryFamily[SharedLibrary]):
    """Weights of layers are pruned, and the others share the values of a codebook."""

    name = "deep_compression"
    cost = "bytes"
    spread = (0.02, 0.2)
    variety = (0.05, 0.4)

    def __init__(self) -> None:
        super().__init__(SharedLibrary)

    def groups(self, network: Network) -> tuple[StorageGroup, ...]:
        """The storage groups."""
        return storage_groups(network)

    def snap(self, designs: Designs) -> Designs:
        """Codebooks have at most 8 bits; above, every weight keeps its value."""
        bits = designs[..., 1::2]
        large = np.where(
            bits < (CODEBOOK_BITS[-1] + FLOAT_BITS) // 2, CODEBOOK_BITS[-1], FLOAT_BITS
        )
        snapped = designs.copy()
        snapped[..., 1::2] = np.where(bits > CODEBOOK_BITS[-1], large, bits)
        return snapped

    def share(self, network: Network, designs: Designs) -> Floats:
        """Fraction of the bytes of the float32 network, before Huffman coding."""
        model = get_hardware("storage")
        designs = np.maximum(designs, 1)  # searches try one step below what there is
        workload = Workload.make(
            network.layers,
            batch=len(designs),
            weight_density=designs[:, 0::2] / PERCENT,
            weight_bits=designs[:, 1::2],
        )
        full = model.cost(Workload.of(network))["size"][0]
        share: Floats = model.cost(workload)["size"] / full
        return share

    def counts(self, group: Group) -> list[int]:
        """Densities in percent, finer where the divergence bends most; all codebooks."""
        if isinstance(group, StorageGroup) and group.second:
            return list(CODEBOOK_BITS)
        return [2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 80]

    def best(self, network: Network, values: Sequence[Floats], budget: float) -> Designs | None:
        """The best design under the lowest price per byte that the budget needs.

        A layer's bytes are the product of its two decisions, which step by step no search finds.
        """
        bits = np.array([*CODEBOOK_BITS, FLOAT_BITS])
        pairs = []
        for at, layer in enumerate(network.layers):
            density = np.flatnonzero(np.isfinite(values[2 * at]))
            grid = np.array(np.meshgrid(density, bits, indexing="ij")).reshape(2, -1)
            workload = Workload.single(
                layer,
                np.full(grid.shape[1], layer.in_channels),
                np.full(grid.shape[1], layer.channels),
                weight_density=grid[0] / PERCENT,
                weight_bits=grid[1],
            )
            size = get_hardware("storage").layer_costs(workload)["size"][:, 0]
            pairs.append((grid, values[2 * at][grid[0]] + values[2 * at + 1][grid[1]], size))
        best = None
        for price in np.geomspace(1e3, 1e-12, 400):
            chosen = [grid[:, np.argmin(lost + price * size)] for grid, lost, size in pairs]
            design = np.concatenate(chosen).astype(np.int64)
            if self.share(network, design[None])[0] > budget:
                break
            best = design
        return best

    def prepare(self, reference: Reference) -> None:
        """Factors the Gram matrices of all layers."""
        library = self.library(reference)
        for layer in reference.folded.network.layers:
            library.weight(layer.name, 50, CODEBOOK_BITS[-1])

    def compress(self, reference: Reference, design: Sequence[int]) -> FoldedNetwork:
        """See :class:`hwenvs.compression.shared.SharedLibrary`."""
        return self.library(reference).network(design)

    def alone(self, reference: Reference, index: int, count: int) -> FoldedNetwork:
        """One layer at ``count`` percent, or with a codebook of ``count`` bits."""
        groups = storage_groups(reference.folded.network)
        design = [count if t == index else group.channels for t, group in enumerate(groups)]
        return self.library(reference).network(design)

    def extras(self, reference: Reference) -> dict[str, np.ndarray]:
        """Bytes of every layer's encoded weights, for :class:`hwenvs.hardware.storage`."""
        layers = reference.folded.network.layers
        library = self.library(reference)
        return {
            "encoded_layers": np.array([layer.name for layer in layers]),
            "encoded_bytes": np.stack([library.encoded(layer.name) for layer in layers]),
        }

    def about(self, recipe: Recipe) -> str:
        """The method in words."""
        evenly = ""
        if recipe.elements is not None:
            evenly = f"to one density in the rows of each of {recipe.elements} elements, "
        return (
            f"every layer pruned by itself, {evenly}each weight that goes made up for through the "
            f"inverse Gram matrix of {recipe.points} pixels per image (all steps of a sequence); "
            "the others on the values of a k-means codebook (linear start), errors spread over "
            "later columns; biases bring mean outputs back; forward passes in "
            f"{recipe.precision}; no fine-tuning"
        )
