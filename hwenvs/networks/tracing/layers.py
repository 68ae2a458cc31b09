"""Convolutions, linear layers, batch norms and activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwenvs.networks.base import INPUT, Layer, Pointwise
from hwenvs.networks.builder import SAME
from hwenvs.networks.tracing.values import Call, Padding, Value

if TYPE_CHECKING:
    from hwenvs.networks.tracing.table import TableWriter

PARAMETERS: dict[str, dict[str, Any]] = {
    "leaky_relu": {"negative_slope": 0.01},
    "elu": {"alpha": 1.0},
    "gelu": {"approximate": "none"},
    "softplus": {"beta": 1.0, "threshold": 20.0},
    "hardtanh": {"min_val": 0.0, "max_val": 6.0},
}
"""Parameters that activations must have to be known by name; a Hardtanh must be a ReLU6."""

ACTIVATIONS = (
    *("relu", "relu6", "leaky_relu", "elu", "silu", "gelu", "mish", "softplus"),
    *("hardswish", "hardsigmoid", "hardtanh", "sigmoid", "tanh"),
)
"""Operations that are activations."""


def square(writer: TableWriter, call: Call, attribute: str) -> int:
    """A module's attribute that has to be the same for rows and columns."""
    value = getattr(call.module, attribute)
    pair = value if isinstance(value, tuple | list) else (value, value)
    if len(set(pair)) != 1:
        writer.refuse(call, f"has {attribute} {value}", "the same in both directions")
    return int(pair[0])


def convolution(writer: TableWriter, call: Call) -> Value:
    """A plain or depthwise convolution, with the zeros padded before it."""
    module, read = call.module, writer.value(call, pending=(Padding,))
    if module.groups not in (1, module.in_channels) or (
        module.groups > 1 and module.out_channels != module.in_channels
    ):
        writer.refuse(
            call,
            f"has {module.groups} groups for {module.in_channels} input and {module.out_channels} "
            "output channels",
            "groups=1, or a depthwise convolution: groups, inputs and outputs equal",
        )
    if square(writer, call, "dilation") != 1 or module.padding_mode != "zeros":
        writer.refuse(
            call,
            f"has dilation {module.dilation} and padding mode {module.padding_mode!r}",
            "dilation 1 and zeros",
        )
    return writer.add(
        call,
        Layer,
        read,
        channels=module.out_channels,
        kind="depthwise" if module.groups > 1 else "conv",
        in_channels=module.in_channels,
        in_size=read.size,
        kernel=square(writer, call, "kernel_size"),
        stride=square(writer, call, "stride"),
        padding=_padding(writer, call, read),
        bias=module.bias is not None,
    )


def linear(writer: TableWriter, call: Call) -> Value:
    """A linear layer on vectors, or on maps flattened before it."""
    module, read = call.module, writer.value(call)
    if len(read.shape) != 1:
        writer.refuse(call, f"reads {list(read.shape)} for an image", "flattened maps")
    return writer.add(
        call,
        Layer,
        read,
        channels=module.out_features,
        kind="linear",
        in_channels=read.channels,
        features_per_channel=read.size**2,
        bias=module.bias is not None,
    )


def batch_norm(writer: TableWriter, call: Call) -> Value:
    """A norm of the layer before it; elsewhere a depthwise layer of its own: a scale and a shift.

    That is what a batch norm computes once its statistics stand still.
    """
    module, read = call.module, writer.value(call)
    if module.running_mean is None:
        writer.refuse(
            call, "has no running statistics: it scales by the batch", "track_running_stats=True"
        )
    if module.num_features != read.channels:
        writer.refuse(call, "norms pixels of a flattened map", "a norm of channels")
    node = writer.nodes[read.node]
    plain = isinstance(node, Layer) and node.norm is None and node.activation is None
    if plain and read.alone:
        writer.claim(call)
        return writer.attach(read, norm=str(call.node.target), norm_epsilon=module.eps)
    size = {"in_channels": read.channels, "in_size": read.size}
    return writer.add(
        call, Layer, read, channels=read.channels, kind="depthwise", bias=True, **size
    )


def activation(writer: TableWriter, call: Call) -> Value:
    """An activation of the node before it, or a node of its own if that is read without it."""
    read = writer.value(call)
    for name, wanted in PARAMETERS.get(call.name, {}).items():
        value = getattr(call.module, name)
        if value != wanted:
            writer.refuse(call, f"has {name}={value}", f"{name}={wanted}")
    name = "relu6" if call.name == "hardtanh" else call.name
    changeable = read.node != INPUT and writer.nodes[read.node].activation is None
    unread = read.alone or (call.in_place and not writer.is_read(read))
    if changeable and unread:
        return writer.attach(read, activation=name)
    fields = {"channels": read.channels, "size": read.size}
    own = writer.add(call, Pointwise, read, activation=name, **fields)
    if call.in_place:
        writer.rename(read.node, own.node)
    return own


def _padding(writer: TableWriter, call: Call, read: Value) -> int:
    """The convolution's padding and what was padded before it."""
    module = call.module
    kernel, stride = square(writer, call, "kernel_size"), square(writer, call, "stride")
    if module.padding == "valid":
        own = 0
    elif module.padding == "same":
        own = (kernel - 1) // 2
        if kernel % 2 == 0:
            writer.refuse(call, "pads more on one side", "a kernel of odd size")
    else:
        own = square(writer, call, "padding")
    pads = read.pending
    if not isinstance(pads, Padding):
        return own
    if pads.before == pads.after:
        return own + pads.before
    total = max((-(-read.size // stride) - 1) * stride + kernel - read.size, 0)
    if own or (pads.before, pads.after) != (total // 2, total - total // 2):
        writer.refuse(
            call,
            f"is padded by {pads.before} and {pads.after} pixels",
            "as many on both sides, or as TensorFlow's SAME has them",
        )
    return SAME


HANDLERS = {
    "conv2d": convolution,
    "linear": linear,
    "batch_norm": batch_norm,
    **dict.fromkeys(ACTIVATIONS, activation),
}
"""Operations that this module knows."""
