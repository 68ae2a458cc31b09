"""How weights may be stored: the decisions of deep compression."""

from __future__ import annotations

from dataclasses import dataclass

from hwenvs.networks.base import Network
from hwenvs.networks.density import PERCENT

FLOAT_BITS = 32
"""Bits of a weight that shares its value with no other."""

CODEBOOK_BITS = (1, 2, 3, 4, 5, 6, 7, 8)
"""Bits of the index of a codebook's value."""

DENSITY, CODEBOOK = "density", "codebook"


@dataclass(frozen=True)
class StorageGroup:
    """The density or the codebook of one layer's weights.

    Attributes:
        layer: name of the layer.
        kind: ``"density"`` or ``"codebook"``.
    """

    layer: str
    kind: str

    @property
    def channels(self) -> int:
        """What a decision counts in, at most: percents of the weights, or bits of a weight."""
        return PERCENT if self.kind == DENSITY else FLOAT_BITS

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
        return self.kind == CODEBOOK


def storage_groups(network: Network) -> tuple[StorageGroup, ...]:
    """Density and codebook in turn, of every layer."""
    return tuple(
        StorageGroup(layer.name, kind) for layer in network.layers for kind in (DENSITY, CODEBOOK)
    )
