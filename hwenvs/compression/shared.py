"""Deep Compression of real weights without retraining: densities and codebook bits in, network out.

Every layer is pruned by itself, and what goes made up for (:mod:`hwenvs.compression.fine_grained`);
a k-means codebook is fitted to the weights that stay, and they move to its values column by
column, each error spread over later columns.  Biases bring the mean outputs back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwenvs.compression.codebooks import fit_codebook, nearest
from hwenvs.compression.coding.layers import encode_layer
from hwenvs.compression.compensation import compensate
from hwenvs.compression.fine_grained import SparseLibrary
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.least_squares import from_rows, weight_rows
from hwenvs.compression.reference import Reference
from hwenvs.errors import DesignError
from hwenvs.networks import CODEBOOK_BITS, FLOAT_BITS, PERCENT, WeightGroup, storage_groups
from hwenvs.networks.base import Layer

DAMPING = 0.1
"""Of the Gram matrices: with 1 % as elsewhere LeNet-300-100 loses 0.6 points more where its second
layer keeps 10 % of its weights."""

INDEX_BITS = (2, 3, 4, 5, 6)
"""Bits of relative indexes that are tried."""

MEASURED = (*range(1, 31), *range(35, PERCENT, 5), PERCENT)
"""Densities in percent at which layers are encoded; between them sizes are interpolated."""


@dataclass
class SharedLibrary:
    """Layers of a network at any density and with any codebook.

    Args:
        reference: the full network on calibration images.
    """

    reference: Reference
    _pruned: SparseLibrary = field(init=False)
    _known: dict[tuple[str, int, int], Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pruned = SparseLibrary(self.reference, damping=DAMPING)

    def weight(self, name: str, percent: int, bits: int) -> Tensor:
        """Weights of a layer of which ``percent`` are not zero and share ``2**bits`` values."""
        key = (name, percent, bits)
        if key not in self._known:
            self._known[key] = self._made(*key)
        return self._known[key]

    def network(self, design: Sequence[int]) -> FoldedNetwork:
        """The network with the densities and codebook bits of ``design``, in turn.

        Raises:
            DesignError: if the design does not fit the network.
        """
        made = self.reference.folded.copy()
        groups = storage_groups(made.network)
        if len(design) != len(groups):
            raise DesignError(
                f"{made.network.title} needs {len(groups)} densities and codebooks in turn, got "
                f"{len(design)}"
            )
        for group, entry in zip(groups, design, strict=True):
            valid = range(1, PERCENT + 1) if not group.second else (*CODEBOOK_BITS, FLOAT_BITS)
            if entry not in valid:
                raise DesignError(f"{group.name}: {entry} is none; valid: {valid}")
        for at in range(0, len(groups), 2):
            name = groups[at].layer
            made.weights[name] = self.weight(name, int(design[at]), int(design[at + 1]))
            made.biases[name] = made.biases[name] + self._shift(name, made.weights[name])
        return made

    def encoded(self, name: str) -> NDArray[np.float64]:
        """Bytes of a layer's encoded weights, ``[100, 9]``; see ``hardware/storage.py``."""
        found = np.zeros((len(MEASURED), len(CODEBOOK_BITS) + 1))
        for row, percent in enumerate(MEASURED):
            weight = self._pruned.weight(WeightGroup(name), percent)
            kept = weight != 0
            for column, bits in enumerate(CODEBOOK_BITS):
                coded = torch.zeros_like(weight)
                if kept.any():
                    coded[kept] = fit_codebook(weight[kept], bits)()
                found[row, column] = encoded_bytes(coded)
            # Weights that happen to be zero are values like all others in a dense layer.
            dense = percent == PERCENT
            stored = weight.numel() if dense else int(kept.sum())
            index = 0.0 if dense else min(_index_bytes(kept, bits) for bits in INDEX_BITS)
            found[row, -1] = stored * FLOAT_BITS / 8 + index
        every = np.arange(1, PERCENT + 1)
        columns = [np.interp(every, MEASURED, column) for column in found.T]
        return np.rint(np.stack(columns, 1))

    def _shift(self, name: str, weight: Tensor) -> Tensor:
        """What brings the mean outputs ``[out]`` back: weights were made up for about the means."""
        folded = self.reference.folded
        layer = folded.network.layer(name)
        if layer.kind == "depthwise":
            return torch.zeros(len(weight))
        mean = self.reference.moments_of(layer).gram[:-1, -1].float()
        return weight_rows(layer, folded.weights[name] - weight) @ mean

    def _made(self, name: str, percent: int, bits: int) -> Tensor:
        layer = self.reference.folded.network.layer(name)
        pruned = self._pruned.weight(WeightGroup(name), percent)
        kept = pruned != 0
        if bits == FLOAT_BITS or not kept.any():
            return pruned
        values = fit_codebook(pruned[kept], bits).values
        if layer.kind == "depthwise":
            made = torch.zeros_like(pruned)
            made[kept] = nearest(values, pruned[kept])
            return made
        return self._settled(layer, pruned, kept, values)

    def _settled(self, layer: Layer, pruned: Tensor, kept: Tensor, values: Tensor) -> Tensor:
        mask = weight_rows(layer, kept)

        def settle(column: Tensor, number: int) -> Tensor:
            return torch.where(mask[:, number], nearest(values, column), 0.0)

        rows = compensate(weight_rows(layer, pruned), self._pruned.factor(layer), settle)
        return from_rows(layer, rows)


def encoded_bytes(weight: Tensor) -> int:
    """Bytes of the encoded ``weight`` at the best index width."""
    array = weight.float().numpy()
    return min(len(encode_layer(array, bits)[0]) for bits in INDEX_BITS)


def _index_bytes(kept: Tensor, bits: int) -> float:
    """Bytes of relative indexes and the fillers' values, before Huffman coding."""
    positions = kept.flatten().nonzero().flatten().numpy()
    fillers = int(((np.diff(positions, prepend=-1) - 1) >> bits).sum())
    return ((len(positions) + fillers) * bits + fillers * FLOAT_BITS) / 8
