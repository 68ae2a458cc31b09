"""Where branches meet: sums and concatenations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwenvs.networks.base import Add, Concat
from hwenvs.networks.tracing.values import Call, Value

if TYPE_CHECKING:
    from hwenvs.networks.tracing.table import TableWriter


def add(writer: TableWriter, call: Call) -> Value:
    """The sum of two tensors of one shape."""
    one, other = writer.value(call, 0), writer.value(call, 1)
    if call.kwargs.get("alpha", 1) != 1:
        writer.refuse(call, f"weights its terms by {call.kwargs['alpha']}", "a plain sum")
    alike = (one.shape, one.channels) == (other.shape, other.channels)
    if not alike or one.node == other.node:
        writer.refuse(
            call,
            f"adds {list(one.shape)} and {list(other.shape)} of "
            f"{writer.nodes[one.node].name!r} and {writer.nodes[other.node].name!r}",
            "two different tensors of one shape",
        )
    return _joined(writer, call, Add, [one, other], one.channels)


def concatenate(writer: TableWriter, call: Call) -> Value:
    """The channels of several tensors."""
    tensors = call.argument(0, "tensors")
    parts = [writer.checked(call, part) for part in tensors]
    dim = call.argument(1, "dim", "axis", default=0)
    if dim % (len(parts[0].shape) + 1) != 1:
        writer.refuse(call, f"joins along dimension {dim}", "dimension 1, the channels")
    if len({part.size for part in parts}) != 1 or len({part.node for part in parts}) != len(parts):
        writer.refuse(
            call,
            f"joins maps of {', '.join(str(part.size) for part in parts)} pixels a side",
            "different maps of one size",
        )
    return _joined(writer, call, Concat, parts, sum(part.channels for part in parts))


def _joined(
    writer: TableWriter, call: Call, kind: type, parts: list[Value], channels: int
) -> Value:
    # Vectors may be flattened maps: the node has the size of its inputs.
    return writer.add(call, kind, *parts, channels=channels, size=parts[0].size)


HANDLERS = {
    "add": add,
    **dict.fromkeys(("cat", "concat", "concatenate"), concatenate),
}
"""Operations that this module knows."""
