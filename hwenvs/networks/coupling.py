"""Which channels are chosen together: the channel groups of a network.

A pruning decision removes input channels of the layers that read one tensor.  If nobody else reads
that tensor, the layer that writes it loses the same output channels (and a depthwise convolution in
between follows): the channels are *removed*.  If a residual shortcut or a concatenation reads it as
well, it stays whole and the readers pick the channels they use: the channels are *gathered*.  The
readers of a concatenation see all its channels and pick among them.

Every layer is shaped by at most two decisions, and these follow one another.  Where several chains
of layers start from one tensor (the branches of an Inception module), each chain therefore decides
for itself what it reads, and the tensor stays whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hwenvs.networks.base import INPUT, Add, Concat, Layer, Network, PadShortcut, Pointwise, Pool


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
    """The channel groups of ``network``, chain by chain in the order in which they start.

    The image itself is never pruned, and neither is a classifier behind a residual stream or a
    concatenation: it would save next to nothing.
    """
    found = _tensors(network)
    groups: dict[str, list[ChannelGroup]] = {}
    for origin in sorted(found, key=_places(network).__getitem__, reverse=True):
        groups[origin] = _chains(found[origin], groups)
    following = {group.origin: group for parts in groups.values() for group in parts}
    ordered: dict[str, ChannelGroup] = {}
    for group in (part for origin in found for part in groups[origin]):
        current: ChannelGroup | None = group
        while current is not None and current.name not in ordered:
            ordered[current.name] = current
            after = (following[r] for r in current.readers if r in following)
            current = next((one for one in after if not one.gathered), None)
    return tuple(ordered.values())


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


def _tensors(network: Network) -> dict[str, ChannelGroup]:
    """One group for every tensor with channels to choose from, by the node that writes it."""
    groups: dict[str, ChannelGroup] = {}
    for layer in network.layers:
        origin = _origin(network, layer)
        if layer.kind == "depthwise" or origin == INPUT or origin in groups:
            continue
        readers, passed, escapes = _reading(network, origin)
        removed = isinstance(network[origin], Layer) and not escapes
        if not removed and layer.kind == "linear":
            continue
        writers = (origin, *passed) if removed else ()
        groups[origin] = ChannelGroup(
            layer.name, origin, readers, writers, network[origin].channels
        )
    return groups


def _chains(group: ChannelGroup, later: dict[str, list[ChannelGroup]]) -> list[ChannelGroup]:
    """``group`` itself, or one gathered group for each chain of layers that starts from it.

    Args:
        group: all readers of a tensor.
        later: groups of the tensors that are written after it, by origin.
    """
    chained = [r for r in group.readers if r in later and not later[r][0].gathered]
    if len(chained) < 2:
        return [group]
    together = tuple(r for r in group.readers if r not in chained[1:])
    return [
        replace(group, name=readers[0], readers=readers, writers=())
        for readers in (together, *((name,) for name in chained[1:]))
    ]


def _places(network: Network) -> dict[str, int]:
    return {node.name: index for index, node in enumerate(network.nodes)}


def _origin(network: Network, layer: Layer) -> str:
    """The node that decides the channels ``layer`` reads."""
    name = layer.inputs[0]
    while name != INPUT:
        node = network[name]
        depthwise = isinstance(node, Layer) and node.kind == "depthwise"
        if not depthwise and not isinstance(node, Pool | Pointwise):
            break
        name = node.inputs[0]
    return name


def _reading(network: Network, origin: str) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Readers of ``origin``, depthwise layers on the way, and whether anything else reads it."""
    readers: list[str] = []
    passed: list[str] = []
    escapes = False
    queue = [origin]
    while queue:
        for name in network.readers[queue.pop(0)]:
            node = network[name]
            if isinstance(node, Add | Concat | PadShortcut):
                escapes = True
            elif isinstance(node, Layer) and node.kind != "depthwise":
                readers.append(name)
            else:
                passed += [name] if isinstance(node, Layer) else []
                queue.append(name)
    return tuple(readers), tuple(passed), escapes
