"""Layer tables executed by torch: nodes in order, whatever computes the layers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from hwenvs.networks.base import Add, Concat, Layer, Network, Node, PadShortcut, Pool, Recurrent

ACTIVATIONS: dict[str | None, Callable[[Tensor], Tensor]] = {
    None: lambda x: x,
    "relu": torch.relu,
    "relu6": functional.relu6,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "silu": functional.silu,
    "gelu": functional.gelu,
    "mish": functional.mish,
    "softplus": functional.softplus,
    "hardswish": functional.hardswish,
    "hardsigmoid": functional.hardsigmoid,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
"""Activations by name, with torch's default parameters."""

IN_PLACE: dict[str | None, Callable[[Tensor], Tensor]] = {
    **ACTIVATIONS,
    "relu": torch.relu_,
    "relu6": lambda x: functional.relu6(x, inplace=True),
}
"""The same, on a tensor that nobody else needs: it stays in cache."""


def execute(
    network: Network,
    values: dict[str, Tensor],
    compute: Callable[[Layer, Tensor], Tensor],
    start: int = 0,
) -> Tensor:
    """Runs ``network.nodes[start:]`` and returns the output of the last, ``[N, classes]``.

    Args:
        network: the layer table.
        values: tensors that the first nodes read, by node name; consumed.
        compute: a layer's output before its activation, from its (already padded) input.
        start: index of the first node to run.
    """
    return run_nodes(network, values, compute, start).flatten(1)


def run_nodes(
    network: Network,
    values: dict[str, Tensor],
    compute: Callable[[Layer, Tensor], Tensor],
    start: int = 0,
) -> Tensor:
    """The same, but the last output as it is."""
    left = {name: len(users) for name, users in network.readers.items()}
    for node in network.nodes[:start]:
        for source in node.inputs:
            left[source] -= 1
    for node in network.nodes[start:]:
        values[node.name] = run_node(node, [values[s] for s in node.inputs], compute)
        for source in node.inputs:
            left[source] -= 1
            if left[source] == 0:
                del values[source]
    return values[network.nodes[-1].name]


def run_node(
    node: Node,
    inputs: list[Tensor],
    compute: Callable[[Layer, Tensor], Tensor],
) -> Tensor:
    """The output of one node."""
    x = inputs[0]
    if isinstance(node, Layer):
        x = compute(node, prepare_input(node, x))
    elif isinstance(node, Pool):
        x = _pool(node, x)
    elif isinstance(node, Add):
        one, other = _alike(node, inputs)
        x = one + other
    elif isinstance(node, Concat):
        x = torch.cat(_alike(node, inputs), 1)
    elif isinstance(node, PadShortcut):
        extra = node.channels - x.shape[1]
        x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, extra // 2, extra - extra // 2))
    elif isinstance(node, Recurrent):
        x = run_cell(node, x, compute)
    return activate(node, x)


def activate(node: Node, x: Tensor) -> Tensor:
    """The activation of ``node`` on what it computed, in place where nobody else has that."""
    # Layers and sums make a tensor of their own; others may hand theirs on.
    fresh = isinstance(node, Layer | Add)
    return (IN_PLACE if fresh else ACTIVATIONS)[node.activation](x)


def run_cell(node: Recurrent, maps: Tensor, compute: Callable[[Layer, Tensor], Tensor]) -> Tensor:
    """The last output ``[N, channels]`` of an LSTM over the rows of ``maps [N, C, H, W]``.

    The cell of ``torch.nn.LSTM``: gates i, f, g, o; ``c = f c + i g``, ``h = o tanh(c)``, projected
    if there is a projection; all states start at zero.
    """
    inputs, recurrent, *projection = node.layers
    rows = maps.permute(0, 2, 1, 3).flatten(2)
    # The inputs are known beforehand: one product for all steps.
    driven = compute(inputs, rows)
    h = rows.new_zeros(len(rows), node.channels)
    c = rows.new_zeros(len(rows), node.cells)
    for step in range(rows.shape[1]):
        i, f, g, o = (driven[:, step] + compute(recurrent, h)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        for matrix in projection:
            h = compute(matrix, h)
    return h


def prepare_input(layer: Layer, x: Tensor) -> Tensor:
    """Flattens the input of a linear layer; applies TensorFlow's asymmetric padding."""
    if layer.kind == "linear":
        return x.flatten(1)
    if layer.in_size == 1:  # may come from a linear layer, as vectors
        x = _pixel(x)
    if layer.padding < 0:
        total = max((layer.size - 1) * layer.stride + layer.kernel - layer.in_size, 0)
        return functional.pad(x, (total // 2, total - total // 2, total // 2, total - total // 2))
    return x


def _pool(node: Pool, x: Tensor) -> Tensor:
    if not node.kernel:
        return x.mean((2, 3), keepdim=True)
    pool = functional.max_pool2d if node.kind == "max" else functional.avg_pool2d
    return pool(x, node.kernel, node.stride, node.padding, ceil_mode=node.ceil)


def _alike(node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Maps of one pixel may meet vectors: all are maps then."""
    return [_pixel(x) for x in inputs] if node.size == 1 else inputs


def _pixel(x: Tensor) -> Tensor:
    """A vector or a map of one pixel as a map ``[N, C, 1, 1]``."""
    return x.reshape(x.shape[0], -1, 1, 1)
