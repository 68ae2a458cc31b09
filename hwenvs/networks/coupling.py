"""Which channels are chosen together: the channel groups of a network.

A pruning decision removes input channels of the layers that read one tensor.  If nobody else reads
that tensor, the layer that writes it loses the same output channels (and a depthwise convolution in
between follows): the channels are *removed*.  If a residual shortcut reads it as well, it stays
whole and the readers pick the channels they use: the channels are *gathered*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.networks.base import INPUT, Add, Layer, Network, PadShortcut, Pool


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that are kept or dropped by one decision.

    Attributes:
        name: name of the first reading layer.
        origin: node that writes the channels.
        readers: layers whose input channels are selected.
        writers: layers whose output channels are dropped as well; empty for gathered groups.
        channels: number of channels to choose from.
    """

    name: str
    origin: str
    readers: tuple[str, ...]
    writers: tuple[str, ...]
    channels: int

    @property
    def gathered(self) -> bool:
        """Whether the tensor stays whole and its readers pick from it."""
        return not self.writers


def channel_groups(network: Network) -> tuple[ChannelGroup, ...]:
    """The channel groups of ``network``, in the order in which their first readers run.

    The image itself is never pruned, and neither is a classifier behind a residual stream: it would
    save next to nothing.
    """
    groups: dict[str, ChannelGroup] = {}
    for layer in network.layers:
        origin, carried = _origin(network, layer)
        if layer.kind == "depthwise" or origin == INPUT or origin in groups:
            continue
        readers, passed, escapes = _reading(network, origin)
        removed = isinstance(network[origin], Layer) and not escapes
        if not removed and (layer.kind == "linear" or carried):
            continue
        groups[origin] = ChannelGroup(
            layer.name,
            origin,
            readers,
            (origin, *passed) if removed else (),
            network[origin].channels,
        )
    return tuple(groups.values())


def kept_channels(
    network: Network, designs: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Input and output channels ``[B, layers]`` of every layer under ``designs [B, groups]``."""
    column = {layer.name: index for index, layer in enumerate(network.layers)}
    ins = np.tile([layer.in_channels for layer in network.layers], (len(designs), 1))
    outs = np.tile([layer.channels for layer in network.layers], (len(designs), 1))
    for index, group in enumerate(channel_groups(network)):
        for name in group.readers:
            ins[:, column[name]] = designs[:, index]
        for name in group.writers:
            outs[:, column[name]] = designs[:, index]
            if network.layer(name).kind == "depthwise":
                ins[:, column[name]] = designs[:, index]
    return ins, outs


def _origin(network: Network, layer: Layer) -> tuple[str, tuple[str, ...]]:
    """The node that decides the channels ``layer`` reads, and the depthwise layers on the way."""
    name, carried = layer.inputs[0], []
    while name != INPUT:
        node = network[name]
        if isinstance(node, Layer) and node.kind == "depthwise":
            carried.append(name)
        elif not isinstance(node, Pool):
            break
        name = node.inputs[0]
    return name, tuple(carried)


def _reading(network: Network, origin: str) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Readers of ``origin``, depthwise layers on the way, and whether a sum reads it too."""
    readers: list[str] = []
    passed: list[str] = []
    escapes = False
    queue = [origin]
    while queue:
        for name in network.readers[queue.pop(0)]:
            node = network[name]
            if isinstance(node, Add | PadShortcut):
                escapes = True
            elif isinstance(node, Layer) and node.kind != "depthwise":
                readers.append(name)
            else:
                passed += [name] if isinstance(node, Layer) else []
                queue.append(name)
    return tuple(readers), tuple(passed), escapes
