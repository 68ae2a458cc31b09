"""Re-fits a layer of a compressed network to what the full network computes.

Inputs are taken from the network compressed so far, outputs from the full one, so that every layer
also makes up for the errors of the layers before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hwenvs.compression.least_squares import (
    RECTIFIERS,
    MomentMatrices,
    prior_matrix,
    rectified_target,
    split_solution,
)
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.networks.base import INPUT, Add, Layer, PadShortcut
from hwenvs.networks.execution import run_node


@dataclass(frozen=True)
class Target:
    """What a layer should output at the sampled pixels.

    Attributes:
        outputs: before the activation, ``[rows, channels]``.
        offset: what a shortcut adds before the activation, like ``outputs`` or scalar.
        activation: behind both.
    """

    outputs: Tensor
    offset: Tensor
    activation: str | None

    @classmethod
    def of(cls, reference: Reference, layer: Layer, values: dict[str, Tensor]) -> Target:
        """The target of ``layer`` in a network whose nodes have computed ``values`` so far.

        The last layer of a residual branch also makes up for the error that the shortcut carries:
        its target is the full network's sum minus the compressed network's shortcut (He et al.,
        2017).
        """
        network = reference.folded.network
        nothing = torch.zeros(())
        readers = [network[name] for name in network.readers[layer.name]]
        bare = layer.activation is None
        if len(readers) != 1 or not isinstance(readers[0], Add) or not bare:
            return cls(reference.targets[layer.name], nothing, layer.activation)
        add = readers[0]
        name = next(name for name in add.inputs if name != layer.name)
        maps, other = values.get(name), None if name == INPUT else network[name]
        if maps is None and isinstance(other, PadShortcut) and other.inputs[0] in values:
            maps = run_node(other, [values[other.inputs[0]]], reference.folded.compute)
        if maps is None or maps.dim() < 4 or layer.name not in reference.points:
            return cls(reference.targets[layer.name], nothing, None)
        shortcut = reference.points[layer.name].outputs(maps)
        return cls(reference.targets[add.name] - shortcut, shortcut, add.activation)

    def keep(self, channels: Tensor | None) -> Target:
        """The target of some of the channels; None means all."""
        if channels is None:
            return self
        offset = self.offset[:, channels] if self.offset.dim() else self.offset
        return Target(self.outputs[:, channels], offset, self.activation)

    def relaxed(self, outputs: Tensor) -> Tensor:
        """Targets for a layer that computes ``outputs`` now: see :func:`rectified_target`."""
        assert self.activation is not None
        wanted = self.outputs + self.offset
        return rectified_target(wanted, outputs + self.offset, self.activation) - self.offset


def refit(
    recipe: Recipe,
    layer: Layer,
    inputs: Tensor,
    moments: MomentMatrices,
    target: Target,
    prior: tuple[Tensor, Tensor],
) -> tuple[Tensor, Tensor]:
    """Weights and biases that bring the layer's output closest to ``target``.

    Args:
        recipe: strength of the pull towards ``prior`` and number of rectified steps.
        layer: a convolution or linear layer that is not depthwise.
        inputs: sampled inputs, ``[rows, taps * channels]``.
        moments: of ``inputs`` and the target's outputs.
        target: what to compute.
        prior: old weights and biases.
    """
    solver = moments.solver(prior_matrix(layer, *prior), recipe.ridge)
    solution = solver(moments.cross)
    steps = recipe.rectified_steps if target.activation in RECTIFIERS else 0
    for _ in range(steps):
        outputs = inputs @ solution[:-1].float() + solution[-1].float()
        solution = solver(moments.cross_with(inputs, target.relaxed(outputs)))
    return split_solution(layer, solution)
