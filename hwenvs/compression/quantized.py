"""Networks whose layers compute with few bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.errors import DesignError
from hwenvs.networks import FULL_PRECISION, Network, bit_groups
from hwenvs.networks.base import Layer
from hwenvs.networks.precision import ACTIVATIONS, WEIGHTS

WIDTHS = tuple(range(1, FULL_PRECISION + 1))
"""Bit widths that layers can have."""


@dataclass(frozen=True)
class QuantizedNetwork(FoldedNetwork):
    """A network whose layers round their inputs.

    Attributes:
        grids: per layer the levels of its inputs, as (scale, zero point, largest level).
    """

    grids: Mapping[str, tuple[float, int, int]] = field(default_factory=dict)

    def compute(self, layer: Layer, x: Tensor) -> Tensor:
        """Output of ``layer`` before its activation, from its rounded input."""
        return super().compute(layer, self.rounded(layer, x))

    def rounded(self, layer: Layer, x: Tensor) -> Tensor:
        """The input as the layer sees it."""
        if layer.name not in self.grids:
            return x
        return round_to_grid(x, *self.grids[layer.name])


def round_to_grid(x: Tensor, scale: float, zero: int, most: int) -> Tensor:
    """``x`` rounded to ``scale * (q - zero)``, ``0 <= q <= most``.

    In bfloat16 up to 8 bits are whole numbers without error; torch's own fake quantization takes
    ten times as long there.
    """
    return x.mul(1.0 / scale).clamp_(-zero, most - zero).round_().mul_(scale)


@dataclass(frozen=True)
class LayerBits:
    """Bits of a layer's weights and of its inputs."""

    weights: int = FULL_PRECISION
    inputs: int = FULL_PRECISION


def layer_bits(network: Network, design: Sequence[int]) -> dict[str, LayerBits]:
    """Bits of every layer under ``design``, weights and activations in turn.

    Raises:
        DesignError: if the design does not fit the network.
    """
    groups = bit_groups(network)
    if len(design) != len(groups):
        raise DesignError(f"{network.title} needs {len(groups)} bit widths, got {len(design)}")
    chosen: dict[tuple[str, str], int] = {}
    for group, width in zip(groups, design, strict=True):
        if int(width) not in WIDTHS or int(width) != width:
            raise DesignError(f"{group.name} have 1 to {FULL_PRECISION} bits, not {width}")
        chosen[group.layer, group.kind] = int(width)
    return {
        layer.name: LayerBits(
            chosen.get((layer.name, WEIGHTS), FULL_PRECISION),
            chosen.get((layer.name, ACTIVATIONS), FULL_PRECISION),
        )
        for layer in network.layers
    }
