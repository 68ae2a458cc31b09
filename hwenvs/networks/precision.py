"""Which numbers have a precision to choose: the decisions of bit allocation."""

from __future__ import annotations

from dataclasses import dataclass

from hwenvs.networks.base import INPUT, Network

FULL_PRECISION = 8
"""Bits of the network that nothing is taken from: what integer accelerators run."""

WEIGHTS, ACTIVATIONS = "weights", "activations"


@dataclass(frozen=True)
class BitGroup:
    """The weights or the input activations of one layer, which share a bit width.

    Attributes:
        layer: name of the layer.
        kind: ``"weights"`` or ``"activations"``.
        channels: what a decision counts in, at most: bits.
    """

    layer: str
    kind: str
    channels: int = FULL_PRECISION

    @property
    def name(self) -> str:
        """Layer and kind."""
        return f"{self.layer} {self.kind}"

    @property
    def readers(self) -> tuple[str, ...]:
        """The layer itself, as for a :class:`~hwenvs.networks.ChannelGroup`."""
        return (self.layer,)

    @property
    def second(self) -> bool:
        """Whether it is the later of the layer's two decisions."""
        return self.kind == ACTIVATIONS


def bit_groups(network: Network) -> tuple[BitGroup, ...]:
    """Weights and activations in turn, of every layer but the first and the last.

    Layers that read the image and the classifier stay at 8 bits (HAQ, CVPR 2019).
    """
    inner = [layer for layer in network.layers[:-1] if INPUT not in layer.inputs]
    return tuple(BitGroup(layer.name, kind) for layer in inner for kind in (WEIGHTS, ACTIVATIONS))
