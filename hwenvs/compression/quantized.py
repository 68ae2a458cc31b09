"""Networks with few bits: weights rounded layer by layer, activations rounded as they are read.

A layer's rounded weights depend on their own bits only, so every layer is rounded once to all bit
widths, and any joint design is put together from them.  What a design as a whole shifts is taken
back by *bias correction*: in a pass over calibration images every channel's mean output is brought
back to the full network's (Nagel et al., 2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hwenvs.compression.compensation import (
    compensate,
    compensate_rows,
    factor_of,
    inverse_factor,
)
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.least_squares import weight_matrix, weight_tensor
from hwenvs.compression.quantizers import linear_grid
from hwenvs.compression.reference import Reference, run_in_batches, walk_nodes
from hwenvs.compression.statistics import InputStatistics, channel_means
from hwenvs.errors import DesignError, unknown_name
from hwenvs.networks import FULL_PRECISION, BitGroup, bit_groups
from hwenvs.networks.base import Layer, Node
from hwenvs.networks.modules import ACTIVATIONS
from hwenvs.networks.precision import ACTIVATIONS as INPUTS
from hwenvs.networks.precision import WEIGHTS

METHODS = ("compensated", "rounded")
"""Ways to round weights: making up for each error in later columns, or plainly."""

CORRECTION_IMAGES = 100
"""Calibration images that mean outputs are compared on."""

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


@dataclass
class QuantizedLibrary:
    """Layers of a network at any bit width.

    Args:
        reference: the full network on calibration images.
        method: one of :data:`METHODS`.
        clipping: how the ranges of weights and of activations are chosen, a name of
            :data:`hwenvs.compression.clipping.CLIPPINGS`.
        correct: whether designs get their biases corrected.

    Raises:
        UnknownNameError: if there is no such method.
    """

    reference: Reference
    method: str = "compensated"
    clipping: str = "mse"
    correct: bool = True
    _weights: dict[tuple[str, int], Tensor] = field(default_factory=dict)
    _grids: dict[tuple[str, int], tuple[float, int, int]] = field(default_factory=dict)
    _statistics: InputStatistics | None = None
    _whole: QuantizedNetwork | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise unknown_name("rounding method", self.method, METHODS)

    @property
    def statistics(self) -> InputStatistics:
        """Inputs and outputs of the full network's layers (measured once)."""
        if self._statistics is None:
            self._statistics = InputStatistics.measure(self.reference, CORRECTION_IMAGES)
        return self._statistics

    @property
    def whole(self) -> QuantizedNetwork:
        """The network with 8 bits everywhere (made once)."""
        if self._whole is None:
            self._whole = self.network([FULL_PRECISION] * len(self._groups))
        return self._whole

    @property
    def _groups(self) -> tuple[BitGroup, ...]:
        return bit_groups(self.reference.folded.network)

    def weight(self, name: str, bits: int) -> Tensor:
        """Weights of a layer at ``bits`` bits, in the layer's own shape, float32."""
        if (name, bits) not in self._weights:
            layer = self.reference.folded.network.layer(name)
            for width, weight in zip(WIDTHS, self._round(layer), strict=True):
                self._weights[name, width] = weight
        return self._weights[name, bits]

    def grid(self, name: str, bits: int) -> tuple[float, int, int]:
        """Scale, zero point and largest level of a layer's inputs."""
        if (name, bits) not in self._grids:
            rows = self.statistics.samples[name].reshape(1, -1)
            grid = linear_grid(rows, bits, symmetric=False, clipping=self.clipping)
            zero = int(-grid.offset.item())
            self._grids[name, bits] = float(grid.scale.item()), zero, int(grid.high.item())
        return self._grids[name, bits]

    def network(self, design: Sequence[int]) -> QuantizedNetwork:
        """The network with the bits of ``design``, weights and activations in turn.

        Raises:
            DesignError: if the design does not fit the network.
        """
        bits = self._bits(design)
        full = self.reference.folded
        weights = {layer.name: self.weight(layer.name, bits[layer.name, WEIGHTS])
                   for layer in full.network.layers}  # fmt: skip
        grids = {layer.name: self.grid(layer.name, bits[layer.name, INPUTS])
                 for layer in full.network.layers}  # fmt: skip
        rounded = QuantizedNetwork(full.network, weights, dict(full.biases), {}, grids)
        return self._corrected(rounded) if self.correct else rounded

    def alone(self, index: int, bits: int) -> QuantizedNetwork:
        """The 8-bit network with one decision taken; what it shifts is taken back on the spot."""
        group = self._groups[index]
        whole, layer = self.whole, self.reference.folded.network.layer(group.layer)
        weights, grids, biases = dict(whole.weights), dict(whole.grids), dict(whole.biases)
        before = self._mean_output(layer, whole.weights[layer.name], FULL_PRECISION)
        if group.kind == WEIGHTS:
            weights[layer.name] = self.weight(layer.name, bits)
        else:
            grids[layer.name] = self.grid(layer.name, bits)
        width = FULL_PRECISION if group.kind == WEIGHTS else bits
        after = self._mean_output(layer, weights[layer.name], width)
        if self.correct:
            biases[layer.name] = biases[layer.name] + before - after
        return QuantizedNetwork(whole.network, weights, biases, {}, grids)

    def _mean_output(self, layer: Layer, weight: Tensor, bits: int) -> Tensor:
        """Mean outputs ``[out]`` without bias, borders left out of account."""
        rows = self.statistics.samples[layer.name]
        mean = round_to_grid(rows, *self.grid(layer.name, bits)).mean(0)
        if layer.kind == "depthwise":
            return weight.flatten(1).sum(1) * mean
        if layer.kind == "linear":
            return weight @ mean
        return weight.sum((2, 3)) @ mean

    def _bits(self, design: Sequence[int]) -> dict[tuple[str, str], int]:
        network = self.reference.folded.network
        if len(design) != len(self._groups):
            raise DesignError(
                f"{network.title} needs {len(self._groups)} bit widths, got {len(design)}"
            )
        bits = {
            (layer.name, kind): FULL_PRECISION
            for layer in network.layers
            for kind in (WEIGHTS, INPUTS)
        }
        for group, width in zip(self._groups, design, strict=True):
            if int(width) not in WIDTHS or int(width) != width:
                raise DesignError(f"{group.name} have 1 to {FULL_PRECISION} bits, not {width}")
            bits[group.layer, group.kind] = int(width)
        return bits

    @torch.inference_mode()
    def _round(self, layer: Layer) -> list[Tensor]:
        """Weights at all :data:`WIDTHS`: one pass over the columns, widths stacked as rows."""
        full = self.reference.folded.weights[layer.name]
        matrix = (
            full.flatten(1) if layer.kind == "depthwise" else weight_matrix(layer, full).flatten(1)
        )
        rows = matrix.repeat(len(WIDTHS), 1)
        bits = torch.tensor(WIDTHS).repeat_interleave(len(matrix))
        grid = linear_grid(rows, bits, clipping=self.clipping)

        def settle(values: Tensor, column: int) -> Tensor:  # noqa: ARG001
            return grid.column(values)

        if self.method == "rounded":
            settled = grid(rows)
        elif layer.kind == "depthwise":
            factor = factor_of(self.statistics.factors[layer.name])
            settled = compensate_rows(rows, factor.repeat(len(WIDTHS), 1, 1), settle)
        elif layer.name in self.reference.moments:
            settled = compensate(rows, inverse_factor(self.reference.moments[layer.name]), settle)
        else:
            settled = grid(rows)
        return [self._shaped(layer, part, full) for part in settled.chunk(len(WIDTHS))]

    @staticmethod
    def _shaped(layer: Layer, matrix: Tensor, full: Tensor) -> Tensor:
        if layer.kind == "depthwise":
            return matrix.reshape(full.shape).contiguous(memory_format=torch.channels_last)
        taps = layer.features_per_channel if layer.kind == "linear" else layer.kernel**2
        return weight_tensor(layer, matrix.reshape(len(matrix), taps, -1))

    @torch.inference_mode()
    def _corrected(self, rounded: QuantizedNetwork) -> QuantizedNetwork:
        """``rounded`` with biases that keep the mean outputs of the full network."""
        means, low = self.statistics.means, rounded.to(self.reference.recipe.dtype)
        images = self.reference.images[: self.statistics.images]

        def visit(node: Node, values: dict[str, Tensor]) -> Tensor:
            inputs = [values[source] for source in node.inputs]
            if not isinstance(node, Layer):
                return run_in_batches(low, node, inputs)
            bare = Layer(**{**vars(node), "activation": None})
            linear = run_in_batches(low, bare, inputs)
            shift = means[node.name] - channel_means(linear)
            rounded.biases[node.name] = rounded.biases[node.name] + shift
            shaped = shift if linear.dim() == 2 else shift[:, None, None]
            return ACTIVATIONS[node.activation](linear + shaped.to(linear.dtype))

        walk_nodes(rounded.network, images, visit)
        return rounded
