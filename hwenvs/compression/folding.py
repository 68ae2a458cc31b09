"""Batch norm folded into the layer before it: one weight and one bias per layer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwenvs.networks.base import INPUT, Layer, Network, Recurrent
from hwenvs.networks.modules import TableModule, execute

BATCH = 10
"""Images at a time, so that maps stay in cache."""

SEQUENCE_BATCH = 250
"""Images at a time where a network is recurrent: a step of a sequence is little work."""


@dataclass(frozen=True)
class FoldedNetwork:
    """A network as plain tensors, possibly pruned.

    Attributes:
        network: the layer table of the *unpruned* network.
        weights: per layer ``[out, in / groups, kernel, kernel]`` or ``[out, in]``.
        biases: per layer ``[out]``.
        gathers: per layer with gathered inputs, the channels it reads.
    """

    network: Network
    weights: dict[str, Tensor]
    biases: dict[str, Tensor]
    gathers: dict[str, Tensor]

    def compute(self, layer: Layer, x: Tensor) -> Tensor:
        """Output of ``layer`` before its activation."""
        weight, bias = self.weights[layer.name], self.biases[layer.name]
        if layer.name in self.gathers:
            x = self._gather(layer, x)
        if layer.kind == "linear":
            return functional.linear(x, weight, bias)
        groups = weight.shape[0] if layer.kind == "depthwise" else 1
        return functional.conv2d(
            x, weight, bias, layer.stride, max(layer.padding, 0), groups=groups
        )

    def _gather(self, layer: Layer, x: Tensor) -> Tensor:
        channels = self.gathers[layer.name]
        if layer.kind != "linear":
            return x.index_select(1, channels)
        maps = x.view(len(x), -1, layer.features_per_channel)
        return maps.index_select(1, channels).flatten(1)

    @torch.inference_mode()
    def __call__(self, images: Tensor, batch: int | None = None) -> Tensor:
        """Logits ``[N, classes]``."""
        return torch.cat(
            [
                execute(self.network, {INPUT: part}, self.compute)
                for part in torch.split(images, batch or batch_of(self.network))
            ]
        ).float()

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return next(iter(self.weights.values())).dtype

    def to(self, dtype: torch.dtype) -> FoldedNetwork:
        """The same network in another floating-point type."""
        return replace(
            self,
            weights={name: weight.to(dtype) for name, weight in self.weights.items()},
            biases={name: bias.to(dtype) for name, bias in self.biases.items()},
        )

    def copy(self) -> FoldedNetwork:
        """A network that can be changed without changing this one (tensors are shared)."""
        return replace(
            self, weights=dict(self.weights), biases=dict(self.biases), gathers=dict(self.gathers)
        )


def batch_of(network: Network) -> int:
    """Images to run at a time."""
    recurrent = any(isinstance(node, Recurrent) for node in network.nodes)
    return SEQUENCE_BATCH if recurrent else BATCH


@torch.no_grad()
def fold(module: TableModule) -> FoldedNetwork:
    """Folds every batch norm of ``module`` into the convolution before it."""
    weights, biases = {}, {}
    for layer in module.network.layers:
        weight = module.get_parameter(layer.weight_key).detach().clone()
        bias = torch.zeros(layer.channels)
        if layer.bias:
            bias = module.get_parameter(layer.bias_key).detach().clone()
        if layer.norm is not None:
            norm = module.get_submodule(layer.norm)
            assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weight *= scale.view(-1, *[1] * (weight.dim() - 1))
            bias = (bias - norm.running_mean) * scale + norm.bias
        if weight.dim() == 4:
            weight = weight.contiguous(memory_format=torch.channels_last)
        weights[layer.name], biases[layer.name] = weight, bias.detach().clone()
    return FoldedNetwork(module.network, weights, biases, {})
