"""What the tensors of a graph are in the layer table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import fx, nn


@dataclass(frozen=True)
class Padding:
    """Zeros around a map that its reader has to add."""

    label: str
    before: int
    after: int


@dataclass(frozen=True)
class Halved:
    """Every other pixel of a map, to be padded with channels."""

    label: str


@dataclass(frozen=True)
class RowMeans:
    """A map averaged over its last dimension, to be averaged over the other."""

    label: str


Pending = Padding | Halved | RowMeans
"""What no node stands for until the next operation completes it."""


@dataclass(frozen=True)
class Value:
    """A tensor.

    Attributes:
        node: the table's node that puts it out.
        channels: of that node.
        size: height and width of that node in pixels.
        shape: of the tensor, the batch left out: a map, or one flattened.
        alone: whether nothing else reads the node's output, under any name.
        pending: what is still to be applied to it.
    """

    node: str
    channels: int
    size: int
    shape: tuple[int, ...] = ()
    alone: bool = True
    pending: Pending | None = None

    @property
    def is_map(self) -> bool:
        """Whether it has rows and columns."""
        return len(self.shape) == 3

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor of ``shape`` holds the node's output in its order."""
        pixels = self.size**2
        flat = (self.channels * pixels,)
        if pixels == 1:
            return shape[:1] == flat and set(shape[1:]) <= {1}
        return shape in ((self.channels, self.size, self.size), (self.channels, pixels), flat)


@dataclass(frozen=True)
class Call:
    """An operation, read the same way whether a module, a function or a method computes it.

    Attributes:
        node: in the graph.
        name: of the operation, e.g. ``"max_pool2d"``.
        module: the module, or one that does the same; None where there is none.
        args, kwargs: with values instead of tensors; args without the module.
        shape: of its output, the batch left out.
        in_place: whether it overwrites what it reads.
    """

    node: fx.Node
    name: str
    module: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    shape: tuple[int, ...]
    in_place: bool = False

    def argument(self, position: int, *names: str, default: Any = None) -> Any:
        """An argument by its position or one of its names."""
        if position < len(self.args):
            return self.args[position]
        return next((self.kwargs[name] for name in names if name in self.kwargs), default)


MODULES: dict[type[nn.Module], str] = {
    nn.Conv2d: "conv2d",
    nn.Linear: "linear",
    nn.BatchNorm1d: "batch_norm",
    nn.BatchNorm2d: "batch_norm",
    nn.MaxPool2d: "max_pool2d",
    nn.AvgPool2d: "avg_pool2d",
    nn.AdaptiveAvgPool2d: "adaptive_avg_pool2d",
    nn.AdaptiveMaxPool2d: "adaptive_max_pool2d",
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.Hardtanh: "hardtanh",
    nn.LeakyReLU: "leaky_relu",
    nn.ELU: "elu",
    nn.SiLU: "silu",
    nn.GELU: "gelu",
    nn.Mish: "mish",
    nn.Softplus: "softplus",
    nn.Hardswish: "hardswish",
    nn.Hardsigmoid: "hardsigmoid",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.ZeroPad2d: "pad",
    nn.Flatten: "flatten",
    nn.Dropout: "identity",
    nn.Dropout1d: "identity",
    nn.Dropout2d: "identity",
    nn.AlphaDropout: "identity",
    nn.Identity: "identity",
    nn.Softmax: "softmax",
    nn.LogSoftmax: "log_softmax",
}
"""Operations by module."""

WITHOUT_MODULE = {
    "add",
    "cat",
    "concat",
    "concatenate",
    "contiguous",
    "dropout",
    "dropout1d",
    "dropout2d",
    "getitem",
    "mean",
    "reshape",
    "squeeze",
    "unsqueeze",
    "view",
}
"""Operations that only functions and methods compute, or whose arguments differ from a module's."""
