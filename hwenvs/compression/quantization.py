"""Quantizes networks: weights rounded layer by layer, inputs rounded as they are read.

Rounding alone ruins a network long before fine-tuning would: MobileNetV1 guesses at 4 bits.  One
pass over calibration images takes back most of it.  Every layer is re-fitted to the full network's
outputs on the inputs that it really gets, so that it also makes up for what the layers before it
lost; then it is rounded, each rounding error spread over later columns; then its bias brings every
channel's mean output back to the full network's (Nagel et al., 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from hwenvs.compression.compensation import factor_of, inverse_factor
from hwenvs.compression.least_squares import MomentMatrices, depthwise_moments, solve_depthwise
from hwenvs.compression.quantized import (
    WIDTHS,
    LayerBits,
    QuantizedNetwork,
    layer_bits,
    round_to_grid,
)
from hwenvs.compression.quantizers import linear_grid
from hwenvs.compression.reference import Reference, run_in_batches, walk_nodes
from hwenvs.compression.refitting import Target, refit
from hwenvs.compression.rounding import LayerRounder
from hwenvs.compression.statistics import InputStatistics, channel_means
from hwenvs.networks import FULL_PRECISION, bit_groups
from hwenvs.networks.base import INPUT, Layer, Node
from hwenvs.networks.execution import ACTIVATIONS
from hwenvs.networks.precision import WEIGHTS

CORRECTION_IMAGES = 100
"""Calibration images that mean outputs are compared on."""


@dataclass
class QuantizedLibrary:
    """Layers of a network at any bit width, and networks put together from them.

    Args:
        reference: the full network on calibration images.
        clipping: how the ranges of weights and of activations are chosen, a name of
            :data:`hwenvs.compression.clipping.CLIPPINGS`.
        correct: whether designs get their biases corrected.
    """

    reference: Reference
    clipping: str = "mse"
    correct: bool = True
    _rounders: dict[str, LayerRounder] = field(default_factory=dict)
    _weights: dict[tuple[str, int], Tensor] = field(default_factory=dict)
    _grids: dict[tuple[str, int], tuple[float, int, int]] = field(default_factory=dict)
    _statistics: InputStatistics | None = None
    _whole: QuantizedNetwork | None = None

    @property
    def method(self) -> str:
        """How weights are chosen, see :class:`hwenvs.compression.recipe.Recipe`.

        ``"sequential"`` re-fits every layer before it is rounded; ``"independent"`` only spreads
        rounding errors over later columns, on the full network's inputs; ``"none"`` rounds.
        """
        return self.reference.recipe.method

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
            groups = bit_groups(self.reference.folded.network)
            self._whole = self.network([FULL_PRECISION] * len(groups))
        return self._whole

    def rounder(self, layer: Layer) -> LayerRounder:
        """What rounds the weights of ``layer``."""
        if layer.name not in self._rounders:
            full = self.reference.folded.weights[layer.name]
            levels = self.reference.recipe.levels
            self._rounders[layer.name] = LayerRounder(layer, full, self.clipping, levels)
        return self._rounders[layer.name]

    def weight(self, name: str, bits: int) -> Tensor:
        """The full weights of a layer at ``bits`` bits, in the layer's own shape, float32."""
        if (name, bits) not in self._weights:
            layer = self.reference.folded.network.layer(name)
            rounded = self.rounder(layer).everywhere(self._factor(layer))
            for width, weight in zip(WIDTHS, rounded, strict=True):
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
        full = self.reference.folded
        bits = layer_bits(full.network, design)
        weights = {name: self.weight(name, of.weights) for name, of in bits.items()}
        grids = {name: self.grid(name, of.inputs) for name, of in bits.items()}
        start = QuantizedNetwork(full.network, weights, dict(full.biases), {}, grids)
        if not self.correct and self.method != "sequential":
            return start
        return _Pass(self, start, bits).run()

    def alone(self, index: int, bits: int) -> QuantizedNetwork:
        """The 8-bit network with one decision taken; what it shifts is taken back on the spot."""
        whole = self.whole
        group = bit_groups(whole.network)[index]
        layer = whole.network.layer(group.layer)
        weights, grids, biases = dict(whole.weights), dict(whole.grids), dict(whole.biases)
        before = self._mean_output(layer, weights[layer.name], grids[layer.name])
        if group.kind == WEIGHTS:
            weights[layer.name] = self.weight(layer.name, bits)
        else:
            grids[layer.name] = self.grid(layer.name, bits)
        after = self._mean_output(layer, weights[layer.name], grids[layer.name])
        if self.correct:
            biases[layer.name] = biases[layer.name] + before - after
        return QuantizedNetwork(whole.network, weights, biases, {}, grids)

    def _mean_output(self, layer: Layer, weight: Tensor, grid: tuple[float, int, int]) -> Tensor:
        """Mean outputs ``[out]`` without bias, borders left out of account."""
        mean = round_to_grid(self.statistics.samples[layer.name], *grid).mean(0)
        if layer.kind == "depthwise":
            return weight.flatten(1).sum(1) * mean
        if layer.kind == "linear":
            return weight @ mean
        return weight.sum((2, 3)) @ mean

    def _factor(self, layer: Layer) -> Tensor | None:
        """See :meth:`LayerRounder.at`, from the full network's inputs."""
        if self.method == "none":
            return None
        if layer.kind == "depthwise":
            return factor_of(self.statistics.moments[layer.name])
        moments = self.reference.moments.get(layer.name)
        return None if moments is None else inverse_factor(moments)


class _Pass:
    """One pass over the calibration images that settles weights and biases layer by layer."""

    def __init__(
        self, library: QuantizedLibrary, start: QuantizedNetwork, bits: dict[str, LayerBits]
    ) -> None:
        self.library, self.reference, self.bits = library, library.reference, bits
        self.network = start
        self.low = start.to(self.reference.recipe.dtype)
        self.changed = False

    @torch.inference_mode()
    def run(self) -> QuantizedNetwork:
        images, library = self.reference.images, self.library
        if library.method != "sequential":
            images = images[: library.statistics.images]
        walk_nodes(self.network.network, images, self._visit)
        return self.network

    def _visit(self, node: Node, values: dict[str, Tensor]) -> Tensor:
        inputs = [values[source] for source in node.inputs]
        if not isinstance(node, Layer):
            return run_in_batches(self.low, node, inputs)
        self.changed = self.changed or self.bits[node.name] != LayerBits()
        if self.library.method == "sequential" and self.changed and node.inputs[0] != INPUT:
            self._refit(node, values)
        linear = run_in_batches(self.low, replace(node, activation=None), inputs)
        if self.library.correct:
            statistics = self.library.statistics
            shift = statistics.means[node.name] - channel_means(linear[: statistics.images])
            self._store(node, None, self.network.biases[node.name] + shift)
            linear += (shift if linear.dim() == 2 else shift[:, None, None]).to(linear.dtype)
        return ACTIVATIONS[node.activation](linear)

    def _refit(self, layer: Layer, values: dict[str, Tensor]) -> None:
        recipe, full = self.reference.recipe, self.reference.folded
        patches = self.reference.patches(layer, values[layer.inputs[0]])
        patches = round_to_grid(patches, *self.network.grids[layer.name])
        target = Target.of(self.reference, layer, values)
        prior = full.weights[layer.name], full.biases[layer.name]
        if layer.kind == "depthwise":
            weight, bias = solve_depthwise(patches, target.outputs, *prior, recipe.ridge)
            factor = factor_of(depthwise_moments(patches))
        else:
            inputs = patches.flatten(1)
            moments = MomentMatrices.of(inputs, target.outputs)
            weight, bias = refit(recipe, layer, inputs, moments, target, prior)
            factor = inverse_factor(moments)
        width = self.bits[layer.name].weights
        self._store(layer, self.library.rounder(layer).at(width, weight, factor), bias)

    def _store(self, layer: Layer, weight: Tensor | None, bias: Tensor) -> None:
        for network in (self.network, self.low):
            if weight is not None:
                network.weights[layer.name] = weight.to(network.dtype)
            network.biases[layer.name] = bias.to(network.dtype)
