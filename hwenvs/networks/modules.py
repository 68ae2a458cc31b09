"""Torch modules built from layer tables, and checkpoints loaded into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwenvs.errors import WeightsError
from hwenvs.networks.base import INPUT, Layer, Network, Recurrent
from hwenvs.networks.execution import run_nodes


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


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """What is drawn within follows from ``seed``; torch's generator stays where it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def fresh_module(network: Network, seed: int) -> TableModule:
    """A module of ``network`` with random weights; torch's generator stays where it was.

    Args:
        network: the layer table.
        seed: of the weights.
    """
    with seeded(seed):
        return TableModule(network)


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
    module = fresh_module(network, seed=0)  # to be overwritten
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
    except ModuleNotFoundError:
        # A package that is missing is not the file's fault.
        raise
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
