"""Least squares on sampled feature maps: Gram matrices once, one Cholesky solve per keep-count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hwenvs.networks.base import Layer

RIDGE = 1e-3

FLOOR = 1e-8
"""Least weight of the prior."""
"""Pull towards the weights before pruning, relative to the mean input energy."""

FEWEST_ROWS, VALUES = 1024, 1 << 22
"""Rows, and values of rows, that are multiplied at once."""


@dataclass
class MomentMatrices:
    """Second moments of a layer's inputs and of its targets.

    Inputs are ordered tap by tap, channels fastest, and end with a constant 1 for the bias.

    Attributes:
        gram: ``X'X / n``, ``[d + 1, d + 1]`` float64.
        cross: ``X'Y / n``, ``[d + 1, out]`` float64.
    """

    gram: Tensor
    cross: Tensor

    @classmethod
    def of(cls, inputs: Tensor, targets: Tensor) -> MomentMatrices:
        """Moments of ``inputs [n, d]`` and ``targets [n, out]``.

        Products are taken of inputs without their means, which are added in float64: else rounding
        would drown how little an input with a large mean varies, and the matrix about the means
        lose its positive definiteness.
        """
        mean = inputs.double().mean(0)
        centred = inputs - mean.float()
        gram = mean.new_empty(len(mean) + 1, len(mean) + 1)
        gram[:-1, :-1] = (centred.T @ centred).double() / len(inputs) + torch.outer(mean, mean)
        gram[:-1, -1] = gram[-1, :-1] = mean
        gram[-1, -1] = 1.0
        return cls(gram, _cross(inputs, targets))

    def regularised(self, ridge: float = RIDGE) -> Tensor:
        """The Gram matrix with ``ridge`` times the mean input energy on its diagonal.

        Never less than :data:`FLOOR`: inputs that are all zero would leave nothing to invert.
        """
        weight = max(ridge * float(self.gram.diagonal()[:-1].mean()), FLOOR)
        return self.gram + torch.diag(torch.full_like(self.gram.diagonal(), weight))

    def solver(self, prior: Tensor, ridge: float = RIDGE) -> Callable[[Tensor], Tensor]:
        """Least squares for any targets: maps ``X'Y / n`` to weights and bias ``[d + 1, out]``.

        The matrix is factored once.  The ridge pulls towards ``prior [d + 1, out]``, the weights
        before pruning.
        """
        matrix = self.regularised(ridge)
        pull = (matrix.diagonal() - self.gram.diagonal())[:, None] * prior
        factor = torch.linalg.cholesky(matrix)
        return lambda cross: torch.cholesky_solve(cross + pull, factor)

    def cross_with(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """``X'Y / n`` of the same ``inputs [n, d]`` with other ``targets [n, out]``."""
        return _cross(inputs, targets)

    def keep(self, channels: Tensor, total: int) -> MomentMatrices:
        """Moments of the inputs that belong to ``channels`` out of ``total``."""
        taps = (self.gram.shape[0] - 1) // total
        index = (torch.arange(taps)[:, None] * total + channels[None, :]).flatten()
        index = torch.cat([index, torch.tensor([self.gram.shape[0] - 1])])
        return MomentMatrices(self.gram[index][:, index], self.cross[index])


class MomentSums:
    """Second moments of rows that arrive a few at a time.

    Sums are taken about the mean of the first rows, see :meth:`MomentMatrices.of`, in float32 over
    a few thousand rows and in float64 above.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Tensor, Tensor]] = []
        self._rows = 0
        self._count = 0

    def add(self, inputs: Tensor, targets: Tensor) -> None:
        """Adds ``inputs [n, d]`` and ``targets [n, out]``."""
        self._waiting.append((inputs, targets))
        self._rows += len(inputs)
        if self._rows >= max(FEWEST_ROWS, VALUES // inputs.shape[1]):
            self._settle()

    def moments(self) -> MomentMatrices:
        """The moments of all rows so far."""
        self._settle()
        mean, target = self._inputs / self._count, self._targets / self._count
        shift = self._shift.double()
        gram = mean.new_empty(len(mean) + 1, len(mean) + 1)
        about = torch.outer(shift, mean)
        gram[:-1, :-1] = self._square / self._count + about + about.T + torch.outer(shift, shift)
        gram[:-1, -1] = gram[-1, :-1] = mean + shift
        gram[-1, -1] = 1.0
        cross = self._cross / self._count + torch.outer(shift, target)
        return MomentMatrices(gram, torch.cat([cross, target[None]]))

    def _settle(self) -> None:
        if not self._waiting:
            return
        inputs = torch.cat([inputs for inputs, _ in self._waiting])
        targets = torch.cat([targets for _, targets in self._waiting])
        if not self._count:
            self._shift = inputs.double().mean(0).float()
        centred = inputs - self._shift
        parts = (
            (centred.T @ centred).double(),
            (centred.T @ targets).double(),
            centred.double().sum(0),
            targets.double().sum(0),
        )
        if not self._count:
            self._square, self._cross, self._inputs, self._targets = parts
        else:
            sums = (self._square, self._cross, self._inputs, self._targets)
            for total, part in zip(sums, parts, strict=True):
                total += part
        self._count += len(inputs)
        self._waiting, self._rows = [], 0


def _cross(inputs: Tensor, targets: Tensor) -> Tensor:
    weights = (inputs.T @ targets).double() / len(inputs)
    return torch.cat([weights, targets.double().mean(0, keepdim=True)])


def depthwise_moments(patches: Tensor) -> Tensor:
    """Second moments of ``patches [rows, taps, channels]`` about their means."""
    centred = (patches - patches.mean(0)).permute(2, 1, 0).contiguous()
    return (centred @ centred.transpose(1, 2)).double() / len(patches)


def weight_matrix(layer: Layer, weight: Tensor) -> Tensor:
    """Weights as ``[out, taps, channels]``: the order of the columns of the sampled inputs."""
    if layer.kind == "linear":
        return weight.view(len(weight), -1, layer.features_per_channel).permute(0, 2, 1)
    return weight.flatten(2).permute(0, 2, 1)


def weight_tensor(layer: Layer, matrix: Tensor) -> Tensor:
    """The inverse of :func:`weight_matrix`, for any number of channels."""
    if layer.kind == "linear":
        return matrix.permute(0, 2, 1).flatten(1).contiguous()
    shape = (len(matrix), matrix.shape[2], layer.kernel, layer.kernel)
    return matrix.permute(0, 2, 1).reshape(shape).contiguous(memory_format=torch.channels_last)


def weight_rows(layer: Layer, weight: Tensor) -> Tensor:
    """One row per output channel, ``[out, taps * channels]``; for any kind of layer."""
    if layer.kind == "depthwise":
        return weight.flatten(1)
    return weight_matrix(layer, weight).flatten(1)


def from_rows(layer: Layer, rows: Tensor) -> Tensor:
    """The inverse of :func:`weight_rows`, for any number of channels."""
    if layer.kind == "depthwise":
        shaped = rows.reshape(len(rows), 1, layer.kernel, layer.kernel)
        return shaped.contiguous(memory_format=torch.channels_last)
    taps = layer.features_per_channel if layer.kind == "linear" else layer.kernel**2
    return weight_tensor(layer, rows.reshape(len(rows), taps, -1))


def prior_matrix(layer: Layer, weight: Tensor, bias: Tensor) -> Tensor:
    """Weights and bias as ``[taps * channels + 1, out]`` float64."""
    return torch.cat([weight_rows(layer, weight).T, bias[None]]).double()


def split_solution(layer: Layer, solution: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of :func:`prior_matrix`, in float32."""
    return from_rows(layer, solution[:-1].T.float()), solution[-1].float().contiguous()


def solve_depthwise(
    patches: Tensor, targets: Tensor, weight: Tensor, bias: Tensor, ridge: float = RIDGE
) -> tuple[Tensor, Tensor]:
    """Re-fits every channel of a depthwise layer on its own.

    Args:
        patches: ``[rows, taps, channels]``.
        targets: ``[rows, channels]``.
        weight: what the weights are pulled towards, ``[channels, 1, k, k]``.
        bias: what the biases are pulled towards, ``[channels]``.
        ridge: strength of the pull relative to each channel's mean input energy.
    """
    rows = len(patches)
    design = torch.cat([patches, patches.new_ones(rows, 1, patches.shape[2])], 1)
    design = design.permute(2, 1, 0).contiguous()
    gram = (design @ design.transpose(1, 2)).double() / rows
    cross = (design @ targets.T.contiguous()[:, :, None]).double() / rows
    energy = gram.diagonal(dim1=1, dim2=2)[:, :-1].mean(1)
    pull = (energy * ridge + 1e-8)[:, None]
    prior = torch.cat([weight.flatten(1), bias[:, None]], 1).double()
    gram = gram + torch.diag_embed(pull.expand(-1, gram.shape[1]))
    solution = torch.linalg.solve(gram, cross + (pull * prior)[:, :, None])[:, :, 0].float()
    return solution[:, :-1].reshape(weight.shape).contiguous(), solution[:, -1].contiguous()


RECTIFIERS = ("relu", "relu6")
"""Activations that hide differences below 0 (and above 6)."""


def rectified_target(target: Tensor, output: Tensor, activation: str) -> Tensor:
    """Targets relaxed where the activation hides the difference.

    Where both target and output are cut off on the same side, the output itself is the target;
    where only the target is, its clipped value is (Zhang et al., 2015, for ReLU).
    """
    low = torch.where(target < 0, output.clamp(max=0), target)
    if activation != "relu6":
        return low
    return torch.where(target > 6, output.clamp(min=6), low)
