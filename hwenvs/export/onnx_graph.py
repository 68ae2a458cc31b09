"""ONNX graphs of folded networks, pruned or not, built node by node from the layer table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.errors import ArgumentError, MissingExtraError
from hwenvs.networks.base import INPUT, Add, Concat, Layer, Node, PadShortcut, Pointwise, Pool

OPSET = 20
"""The first with every activation of the layer tables as one operator."""

IR_VERSION = 10
"""Of the file; runtimes refuse files newer than themselves."""

OUTPUT = "logits"
"""Name of the result."""

BATCH = "N"
"""Name of the batch dimension, which is left open."""

ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
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
"""Operator and attributes of activations; ``relu6`` and ``silu`` take more than one input."""


def load_onnx() -> Any:
    """The package ``onnx``.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import onnx
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise MissingExtraError("ONNX graphs need onnx: pip install 'hwenvs[export]'") from error
    return onnx


def to_onnx(folded: FoldedNetwork) -> Any:
    """The network as an ``onnx.ModelProto``: images ``[N, C, R, R]`` in, logits ``[N, classes]``.

    Operators are called as the nodes of the layer table, weights as in a state dict.  Pruned
    layers have the shapes of their weights; gathered inputs are picked by a ``Gather``.

    Raises:
        ArgumentError: if the network has a recurrent cell, for which no graph is written here.
        MissingExtraError: if onnx is not installed.
    """
    return _Graph(load_onnx(), folded).build()


class _Graph:
    """A graph being written.

    Args:
        onnx: the package.
        folded: the network.
    """

    def __init__(self, onnx: Any, folded: FoldedNetwork) -> None:
        self.onnx, self.folded = onnx, folded
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def build(self) -> Any:
        network, helper = self.folded.network, self.onnx.helper
        writers: dict[type[Node], Callable[[Any, list[str]], str]] = {
            Layer: self._layer,
            Pool: self._pool,
            Add: lambda node, inputs: self._alike("Add", node, inputs),
            Concat: lambda node, inputs: self._alike("Concat", node, inputs, axis=1),
            PadShortcut: self._pad_shortcut,
            Pointwise: lambda _, inputs: inputs[0],
        }
        names = {INPUT: INPUT}
        for node in network.nodes:
            if type(node) not in writers:
                kind = type(node).__name__
                raise ArgumentError(f"{network.title}: no ONNX graph of {kind} node {node.name!r}")
            written = writers[type(node)](node, [names[source] for source in node.inputs])
            names[node.name] = self._activation(node, written)
        self._op("Flatten", "output", [names[network.nodes[-1].name]], output=OUTPUT, axis=1)
        kind, size = self.onnx.TensorProto.FLOAT, network.resolution
        image = helper.make_tensor_value_info(INPUT, kind, [BATCH, network.in_channels, size, size])
        logits = helper.make_tensor_value_info(OUTPUT, kind, [BATCH, network.classes])
        graph = helper.make_graph(self.nodes, network.name, [image], [logits], self.constants)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="hwenvs"
        )

    def _op(
        self, kind: str, name: str, inputs: list[str], output: str | None = None, **attributes: Any
    ) -> str:
        """Appends an operator and returns the name of its output."""
        output = output or f"{name}:{kind}"
        self.nodes.append(
            self.onnx.helper.make_node(kind, inputs, [output], name=output, **attributes)
        )
        return output

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _integers(self, name: str, *values: int) -> str:
        return self._constant(name, np.array(values, dtype=np.int64))

    def _layer(self, layer: Layer, inputs: list[str]) -> str:
        weight = self.folded.weights[layer.name].detach().float().cpu().numpy()
        bias = self.folded.biases[layer.name].detach().float().cpu().numpy()
        read = self._gather(layer, inputs[0])
        if layer.kind == "linear":
            read = self._op("Flatten", layer.name, [read], axis=1)
        arrays = [
            self._constant(layer.weight_key, weight),
            self._constant(layer.bias_key, bias),
        ]
        if layer.kind == "linear":
            return self._op("Gemm", layer.name, [read, *arrays], transB=1)
        if layer.in_size == 1:
            read = self._pixel(layer.name, read)
        before = after = layer.padding
        if layer.padding < 0:
            total = max((layer.size - 1) * layer.stride + layer.kernel - layer.in_size, 0)
            before, after = total // 2, total - total // 2
        return self._op(
            "Conv",
            layer.name,
            [read, *arrays],
            kernel_shape=[layer.kernel] * 2,
            strides=[layer.stride] * 2,
            pads=[before, before, after, after],
            group=len(weight) if layer.kind == "depthwise" else 1,
        )

    def _gather(self, layer: Layer, read: str) -> str:
        if layer.name not in self.folded.gathers:
            return read
        channels = self.folded.gathers[layer.name].cpu().numpy().astype(np.int64)
        picked = self._constant(f"{layer.name}.channels", channels)
        if layer.kind == "linear":
            shape = self._integers(f"{layer.name}.maps", 0, -1, layer.features_per_channel)
            read = self._op("Reshape", layer.name, [read, shape])
        return self._op("Gather", layer.name, [read, picked], axis=1)

    def _pool(self, node: Pool, inputs: list[str]) -> str:
        if not node.kernel:
            return self._op("GlobalAveragePool", node.name, inputs)
        kind = "MaxPool" if node.kind == "max" else "AveragePool"
        counted: dict[str, Any] = {} if node.kind == "max" else {"count_include_pad": 1}
        return self._op(
            kind,
            node.name,
            inputs,
            kernel_shape=[node.kernel] * 2,
            strides=[node.stride] * 2,
            pads=[node.padding] * 4,
            ceil_mode=int(node.ceil),
            **counted,
        )

    def _pad_shortcut(self, node: PadShortcut, inputs: list[str]) -> str:
        at = node.name
        slices = [
            self._integers(f"{at}.starts", 0, 0),
            self._integers(f"{at}.ends", 2**31 - 1, 2**31 - 1),
            self._integers(f"{at}.axes", 2, 3),
            self._integers(f"{at}.steps", 2, 2),
        ]
        source = node.inputs[0]
        given = self.folded.network
        read = given.in_channels if source == INPUT else given[source].channels
        extra = node.channels - read
        first, last = extra // 2, extra - extra // 2
        sliced = self._op("Slice", at, [*inputs, *slices])
        pads = self._integers(f"{at}.pads", 0, first, 0, 0, 0, last, 0, 0)
        return self._op("Pad", at, [sliced, pads])

    def _alike(self, kind: str, node: Node, inputs: list[str], **attributes: Any) -> str:
        """A sum or a concatenation; maps of one pixel may meet vectors: all are maps then."""
        if node.size == 1:
            inputs = [self._pixel(f"{node.name}.{i}", name) for i, name in enumerate(inputs)]
        return self._op(kind, node.name, inputs, **attributes)

    def _pixel(self, name: str, read: str) -> str:
        shape = self._integers(f"{name}.pixel", 0, -1, 1, 1)
        return self._op("Reshape", f"{name}.pixel", [read, shape])

    def _activation(self, node: Node, read: str) -> str:
        kind, at = node.activation, f"{node.name}.activation"
        if kind is None:
            return read
        if kind == "relu6":
            limits = [
                self._constant(f"{at}.{name}", np.array(value, np.float32))
                for name, value in (("lowest", 0), ("highest", 6))
            ]
            return self._op("Clip", at, [read, *limits])
        if kind == "silu":
            return self._op("Mul", at, [read, self._op("Sigmoid", at, [read])])
        operator, attributes = ACTIVATIONS[kind]
        return self._op(operator, at, [read], **attributes)
