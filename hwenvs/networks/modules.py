"""Torch modules built from layer tables, and checkpoints loaded into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwenvs.errors import WeightsError
from hwenvs.networks.base import (
    INPUT,
    Add,
    Concat,
    Layer,
    Network,
    Node,
    PadShortcut,
    Pool,
    Recurrent,
)

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


class TableModule(nn.Module):
    """A network of the zoo as a ``torch.nn.Module``.

    Its state-dict keys are the layer names of the table: torchvision's keys where torchvision has
    the architecture.

    Args:
        network: the layer table.

    Example:
        >>> from hwenvs.networks import get_network
        >>> module = TableModule(get_network("resnet20"))
        >>> module(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 10])
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        for node in network.nodes:
            if isinstance(node, Recurrent):
                self._place(node.name, CellParameters(node))
            if isinstance(node, Layer):
                self._place(node.name, _layer_module(node))
                if node.norm is not None:
                    norm = nn.BatchNorm1d if node.kind == "linear" else nn.BatchNorm2d
                    self._place(node.norm, norm(node.channels, node.norm_epsilon))

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``[N, classes]`` of ``images [N, channels, resolution, resolution]``."""
        return self.maps(images).flatten(1)

    def maps(self, images: Tensor) -> Tensor:
        """The output of the last node as it is, ``[N, channels, H, W]`` of a part of a network."""

        def compute(layer: Layer, x: Tensor) -> Tensor:
            if layer.cell is not None:
                bias = self.get_parameter(layer.bias_key) if layer.bias else None
                return functional.linear(x, self.get_parameter(layer.weight_key), bias)
            x = self.get_submodule(layer.name)(x)
            return x if layer.norm is None else self.get_submodule(layer.norm)(x)

        return run_nodes(self.network, {INPUT: images}, compute)

    def _place(self, path: str, module: nn.Module) -> None:
        *parents, leaf = path.split(".")
        parent: nn.Module = self
        for part in parents:
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = parent._modules[part]  # type: ignore[assignment]
        parent.add_module(leaf, module)


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


class CellParameters(nn.Module):
    """Weights and biases of a recurrent node, called and drawn as those of ``torch.nn.LSTM``.

    Biases of the forget gates start at 1, so that cells remember (Jozefowicz et al., 2015).

    Args:
        node: the node.
    """

    def __init__(self, node: Recurrent) -> None:
        super().__init__()
        bound = node.cells**-0.5
        for layer in node.layers:
            weight = torch.empty(layer.channels, layer.in_channels).uniform_(-bound, bound)
            self.register_parameter(layer.weight_key.split(".")[-1], nn.Parameter(weight))
            if layer.bias:
                bias = torch.zeros(layer.channels)
                if not layer.closes_step:
                    bias[node.cells : 2 * node.cells] = 1.0
                self.register_parameter(layer.bias_key.split(".")[-1], nn.Parameter(bias))


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


def load_module(network: Network, weights: str | Path | Mapping[str, Tensor]) -> TableModule:
    """A module of ``network`` in evaluation mode with ``weights``.

    Args:
        network: the layer table.
        weights: a ``.safetensors`` or torch file, or a state dict.

    Raises:
        WeightsError: if the file cannot be read, or keys or shapes differ; the first differences
            are listed.
    """
    state = weights if isinstance(weights, Mapping) else read_weights(Path(weights))[0]
    module = TableModule(network)
    expected = module.state_dict()
    for key in expected.keys() - state.keys():
        if key.endswith("num_batches_tracked"):
            expected.pop(key)
    problems = [f"missing {key}" for key in sorted(expected.keys() - state.keys())]
    problems += [f"unexpected {key}" for key in sorted(state.keys() - expected.keys())]
    problems += [
        f"{key} has shape {tuple(state[key].shape)}, expected {tuple(expected[key].shape)}"
        for key in expected.keys() & state.keys()
        if state[key].shape != expected[key].shape
    ]
    if problems:
        shown = "; ".join(problems[:5]) + ("; ..." if len(problems) > 5 else "")
        raise WeightsError(
            f"weights do not fit {network.title}: {len(problems)} differences: {shown}"
        )
    module.load_state_dict(dict(state), strict=False)
    return module.eval()


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """State dict and metadata of a ``.safetensors`` or torch file.

    Raises:
        WeightsError: if the file is missing or cannot be read.
    """
    if not path.is_file():
        raise WeightsError(f"no weights file at {path}")
    try:
        if path.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(path, "pt") as file:
                names = file.keys()
                return {k: file.get_tensor(k) for k in names}, dict(file.metadata() or {})
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(f"cannot read weights from {path}: {error}") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"{path} does not hold a state dict")
    return state, {}


def _layer_module(layer: Layer) -> nn.Module:
    if layer.kind == "linear":
        features = layer.in_channels * layer.features_per_channel
        return nn.Linear(features, layer.channels, bias=layer.bias)
    return nn.Conv2d(
        layer.in_channels,
        layer.channels,
        layer.kernel,
        layer.stride,
        max(layer.padding, 0),
        groups=layer.channels if layer.kind == "depthwise" else 1,
        bias=layer.bias,
    )


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
