"""Fine-grained pruning of real weights: densities in, a network with zeros among its weights out.

Every layer is pruned by itself from its Gram matrix, column by column: each weight that goes is
made up for by those in later columns (optimal brain surgeon on sampled inputs; Frantar and
Alistarh, "SparseGPT", 2023).  A layer's pruned weights depend on its own density only, so they are
computed once and any joint design is put together from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hwenvs.compression.compensation import DAMPING, compensate, inverse_factor
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.least_squares import from_rows, weight_rows
from hwenvs.compression.load_balance import balanced, block_thresholds, row_blocks
from hwenvs.compression.reference import Reference
from hwenvs.errors import DesignError
from hwenvs.networks import PERCENT, WeightGroup, weight_groups
from hwenvs.networks.base import Layer

METHODS = ("compensated", "magnitude")
"""Ways to choose what stays: by what its loss costs after compensation, or by magnitude alone."""


@dataclass
class SparseLibrary:
    """Layers of a network at any density, each computed when it is first asked for.

    Args:
        reference: the full network on calibration images.
        method: one of :data:`METHODS`.
        damping: of the Gram matrices, relative to their mean diagonal.

    Where the recipe names processing elements, each element's rows keep the same density.
    """

    reference: Reference
    method: str = "compensated"
    damping: float = DAMPING
    _known: dict[tuple[str, int], Tensor] = field(default_factory=dict)
    _factors: dict[str, Tensor] = field(default_factory=dict)

    def weight(self, group: WeightGroup, percent: int) -> Tensor:
        """Weights of a layer of which at most ``percent`` are not zero, in the layer's own shape.

        Where compensation leaves fewer over the threshold (on the zoo's networks up to 0.7 % of
        what should stay), or inputs are dead, there are fewer.
        """
        key = (group.name, percent)
        if key not in self._known:
            layer = self.reference.folded.network.layer(group.name)
            full = self.reference.folded.weights[group.name]
            if percent == PERCENT:
                return full
            columns = weight_rows(layer, full)
            blocks = self.blocks(len(columns))
            if self.method == "magnitude" or layer.kind == "depthwise":
                pruned = keep_mask(columns.abs(), percent / PERCENT, blocks) * columns
            else:
                pruned = prune_columns(columns, self.factor(layer), percent / PERCENT, blocks)
            self._known[key] = from_rows(layer, pruned).to(self.reference.images.dtype)
        return self._known[key]

    def network(self, design: Sequence[int]) -> FoldedNetwork:
        """The network with the densities of ``design``, in percent.

        Raises:
            DesignError: if the design does not fit the network.
        """
        pruned = self.reference.folded.copy()
        groups = weight_groups(pruned.network)
        if len(design) != len(groups):
            raise DesignError(
                f"{pruned.network.title} needs {len(groups)} densities in percent, got "
                f"{len(design)}"
            )
        for group, percent in zip(groups, design, strict=True):
            if int(percent) != percent or not 1 <= percent <= PERCENT:
                raise DesignError(f"{group.name} keeps 1 to {PERCENT} percent, not {percent}")
            pruned.weights[group.name] = self.weight(group, int(percent))
        return pruned

    def blocks(self, rows: int) -> Tensor | None:
        """The block of every row ``[rows]`` where elements shall have as much work; else None."""
        elements = self.reference.recipe.elements
        return None if elements is None else row_blocks(rows, elements)

    def factor(self, layer: Layer) -> Tensor:
        """Upper Cholesky factor of the inverse Gram matrix of a layer's inputs (made once)."""
        if layer.name not in self._factors:
            self._factors[layer.name] = inverse_factor(
                self.reference.moments_of(layer), self.damping
            )
        return self._factors[layer.name]


@torch.inference_mode()
def prune_columns(
    weight: Tensor, factor: Tensor, density: float, blocks: Tensor | None = None
) -> Tensor:
    """``weight [out, d]`` with at most ``density`` of its entries left, the others made up for.

    Args:
        weight: rows of weights; not changed.
        factor: upper Cholesky factor of the inverse Gram matrix, ``[d, d]``.
        density: fraction of the entries that stay.
        blocks: the block of every row ``[rows]``, each of which keeps that fraction; default: one.
    """
    scale = factor.diagonal()
    # One threshold for the layer, so that rows and columns which matter more stay denser; one for
    # every block where blocks shall have as much work as one another.
    threshold = _threshold((weight / scale).square(), density, blocks)

    def settle(values: Tensor, column: int) -> Tensor:
        kept = (values / scale[column]).square() > threshold
        return torch.where(kept, values, 0.0)

    weight = compensate(weight, factor, settle)
    # Compensation moves a few weights over the threshold: the smallest of them go again.
    return weight * keep_mask((weight / scale).square(), density, blocks)


def keep_mask(values: Tensor, density: float, blocks: Tensor | None) -> Tensor:
    """A mask of the ``density`` largest of ``values``, of every block of rows where there are."""
    return largest(values, density) if blocks is None else balanced(values, density, blocks)


def largest(values: Tensor, density: float) -> Tensor:
    """A mask of the ``density`` largest of ``values``; at least one."""
    count = max(1, round(density * values.numel()))
    mask = torch.zeros(values.numel(), dtype=torch.bool, device=values.device)
    mask[values.flatten().topk(count).indices] = True
    return mask.view_as(values)


def _threshold(values: Tensor, density: float, blocks: Tensor | None) -> Tensor:
    if blocks is not None:
        return block_thresholds(values, density, blocks) * (1 - 1e-6)
    count = max(1, round(density * values.numel()))
    return values.flatten().kthvalue(values.numel() - count + 1).values * (1 - 1e-6)
