"""Layers with weights as ONNX operators, quantized ones with rounded inputs and integer weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.quantized import QuantizedNetwork
from hwenvs.export.codes import find_codes
from hwenvs.export.writer import FLOAT, GraphWriter, Value
from hwenvs.networks.base import Layer, Recurrent

LEVELS = 255
"""Largest level of 8 bits: rounding to uint8 clips there by itself."""


@dataclass
class LayerWriter:
    """Writes the layers of one network.

    Args:
        writer: takes the operators.
        folded: the network.
    """

    writer: GraphWriter
    folded: FoldedNetwork
    _written: set[str] = field(default_factory=set)
    _exact: set[str] = field(default_factory=set)
    """Layers with weights of few bits or of a codebook, which integer kernels would spoil."""

    def layer(self, layer: Layer, x: Value) -> Value:
        """Output of ``layer`` before its activation; its operator is called like the layer."""
        linear = layer.kind == "linear"
        if linear and x.rank == 4:
            x = Value(self.writer.op("Flatten", [x.name], f"{layer.name}.flat"), 2, x.channels)
        if not linear and x.rank == 2:
            x = as_maps(self.writer, x, f"{layer.name}.pixel")
        weight = self._weight(layer)
        operands = [self._rounded(layer, self._gathered(layer, x.name), ""), weight]
        channels = len(self.folded.weights[layer.name])
        apart = layer.name in self._exact
        operands += [] if apart else [self._bias(layer)]
        if linear:
            self.writer.op("Gemm", operands, layer.name, transB=1)
        else:
            self.writer.op("Conv", operands, layer.name, **_window(layer, channels))
        name = self._plus_bias(layer) if apart else layer.name
        return Value(name, 2 if linear else 4, channels)

    def _plus_bias(self, layer: Layer) -> str:
        bias = _array(self.folded.biases[layer.name])
        values = bias if layer.kind == "linear" else bias[:, None, None]
        constant = self.writer.constant(f"{layer.name}.bias", values)
        return self.writer.op("Add", [layer.name, constant], f"{layer.name}.sum")

    def cell(self, node: Recurrent, x: Value) -> Value:
        """Output of an LSTM, one step after the other."""
        op, at = self.writer.op, node.name
        inputs, recurrent, *projection = node.layers
        rows = op("Transpose", [x.name], f"{at}.rows", perm=[0, 2, 1, 3])
        flat = self.writer.integers(f"{at}.shape", 0, inputs.steps, -1)
        driven = self._product(inputs, op("Reshape", [rows, flat], f"{at}.steps"), "")
        h, c = (
            self._zeros(x, f"{at}.{n}", s) for n, s in (("h", node.channels), ("c", node.cells))
        )
        for step in range(inputs.steps):
            now = f"{at}.{step}"
            index = self.writer.constant(f"{now}.index", np.array([step], np.int64))
            drive = op("Squeeze", [
                op("Gather", [driven, index], f"{now}.drive", axis=1),
                self.writer.integers("second axis", 1),
            ], f"{now}.driven")  # fmt: skip
            gates = op("Add", [drive, self._product(recurrent, h, f".{step}")], f"{now}.gates")
            h, c = self._step(now, gates, c)
            for matrix in projection:
                h = self._product(matrix, h, f".{step}")
        return Value(h, 2, node.channels)

    def _step(self, now: str, gates: str, c: str) -> tuple[str, str]:
        op = self.writer.op
        parts = [f"{now}.{gate}" for gate in "ifgo"]
        self.writer.ops("Split", [gates], f"{now}.split", parts, axis=1, num_outputs=4)
        kinds = ("Sigmoid", "Sigmoid", "Tanh", "Sigmoid")
        i, f, g, o = (op(k, [p], f"{p}.open") for k, p in zip(kinds, parts, strict=True))
        kept, new = op("Mul", [f, c], f"{now}.kept"), op("Mul", [i, g], f"{now}.new")
        c = op("Add", [kept, new], f"{now}.c")
        return op("Mul", [o, op("Tanh", [c], f"{now}.tanh")], f"{now}.h"), c

    def _zeros(self, x: Value, name: str, size: int) -> str:
        op = self.writer.op
        images = op("Shape", [x.name], f"{name}.images", start=0, end=1)
        sizes = [images, self.writer.integers(f"{name}.size", size)]
        return op("ConstantOfShape", [op("Concat", sizes, f"{name}.sizes", axis=0)], name)

    def _product(self, layer: Layer, x: str, suffix: str) -> str:
        """A matrix of a cell times vectors in the last axis, plus its bias."""
        weight = self._weight(layer)
        turned = f"{weight}.turned"
        if turned not in self._written:
            self._written.add(turned)
            self.writer.op("Transpose", [weight], turned, perm=[1, 0])
        product = self.writer.op(
            "MatMul", [self._rounded(layer, x, suffix), turned], f"{layer.name}{suffix}"
        )
        return self.writer.op("Add", [product, self._bias(layer)], f"{product}.sum")

    def _gathered(self, layer: Layer, x: str) -> str:
        """The channels that the layer reads."""
        if layer.name not in self.folded.gathers:
            return x
        channels = self.folded.gathers[layer.name].cpu().numpy()
        if layer.kind == "linear":
            features = np.arange(layer.features_per_channel)
            channels = (channels[:, None] * layer.features_per_channel + features).ravel()
        index = self.writer.constant(f"{layer.name}.channels", channels.astype(np.int64))
        return self.writer.op("Gather", [x, index], f"{layer.name}.gather", axis=1)

    def _rounded(self, layer: Layer, x: str, suffix: str) -> str:
        """The input as a quantized layer sees it; its weights must be written already."""
        if not isinstance(self.folded, QuantizedNetwork) or layer.name not in self.folded.grids:
            return x
        (scale, zero, most), op, at = self.folded.grids[layer.name], self.writer.op, layer.name
        limits = [
            self.writer.scalar(f"{at}.low", -zero * scale),
            self.writer.scalar(f"{at}.high", (most - zero) * scale),
        ]
        apart = layer.name in self._exact
        if most < LEVELS and not apart:
            x = op("Clip", [x, *limits], f"{at}.clip{suffix}")
        grid = [
            self.writer.scalar(f"{at}.input_scale", scale),
            self.writer.level(f"{at}.input_zero", zero),
        ]
        levels = op("QuantizeLinear", [x, *grid], f"{at}.levels{suffix}")
        name = op("DequantizeLinear", [levels, *grid], f"{at}.input{suffix}")
        # Weights right behind a DequantizeLinear onnxruntime would round once more, to 8 bits a
        # tensor.  Limits are levels: clipping afterwards is the same.
        return op("Clip", [name, *limits], f"{at}.clip{suffix}") if apart else name

    def _weight(self, layer: Layer) -> str:
        """Weights in float32, or as integers where they lie on even levels."""
        name = f"{layer.name}.weight"
        if name in self._written:
            return name
        self._written.add(name)
        weight = _array(self.folded.weights[layer.name])
        quantized = isinstance(self.folded, QuantizedNetwork)
        codes = find_codes(weight.reshape(len(weight), -1)) if quantized else None
        if quantized and (codes is None or codes.four_bits):
            self._exact.add(layer.name)
        if codes is None:
            return self.writer.constant(name, weight)
        shape, op = weight.shape, self.writer.op
        if codes.four_bits:
            # Not DequantizeLinear: onnxruntime would repeat it, slowly, in every run.
            stored = self.writer.narrow(f"{name}.codes", codes.values.reshape(shape))
            factors = codes.scales.reshape(-1, *[1] * (len(shape) - 1))
            scales = self.writer.constant(f"{name}.scales", factors)
            return op("Mul", [op("Cast", [stored], f"{name}.float", to=FLOAT), scales], name)
        operands = [
            self.writer.constant(f"{name}.codes", codes.values.reshape(shape)),
            self.writer.constant(f"{name}.scales", codes.scales),
            # All 0, as where there are none; but onnxruntime's own rewriting asks for them.
            self.writer.constant(f"{name}.zeros", np.zeros(len(weight), np.int8)),
        ]
        return op("DequantizeLinear", operands, name, axis=0)

    def _bias(self, layer: Layer) -> str:
        return self.writer.constant(f"{layer.name}.bias", _array(self.folded.biases[layer.name]))


def as_maps(writer: GraphWriter, x: Value, name: str) -> Value:
    """Vectors as maps of one pixel."""
    if x.rank == 4:
        return x
    shape = writer.integers("one pixel", 0, -1, 1, 1)
    return Value(writer.op("Reshape", [x.name, shape], name), 4, x.channels)


def _window(layer: Layer, channels: int) -> dict[str, Any]:
    """Attributes of a convolution."""
    return {
        "kernel_shape": [layer.kernel] * 2,
        "strides": [layer.stride] * 2,
        "pads": _pads(layer),
        "group": channels if layer.kind == "depthwise" else 1,
    }


def _pads(layer: Layer) -> list[int]:
    """Zeros at top, left, bottom and right; TensorFlow's ``SAME`` has more at bottom and right."""
    if layer.padding >= 0:
        return [layer.padding] * 4
    total = max((layer.size - 1) * layer.stride + layer.kernel - layer.in_size, 0)
    return [total // 2] * 2 + [total - total // 2] * 2


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().float().cpu().contiguous().numpy()
    return array
