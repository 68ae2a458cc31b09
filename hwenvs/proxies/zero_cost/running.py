"""Networks as scores look at them: freshly initialised, and run without leaving a trace."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwenvs.networks.base import INPUT, Add, Layer, Network, Node, Pointwise, Pool
from hwenvs.networks.execution import run_nodes
from hwenvs.networks.modules import TableModule

Compute = Callable[[Layer, Tensor], Tensor]
"""A layer's output before its activation, see :func:`hwenvs.networks.execution.run_nodes`."""


def initialised(network: Network, seed: int) -> TableModule:
    """A module of ``network`` with Gaussian weights, torch's own random state left alone.

    Convolutions get He's deviation by fan-out, ``sqrt(2 / (kernel^2 channels))``, as in
    :class:`hwenvs.networks.supernet.Supernet`, a depthwise one having one channel to feed; linear
    layers ``sqrt(1 / inputs)``. Biases are 0, norms 1 and 0. Layers draw from a stream of their
    own, which follows from the seed and their name: what two architectures have in common is the
    same in both, and tells them apart no more than it must.

    Args:
        network: the layer table, without recurrent nodes.
        seed: of all streams.
    """
    with torch.random.fork_rng(devices=[]):  # torch's layers draw weights when they are made
        module = TableModule(network)
    random = torch.Generator()
    for layer in network.layers:
        random.manual_seed(zlib.crc32(f"{seed} {layer.name}".encode()))
        part = module.get_submodule(layer.name)
        channels = 1 if layer.kind == "depthwise" else layer.channels
        variance = 2.0 / (layer.kernel**2 * channels)
        if layer.kind == "linear":
            variance = 1.0 / (layer.in_channels * layer.features_per_channel)
        with torch.no_grad():
            part.get_parameter("weight").normal_(0.0, variance**0.5, generator=random)
            if layer.bias:
                part.get_parameter("bias").zero_()
    return module


def on_batch(module: TableModule) -> Compute:
    """Layers with their norms, which take mean and variance of the batch and remember neither."""

    def compute(layer: Layer, x: Tensor) -> Tensor:
        y: Tensor = module.get_submodule(layer.name)(x)
        return y if layer.norm is None else normalise(module.get_submodule(layer.norm), y)

    return compute


def normalise(norm: nn.Module, x: Tensor) -> Tensor:
    """Batch norm ``norm`` of ``x [N, C, ...]`` with the mean and variance of ``x`` itself."""
    weight, bias, epsilon = norm.weight, norm.bias, norm.eps
    return functional.batch_norm(x, None, None, weight, bias, True, 0.0, epsilon)  # type: ignore[arg-type]


def logits(module: TableModule, images: Tensor, compute: Compute) -> Tensor:
    """Logits ``[N, classes]`` of ``images [N, C, R, R]``."""
    return run_nodes(module.network, {INPUT: images}, compute).flatten(1)


def weights_of(module: TableModule) -> list[Tensor]:
    """The weights of all layers, biases and norms not among them."""
    names = (layer.name for layer in module.network.layers)
    return [module.get_submodule(name).get_parameter("weight") for name in names]


def unclipped(network: Network) -> Network:
    """``network`` with relu in the place of relu6."""
    nodes = (replace(n, activation="relu") if n.activation == "relu6" else n for n in network.nodes)
    return replace(network, nodes=tuple(nodes), _by_name={})


def feature_map(network: Network) -> Network:
    """The nodes before the map is averaged, shortcuts taken out: sums are their last input.

    Of the inputs of a sum the last in the order of nodes is the branch, if shortcuts compute
    nothing.
    """
    place = {node.name: index for index, node in enumerate(network.nodes)}

    def straight(node: Node) -> Node:
        if not isinstance(node, Add):
            return node
        branch = max(node.inputs, key=lambda name: place.get(name, -1))
        return Pointwise(node.name, (branch,), node.channels, node.size, node.activation)

    before = takewhile(lambda node: not (isinstance(node, Pool) and not node.kernel), network.nodes)
    return replace(network, nodes=tuple(map(straight, before)), _by_name={})
