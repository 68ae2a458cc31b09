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

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.least_squares import MomentMatrices, weight_matrix, weight_tensor
from hwenvs.compression.reference import Reference
from hwenvs.errors import DesignError
from hwenvs.networks import PERCENT, WeightGroup, weight_groups
from hwenvs.networks.base import Layer

BLOCK = 128
"""Columns whose zeros are chosen together, and whose errors reach later columns in one product."""

METHODS = ("compensated", "magnitude")
"""Ways to choose what stays: by what its loss costs after compensation, or by magnitude alone."""


@dataclass
class SparseLibrary:
    """Layers of a network at any density, each computed when it is first asked for.

    Args:
        reference: the full network on calibration images.
        method: one of :data:`METHODS`.
    """

    reference: Reference
    method: str = "compensated"
    _known: dict[tuple[str, int], Tensor] = field(default_factory=dict)
    _factors: dict[str, Tensor] = field(default_factory=dict)

    def weight(self, group: WeightGroup, percent: int) -> Tensor:
        """Weights of a layer of which ``percent`` are not zero, in the layer's own shape."""
        key = (group.name, percent)
        if key not in self._known:
            layer = self.reference.folded.network.layer(group.name)
            full = self.reference.folded.weights[group.name]
            if percent == PERCENT:
                return full
            columns = weight_matrix(layer, full).flatten(1)
            if self.method == "magnitude":
                pruned = largest(columns.abs(), percent / PERCENT) * columns
            else:
                pruned = prune_columns(columns, self._factor(layer), percent / PERCENT)
            taps = layer.features_per_channel if layer.kind == "linear" else layer.kernel**2
            matrix = pruned.reshape(len(pruned), taps, -1)
            self._known[key] = weight_tensor(layer, matrix).to(self.reference.images.dtype)
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

    def _factor(self, layer: Layer) -> Tensor:
        if layer.name not in self._factors:
            self._factors[layer.name] = inverse_factor(self.reference.moments[layer.name])
        return self._factors[layer.name]


def inverse_factor(moments: MomentMatrices, damping: float = 0.01) -> Tensor:
    """Upper Cholesky factor ``[d, d]`` of the inverse Gram matrix of the inputs, float32.

    The bias is not pruned, so inputs count from their means.

    Args:
        moments: of the layer's sampled inputs, with a constant 1 as the last.
        damping: added to the diagonal, relative to its mean (GPTQ's choice).
    """
    mean = moments.gram[:-1, -1]
    gram = moments.gram[:-1, :-1] - torch.outer(mean, mean)
    gram.diagonal().add_(damping * gram.diagonal().mean())
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    factor: Tensor = torch.linalg.cholesky(inverse, upper=True)
    return factor.float()


@torch.inference_mode()
def prune_columns(weight: Tensor, factor: Tensor, density: float) -> Tensor:
    """``weight [out, d]`` with ``density`` of its entries left, the others made up for.

    Args:
        weight: rows of weights; not changed.
        factor: upper Cholesky factor of the inverse Gram matrix, ``[d, d]``.
        density: fraction of the entries that stay.
    """
    weight = weight.clone()
    scale = factor.diagonal()
    # One threshold for the layer, so that rows and columns which matter more stay denser.
    threshold = _threshold((weight / scale).square(), density)
    for start in range(0, weight.shape[1], BLOCK):
        stop = min(start + BLOCK, weight.shape[1])
        part, local = weight[:, start:stop], factor[start:stop, start:stop]
        errors = torch.empty_like(part)
        for column in range(stop - start):
            values = part[:, column]
            kept = (values / local[column, column]).square() > threshold
            error = torch.where(kept, 0.0, values / local[column, column])
            part[:, column] = torch.where(kept, values, 0.0)
            part[:, column + 1 :] -= torch.outer(error, local[column, column + 1 :])
            errors[:, column] = error
        weight[:, stop:] -= errors @ factor[start:stop, stop:]
    # Compensation moves a few weights over the threshold: the smallest of them go again.
    return weight * largest((weight / scale).square(), density)


def largest(values: Tensor, density: float) -> Tensor:
    """A mask of the ``density`` largest of ``values``; at least one."""
    count = max(1, round(density * values.numel()))
    mask = torch.zeros(values.numel(), dtype=torch.bool, device=values.device)
    mask[values.flatten().topk(count).indices] = True
    return mask.view_as(values)


def _threshold(values: Tensor, density: float) -> Tensor:
    count = max(1, round(density * values.numel()))
    return values.flatten().kthvalue(values.numel() - count + 1).values * (1 - 1e-6)
