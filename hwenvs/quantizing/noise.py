"""How far a quantized model is from the original, layer by layer: signal-to-noise ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.export.runtime import open_session
from hwenvs.quantizing.model import layers_of
from hwenvs.quantizing.ranges import run, with_outputs
from hwenvs.quantizing.signature import Feed

if TYPE_CHECKING:
    from onnx import ModelProto

DEQUANTIZED, UNROUNDED = "_DequantizeLinear_Output", "_QuantizeLinear_Input"
"""What onnxruntime adds to the name of a tensor for its rounded values; where the tensor is an
output of the model, to that of the values before rounding."""


@dataclass(frozen=True)
class LayerNoise:
    """Signal-to-noise ratios of a layer, in dB; infinite where nothing was lost.

    Attributes:
        name: of the layer.
        kind: its operator.
        weights: of its weights.
        outputs: of its outputs, behind the activation that was merged into it, with all layers
            before it quantized as well.
    """

    name: str
    kind: str
    weights: float
    outputs: float


@dataclass
class Power:
    """Power of a signal and of its noise, summed up."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, exact: NDArray[Any], rounded: NDArray[Any]) -> None:
        """Counts values and what became of them."""
        wide = exact.astype(np.float64)
        self.signal += float((wide**2).sum())
        self.noise += float(((wide - rounded) ** 2).sum())

    @property
    def decibels(self) -> float:
        """``10 log10(signal / noise)``."""
        if self.noise == 0.0:
            return math.inf
        return 10.0 * math.log10(self.signal / self.noise) if self.signal else -math.inf


def layer_noise(
    model: ModelProto, quantized: ModelProto, feeds: Sequence[Feed]
) -> tuple[LayerNoise, ...]:
    """Signal-to-noise ratio of every layer.

    Args:
        model: the original, from :func:`hwenvs.quantizing.model.prepare`.
        quantized: the same with 8 bits.
        feeds: inputs to compare on; not those of the calibration, if there are others.
    """
    from onnx import numpy_helper

    layers = layers_of(model)
    weights = {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}
    made = {name for node in quantized.graph.node for name in node.output}
    # Where an activation was merged into a layer, the layer now writes the activation's output.
    outputs = {n.name: n.output[0].removesuffix(UNROUNDED) for n in quantized.graph.node}
    tensors = [outputs.get(node.name, node.output[0]) for node in layers]
    read = [n + DEQUANTIZED if n + DEQUANTIZED in made else n for n in tensors]
    exact = open_session(with_outputs(model, tensors), exact=True)
    rough = open_session(with_outputs(quantized, read), exact=True)
    powers = [Power() for _ in layers]
    for number, feed in enumerate(feeds):
        pairs = (run(session, feed, f"batch {number}") for session in (exact, rough))
        for power, before, after in zip(powers, *pairs, strict=True):
            power.add(before, after)
    kept = _rounded_weights(quantized, [node.input[1] for node in layers], made, feeds[0])
    found = []
    for node, power in zip(layers, powers, strict=True):
        matrix = Power()
        matrix.add(weights[node.input[1]], kept.get(node.input[1], weights[node.input[1]]))
        found.append(LayerNoise(node.name, node.op_type, matrix.decibels, power.decibels))
    return tuple(found)


def _rounded_weights(
    quantized: ModelProto, names: Sequence[str], made: set[str], feed: Feed
) -> dict[str, NDArray[Any]]:
    """Weights as the quantized model computes with them."""
    found = [name for name in dict.fromkeys(names) if name + DEQUANTIZED in made]
    if not found:
        return {}
    session = open_session(with_outputs(quantized, [n + DEQUANTIZED for n in found]), exact=True)
    wanted = {entry.name for entry in session.get_inputs()}
    values = run(session, {n: v for n, v in feed.items() if n in wanted}, "its weights")
    return dict(zip(found, values, strict=True))
