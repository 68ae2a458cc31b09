"""Networks as tables: what every layer computes, at which size, and who feeds whom.

A :class:`Network` is a directed acyclic graph of :class:`Node` objects in topological order.  It
holds no weights and needs no deep-learning framework; ``hwenvs.networks.modules`` turns the same
table into a ``torch.nn.Module`` whose state-dict keys are the names used here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

INPUT = "input"
"""Name of the node that stands for the image."""


@dataclass(frozen=True)
class Node:
    """One operation of a network.

    Attributes:
        name: unique name; for layers the module path, hence the prefix of the state-dict keys.
        inputs: names of the nodes it reads.
        channels: channels of its output.
        size: height and width of its output in pixels (1 after flattening).
        activation: what is applied to its output, ``"relu"`` or another name of
            ``hwenvs.networks.execution.ACTIVATIONS``, or None.
    """

    name: str
    inputs: tuple[str, ...]
    channels: int
    size: int
    activation: str | None = None


@dataclass(frozen=True)
class Layer(Node):
    """A convolution or a linear map: the nodes that own weights and cost multiply-accumulates.

    Attributes:
        kind: ``"conv"``, ``"depthwise"`` or ``"linear"``.
        in_channels: channels read.
        in_size: height and width of its input in pixels.
        kernel: height and width of the kernel in pixels.
        stride: step of the kernel in pixels.
        padding: zeros added on each side, or -1 for TensorFlow's ``SAME`` (more at right/bottom).
        features_per_channel: inputs of a linear layer per channel of the map it flattens.
        norm: module path of the batch norm behind it, or None.
        bias: whether it has a bias of its own.
        norm_epsilon: added to the batch norm's variance.
        steps: times that it runs for one image, at every pixel: the length of a sequence.
        cell: the :class:`Recurrent` node that it belongs to, or None.
    """

    kind: str = "conv"
    in_channels: int = 0
    in_size: int = 1
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    features_per_channel: int = 1
    norm: str | None = None
    bias: bool = False
    norm_epsilon: float = 1e-5
    steps: int = 1
    cell: str | None = None

    @property
    def vectors(self) -> int:
        """Input vectors that its weights are multiplied with for one image."""
        return self.size**2 * self.steps

    @property
    def closes_step(self) -> bool:
        """Whether a cell's state is renewed behind it: the matrix that reads the last output."""
        return self.cell is not None and self.cell in self.inputs and self.bias

    @property
    def weight_key(self) -> str:
        """Its weights in a state dict; matrices of a cell are called as torch calls them."""
        return self.name if self.cell else f"{self.name}.weight"

    @property
    def bias_key(self) -> str:
        """Its bias in a state dict."""
        return self.name.replace("weight", "bias") if self.cell else f"{self.name}.bias"

    @property
    def weights(self) -> int:
        """Number of weights, biases and norms not counted."""
        fan_in = 1 if self.kind == "depthwise" else self.in_channels
        return self.channels * fan_in * self.kernel**2 * self.features_per_channel

    @property
    def parameters(self) -> int:
        """Number of trainable parameters: weights, bias, and the norm's scale and shift."""
        return self.weights + self.channels * (int(self.bias) + 2 * int(self.norm is not None))

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return self.weights * self.vectors


@dataclass(frozen=True)
class Pool(Node):
    """Maximum or average pooling; ``kernel=0`` averages the whole map.

    Attributes:
        kind: ``"max"`` or ``"average"`` (padded zeros count).
        kernel: height and width of the window in pixels.
        stride: step of the window in pixels.
        padding: pixels added on each side.
        ceil: whether windows that reach over the edge count (torch's ``ceil_mode``).
    """

    kind: str = "max"
    kernel: int = 0
    stride: int = 1
    padding: int = 0
    ceil: bool = False


@dataclass(frozen=True)
class Add(Node):
    """Sum of its inputs: the end of a residual block."""


@dataclass(frozen=True)
class Concat(Node):
    """The channels of its inputs, one after the other."""


@dataclass(frozen=True)
class Pointwise(Node):
    """An activation on its own, where the values before it are read as well."""


@dataclass(frozen=True)
class PadShortcut(Node):
    """Shortcut of the CIFAR ResNets without parameters: every other pixel, zero channels added."""


@dataclass(frozen=True)
class Recurrent(Node):
    """An LSTM over the rows of a map, from top to bottom; its output is that of the last row.

    Attributes:
        layers: its matrices: of the input, of the last output, and of the projection if it has one.
        cells: memory cells.
    """

    layers: tuple[Layer, ...] = ()
    cells: int = 0


@dataclass(frozen=True)
class Network:
    """A layer table.

    Attributes:
        name: name in the zoo, e.g. ``"resnet56"``.
        title: name to print, e.g. ``"ResNet-56"``.
        nodes: operations in topological order.
        classes: number of outputs.
        resolution: height and width of the image in pixels.
        in_channels: channels of the image.
    """

    name: str
    title: str
    nodes: tuple[Node, ...]
    classes: int
    resolution: int
    in_channels: int = 3
    _by_name: dict[str, Node] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        seen = {INPUT}
        for node in self.nodes:
            missing = [source for source in node.inputs if source not in seen]
            if node.name in seen or missing:
                what = f"reads unknown nodes {missing}" if missing else "appears twice"
                raise ValueError(f"network {self.name!r}: node {node.name!r} {what}")
            seen.add(node.name)
            self._by_name[node.name] = node
            if isinstance(node, Recurrent):
                self._by_name.update({layer.name: layer for layer in node.layers})

    def __getitem__(self, name: str) -> Node:
        return self._by_name[name]

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """What has weights, in order: nodes, and the matrices inside recurrent ones."""
        found: list[Layer] = []
        for node in self.nodes:
            found += node.layers if isinstance(node, Recurrent) else ()
            found += [node] if isinstance(node, Layer) else []
        return tuple(found)

    @cached_property
    def readers(self) -> dict[str, tuple[str, ...]]:
        """For every node (and the image) the names of the nodes that read it."""
        table: dict[str, list[str]] = {INPUT: [], **{node.name: [] for node in self.nodes}}
        for node in self.nodes:
            for source in node.inputs:
                table[source].append(node.name)
        return {name: tuple(users) for name, users in table.items()}

    def node_of(self, name: str) -> Node:
        """The node that runs the layer called ``name``: the layer itself, or its cell."""
        cell = self.layer(name).cell
        return self._by_name[name if cell is None else cell]

    def layer(self, name: str) -> Layer:
        """The layer called ``name``."""
        node = self._by_name[name]
        if not isinstance(node, Layer):
            raise KeyError(f"{name!r} is a {type(node).__name__}, not a layer")
        return node

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers for one image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Trainable parameters of all layers."""
        return sum(layer.parameters for layer in self.layers)


def as_json(thing: Network | Node) -> dict[str, Any]:
    """A table or a node, JSON-able: everything that tells networks apart."""

    def value(entry: Any) -> Any:
        if isinstance(entry, Node):
            return as_json(entry)
        return [value(part) for part in entry] if isinstance(entry, tuple) else entry

    entries = {f.name: value(getattr(thing, f.name)) for f in fields(thing) if f.compare}
    return {"type": type(thing).__name__, **entries}
