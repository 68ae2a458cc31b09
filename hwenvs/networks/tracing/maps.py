"""Pooling, means, padding, slices, and what only changes a tensor's shape."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hwenvs.networks.base import PadShortcut, Pool
from hwenvs.networks.tracing.layers import square
from hwenvs.networks.tracing.values import Call, Halved, Padding, RowMeans, Value

if TYPE_CHECKING:
    from hwenvs.networks.tracing.table import TableWriter

HALF = (slice(None), slice(None), slice(None, None, 2), slice(None, None, 2))
"""Index of every other pixel."""


def max_pool(writer: TableWriter, call: Call) -> Value:
    """Maximum pooling."""
    if square(writer, call, "dilation") != 1 or call.module.return_indices:
        writer.refuse(call, "is dilated or returns indices", "dilation=1, return_indices=False")
    return _windows(writer, call, "max")


def average_pool(writer: TableWriter, call: Call) -> Value:
    """Average pooling."""
    module = call.module
    uneven = square(writer, call, "padding") and not module.count_include_pad
    if uneven or module.divisor_override is not None:
        writer.refuse(
            call, "divides by other numbers than the window's pixels", "count_include_pad=True"
        )
    return _windows(writer, call, "average")


def adaptive_pool(writer: TableWriter, call: Call) -> Value:
    """Pooling to a given size: with even windows, or nothing at all."""
    read = _map(writer, call)
    size = call.shape[-1]
    if len(call.shape) != 3 or call.shape[-2] != size or read.size % size:
        writer.refuse(
            call,
            f"makes {list(call.shape[1:])} pixels of {read.size} x {read.size}",
            "square outputs whose size divides the input's",
        )
    if size == read.size:
        return read
    kind = "max" if call.name == "adaptive_max_pool2d" else "average"
    if size == 1 and kind == "average":
        return _pool(writer, call, read, kind)
    return _pool(writer, call, read, kind, read.size // size, read.size // size)


def mean(writer: TableWriter, call: Call) -> Value:
    """The average over whole maps, in one step or rows before columns."""
    read = writer.value(call, pending=(RowMeans,))
    dims = call.argument(1, "dim", "axis")
    dims = dims if isinstance(dims, tuple | list) else (dims,)
    rank = len(read.shape) + 1
    over = {d % rank for d in dims if isinstance(d, int)}
    if over == {3} and rank == 4 and read.pending is None:
        return replace(read, pending=RowMeans(writer.label(call)))
    rows = isinstance(read.pending, RowMeans)
    if rank == 2 or over != ({2} if rows else set(range(2, rank))):
        writer.refuse(call, f"averages over dimensions {dims}", "means over whole maps: (2, 3)")
    return _pool(writer, call, replace(read, pending=None), "average")


def pad(writer: TableWriter, call: Call) -> Value:
    """Zeros around a map, for the convolution behind it; or the channels of a shortcut."""
    read = writer.value(call, pending=(Halved,))
    pads: Any = call.module.padding if call.module else call.argument(1, "pad")
    mode, value = call.argument(2, "mode", default="constant"), call.argument(3, "value")
    left, right, top, bottom, front, back, *rest = [*pads, 0, 0, 0, 0, 0, 0][: max(len(pads), 6)]
    if isinstance(read.pending, Halved):
        extra = front + back
        if (left, right, top, bottom) == (0, 0, 0, 0) and front == extra // 2 and extra > 0:
            channels = read.channels + extra
            return writer.add(call, PadShortcut, replace(read, pending=None), channels=channels)
        writer.refuse(call, f"pads {pads}", "zero channels, half before and half after")
    even = (left, right) == (top, bottom) and not any((front, back, *rest))
    if mode != "constant" or value not in (None, 0) or not even or min(pads, default=0) < 0:
        writer.refuse(call, f"pads {pads} in mode {mode!r}", "zeros, alike for rows and columns")
    if not left and not right:
        return read
    return replace(read, pending=Padding(writer.label(call), left, right))


def index(writer: TableWriter, call: Call) -> Value:
    """Every other pixel, or a map of one pixel without its dimensions."""
    read, where = writer.value(call), call.args[1]
    where = where if isinstance(where, tuple) else (where,)
    if where == HALF and read.is_map:
        return replace(read, pending=Halved(writer.label(call)))
    if not all(one in (slice(None), Ellipsis, None, 0, -1) for one in where):
        writer.refuse(call, f"picks {where}", "x[:, :, ::2, ::2], or x[:, :, 0, 0] of one pixel")
    return read


def reshape(writer: TableWriter, call: Call) -> Value:
    """The same numbers in the same order in another shape."""
    return writer.value(call)


def dropout(writer: TableWriter, call: Call) -> Value:
    """Nothing, outside of training."""
    if call.argument(2, "training", default=True):
        writer.refuse(
            call, "drops values outside of training as well", "training=self.training, nn.Dropout"
        )
    return writer.value(call)


def softmax(writer: TableWriter, call: Call) -> Value:
    """Left out at the end: tables end with logits."""
    value = writer.value(call)
    if any(user.op != "output" for user in call.node.users) or len(value.shape) != 1:
        writer.refuse(call, "is not the last operation", "a softmax over the classes at the end")
    writer.ending = call.name
    return value


def _windows(writer: TableWriter, call: Call, kind: str) -> Value:
    read = _map(writer, call)
    kernel, padding = square(writer, call, "kernel_size"), square(writer, call, "padding")
    if kind == "average" and kernel == read.size and not padding:
        return _pool(writer, call, read, kind)
    stride = square(writer, call, "stride")
    floored = (read.size + 2 * padding - kernel) // stride + 1
    ceil = bool(call.module.ceil_mode) and call.shape[-1] != floored
    return _pool(writer, call, read, kind, kernel, stride, padding, ceil)


def _pool(
    writer: TableWriter,
    call: Call,
    read: Value,
    kind: str,
    kernel: int = 0,
    stride: int = 1,
    padding: int = 0,
    ceil: bool = False,
) -> Value:
    sizes = {"kernel": kernel, "stride": stride, "padding": padding, "ceil": ceil}
    return writer.add(call, Pool, read, channels=read.channels, kind=kind, **sizes)


def _map(writer: TableWriter, call: Call) -> Value:
    read = writer.value(call)
    if not read.is_map:
        writer.refuse(call, f"reads {list(read.shape)} for an image", "maps")
    return read


HANDLERS = {
    "max_pool2d": max_pool,
    "avg_pool2d": average_pool,
    "adaptive_avg_pool2d": adaptive_pool,
    "adaptive_max_pool2d": adaptive_pool,
    "mean": mean,
    "pad": pad,
    "getitem": index,
    **dict.fromkeys(
        ("identity", "flatten", "reshape", "view", "squeeze", "unsqueeze", "contiguous"), reshape
    ),
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d"), dropout),
    "softmax": softmax,
    "log_softmax": softmax,
}
"""Operations that this module knows."""
