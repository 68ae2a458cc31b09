"""Batch norm folded into the layer before it: one weight and one bias per layer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwenvs.networks.base import INPUT, Layer, Network
from hwenvs.networks.execution import execute
from hwenvs.networks.modules import TableModule

CACHED = 1 << 20
"""Values of a feature map that fit into a core's share of the cache."""

MOST = 256
"""Images at a time at most."""


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
            return gather_channels(x, channels)
        maps = x.view(len(x), -1, layer.features_per_channel)
        return maps.index_select(1, channels).flatten(1)

    @torch.inference_mode()
    def __call__(self, images: Tensor, batch: int | None = None) -> Tensor:
        """Logits ``[N, classes]``.

        Args:
            images: ``[N, C, R, R]``.
            batch: images at a time; default: see :func:`batch_size`.
        """
        parts = torch.split(images, batch or batch_size(self.network))
        return torch.cat(
            [execute(self.network, {INPUT: part}, self.compute) for part in parts]
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


def batch_size(network: Network) -> int:
    """Images at a time whose largest feature map stays in cache, at most :data:`MOST`."""
    largest = max(node.channels * node.size**2 for node in network.nodes)
    return max(1, min(MOST, CACHED // largest))


def gather_channels(maps: Tensor, channels: Tensor) -> Tensor:
    """``maps [N, C, H, W]`` with only some channels, channels last in memory.

    Pixels are rows of a matrix then, from which columns are picked three times as fast.
    """
    count, _, height, width = maps.shape
    rows = maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])
    picked = rows.index_select(1, channels).view(count, height, width, len(channels))
    return picked.permute(0, 3, 1, 2)


@torch.no_grad()
def fold(module: TableModule) -> FoldedNetwork:
    """Folds every batch norm of ``module`` into the convolution before it."""
    weights, biases = {}, {}
    for layer in module.network.layers:
        weight = module.get_parameter(layer.weight_key).detach().clone()
        bias = torch.zeros(layer.channels, device=weight.device)
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
