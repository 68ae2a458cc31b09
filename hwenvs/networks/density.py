"""Which layers have weights to thin out: the decisions of fine-grained pruning."""

from __future__ import annotations

from dataclasses import dataclass

from hwenvs.networks.base import INPUT, Network

PERCENT = 100
"""Densities are whole percents."""


@dataclass(frozen=True)
class WeightGroup:
    """The weights of one layer, of which one decision keeps a part.

    Attributes:
        name: name of the layer.
        channels: what a decision counts in: percents.
    """

    name: str
    channels: int = PERCENT

    @property
    def readers(self) -> tuple[str, ...]:
        """The layer itself, as for a :class:`~hwenvs.networks.ChannelGroup`."""
        return (self.name,)


def weight_groups(network: Network) -> tuple[WeightGroup, ...]:
    """The layers whose density is decided, in order.

    Layers that read the image and depthwise layers have hardly any weights, and stay dense.
    """
    return tuple(
        WeightGroup(layer.name)
        for layer in network.layers
        if layer.kind != "depthwise" and INPUT not in layer.inputs
    )
