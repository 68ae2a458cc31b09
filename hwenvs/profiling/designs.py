"""Which networks are run: a grid that shows all that every layer can be, and random ones."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.errors import ArgumentError
from hwenvs.networks import Layer, Network, Recurrent, Space, channel_groups, kept_channels
from hwenvs.problems.channel_pruning import rounding_of
from hwenvs.problems.decision import Decision

Designs = NDArray[np.int64]

FLOOR = 0.2
"""Smallest fraction that a random design keeps of a layer, as in the environments."""


def grid_designs(network: Network, levels: int) -> Designs:
    """Designs ``[levels ** 2, groups]`` in which every layer meets every pair of widths.

    The channels that a layer reads and those that it writes belong to neighbouring groups.  So
    every other group has one width and the rest another: all pairs of widths are all that layers
    can be.

    Args:
        network: the layer table.
        levels: widths, evenly spaced up to the whole; rounded up as the environments round.

    Raises:
        ArgumentError: if the network has nothing to prune or a cell, which is no single layer.
    """
    if any(isinstance(node, Recurrent) for node in network.nodes):
        raise ArgumentError(f"{network.title}: layers inside a recurrent cell cannot be profiled")
    groups = channel_groups(network)
    if not groups:
        raise ArgumentError(f"{network.title} has no channels to prune")
    step = rounding_of(network)
    widths = [
        [min(math.ceil(group.channels * level / levels / step) * step, group.channels)]
        for level in range(1, levels + 1)
        for group in groups
    ]
    table = np.array(widths).reshape(levels, len(groups))
    odd = np.arange(len(groups)) % 2 == 1
    pairs = itertools.product(range(levels), repeat=2)
    designs = np.array([np.where(odd, table[b], table[a]) for a, b in pairs])
    # In the order of first appearance, each once: small groups round to the same widths.
    _, first = np.unique(designs, axis=0, return_index=True)
    unique: Designs = designs[np.sort(first)]
    return unique


def random_designs(network: Network, count: int, seed: int) -> Designs:
    """``count`` designs [count, groups]: every decision uniform over its options."""
    step, random = rounding_of(network), np.random.default_rng(seed)
    columns = [
        random.choice(Decision.channels(group.name, group.channels, step, FLOOR).kept, count)
        for group in channel_groups(network)
    ]
    return np.stack(columns, axis=1)


def latin_designs(space: Space, sightings: int, seed: int) -> Designs:
    """Architectures in which every block is every of its operators ``sightings`` times or more.

    For every sighting as many architectures as the longest list of operators; a block goes through
    its own, in an order drawn anew, so that operators meet other neighbours each time.

    Args:
        space: the search space.
        sightings: how often.
        seed: of the orders.

    Returns:
        [sightings * operators, T] designs.
    """
    random = np.random.default_rng(seed)
    rows = max(len(block.entries) for block in space.blocks)
    turns = [
        np.stack([np.resize(random.permutation(block.entries), rows) for block in space.blocks], 1)
        for _ in range(sightings)
    ]
    return np.concatenate(turns).astype(np.int64)


def pruned_shape(network: Network, design: Designs, seed: int = 0) -> FoldedNetwork:
    """A network of the shape of ``design [groups]`` with random weights of the usual size."""
    read, written = (channels[0].tolist() for channels in kept_channels(network, design[None]))
    gathers = {
        name: torch.arange(int(kept))
        for group, kept in zip(channel_groups(network), design, strict=True)
        if group.gathered and kept < group.channels
        for name in group.readers
    }
    return _with_weights(network, read, written, gathers, seed)


def whole_shape(network: Network, seed: int = 0) -> FoldedNetwork:
    """``network`` with random weights of the usual size."""
    read = [layer.in_channels for layer in network.layers]
    written = [layer.channels for layer in network.layers]
    return _with_weights(network, read, written, {}, seed)


def _with_weights(
    network: Network, read: list[int], written: list[int], gathers: dict[str, Tensor], seed: int
) -> FoldedNetwork:
    """The network with random weights for the channels that every layer reads and writes.

    What weights are makes no difference to dense arithmetic, as long as numbers neither overflow
    nor become denormal.
    """
    generator = torch.Generator().manual_seed(seed)
    weights, biases = {}, {}
    for layer, first, last in zip(network.layers, read, written, strict=True):
        shape = _weight_shape(layer, first, last)
        scale = (2.0 / math.prod(shape[1:])) ** 0.5
        weights[layer.name] = torch.randn(shape, generator=generator) * scale
        biases[layer.name] = torch.zeros(last)
    return FoldedNetwork(network, weights, biases, gathers)


def _weight_shape(layer: Layer, read: int, written: int) -> tuple[int, ...]:
    if layer.kind == "linear":
        return written, read * layer.features_per_channel
    return written, 1 if layer.kind == "depthwise" else read, layer.kernel, layer.kernel
