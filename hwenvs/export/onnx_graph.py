"""Networks as ONNX models, built operator by operator from their layer tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.export.onnx_layers import LayerWriter, as_maps
from hwenvs.export.writer import GraphWriter, Value, require_extra
from hwenvs.networks.base import (
    INPUT,
    Add,
    Concat,
    Layer,
    Node,
    PadShortcut,
    Pool,
    Recurrent,
)

if TYPE_CHECKING:
    from onnx import ModelProto

IMAGES, LOGITS = "images", "logits"
"""Names of the model's input ``[batch, C, R, R]`` and output ``[batch, classes]``."""

OPERATORS: dict[str, tuple[str, dict[str, float]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
    "elu": ("Elu", {"alpha": 1.0}),
    "gelu": ("Gelu", {}),
    "mish": ("Mish", {}),
    "softplus": ("Softplus", {}),
    "hardswish": ("HardSwish", {}),
    "hardsigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
}
"""Activations that are one operator, with torch's default parameters."""


def to_onnx(folded: FoldedNetwork) -> ModelProto:
    """The network as an ONNX model that computes the same, for any number of images.

    The operator that holds a layer's weights is called like the layer.  Layers of a
    :class:`~hwenvs.compression.quantized.QuantizedNetwork` read their inputs through
    QuantizeLinear and DequantizeLinear (uint8, the layer's own scale and zero point; a Clip before
    them where there are fewer than 8 bits); their weights are int8, or int4 where 4 bits hold them,
    with a scale per output channel, unless a codebook's values lie on no even levels.

    Args:
        folded: the network, pruned and quantized or not.

    Returns:
        A model with input ``images [batch, C, R, R]`` and output ``logits [batch, classes]``, both
        float32.

    Raises:
        MissingExtraError: without onnx.
    """
    require_extra()
    network = folded.network
    writer = GraphWriter()
    layers = LayerWriter(writer, folded)
    values = {INPUT: Value(IMAGES, 4, network.in_channels)}
    for node in network.nodes:
        inputs = [values[source] for source in node.inputs]
        values[node.name] = _activated(writer, node, _run(writer, layers, node, inputs))
    writer.op("Flatten", [values[network.nodes[-1].name].name], LOGITS)
    shape = ("batch", network.in_channels, network.resolution, network.resolution)
    return writer.model(network.name, {IMAGES: shape}, {LOGITS: ("batch", network.classes)})


def _run(writer: GraphWriter, layers: LayerWriter, node: Node, inputs: Sequence[Value]) -> Value:
    """Output of a node before its activation."""
    x = inputs[0]
    if isinstance(node, Layer):
        return layers.layer(node, x)
    if isinstance(node, Recurrent):
        return layers.cell(node, x)
    if isinstance(node, Pool):
        return _pool(writer, node, x)
    if isinstance(node, PadShortcut):
        return _pad_shortcut(writer, node, x)
    if isinstance(node, Add | Concat):
        if node.size == 1:
            inputs = [as_maps(writer, v, f"{node.name}.{i}") for i, v in enumerate(inputs)]
        names = [value.name for value in inputs]
        rank = inputs[0].rank
        if isinstance(node, Add):
            return Value(writer.op("Add", names, node.name), rank, inputs[0].channels)
        channels = sum(value.channels for value in inputs)
        return Value(writer.op("Concat", names, node.name, axis=1), rank, channels)
    return x


def _pool(writer: GraphWriter, node: Pool, x: Value) -> Value:
    if not node.kernel:
        writer.op("GlobalAveragePool", [x.name], node.name)
        return Value(node.name, 4, x.channels)
    average = {} if node.kind == "max" else {"count_include_pad": 1}
    writer.op(
        "MaxPool" if node.kind == "max" else "AveragePool",
        [x.name],
        node.name,
        kernel_shape=[node.kernel] * 2,
        strides=[node.stride] * 2,
        pads=[node.padding] * 4,
        ceil_mode=int(node.ceil),
        **average,
    )
    return Value(node.name, 4, x.channels)


def _pad_shortcut(writer: GraphWriter, node: PadShortcut, x: Value) -> Value:
    """Every other pixel, zero channels on both sides."""
    extra = node.channels - x.channels
    every_other = [
        writer.integers("first pixel", 0, 0),
        writer.integers("last pixel", *[np.iinfo(np.int64).max] * 2),
        writer.integers("pixel axes", 2, 3),
        writer.integers("every other", 2, 2),
    ]
    picked = writer.op("Slice", [x.name, *every_other], f"{node.name}.pixels")
    before, after = extra // 2, extra - extra // 2
    pads = writer.integers(f"{node.name}.pads", 0, before, 0, 0, 0, after, 0, 0)
    return Value(writer.op("Pad", [picked, pads], node.name), 4, node.channels)


def _activated(writer: GraphWriter, node: Node, x: Value) -> Value:
    kind, name = node.activation, f"{node.name}.{node.activation}"
    if kind is None:
        return x
    if kind == "relu6":
        limits = [writer.scalar("zero", 0.0), writer.scalar("six", 6.0)]
        writer.op("Clip", [x.name, *limits], name)
    elif kind == "silu":
        writer.op("Mul", [x.name, writer.op("Sigmoid", [x.name], f"{name}.gate")], name)
    else:
        operator, attributes = OPERATORS[kind]
        writer.op(operator, [x.name], name, **attributes)
    return Value(name, x.rank, x.channels)
