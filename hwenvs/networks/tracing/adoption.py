"""The weights of a traced module, in a module of ours."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwenvs.errors import WeightsError
from hwenvs.networks.base import Layer, Network
from hwenvs.networks.modules import TableModule, load_module

Norm = nn.BatchNorm1d | nn.BatchNorm2d


def adopt(network: Network, module: nn.Module) -> TableModule:
    """A module of ``network`` with the weights of ``module``, in evaluation mode.

    It computes what ``module`` computes (a softmax at the end left out), and is what
    :func:`hwenvs.compression.folding.fold` wants.  Weights are copied, as float32 on the CPU.

    Args:
        network: the table traced from ``module``, or from one of the same shape and names.
        module: whose weights to copy.

    Raises:
        WeightsError: if layers are missing or have other shapes; the first differences are listed.

    Example:
        >>> from hwenvs.compression.folding import fold
        >>> from hwenvs.networks import from_torch
        >>> module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(288, 10))
        >>> folded = fold(adopt(from_torch(module, torch.zeros(1, 3, 8, 8)), module))
    """
    state: dict[str, Tensor] = {}
    for layer in network.layers:
        owner = _part(module, layer.name, network)
        if isinstance(owner, Norm):
            scale, shift = _affine(owner)
            tensors = {"weight": scale.view(-1, 1, 1, 1), "bias": shift}
        else:
            tensors = {key: getattr(owner, key) for key in ("weight", "bias")[: 1 + layer.bias]}
        state.update({f"{layer.name}.{key}": value for key, value in tensors.items()})
        state.update(_norm_state(module, layer, network))
    copies = {key: value.detach().to("cpu", torch.float32) for key, value in state.items()}
    return load_module(network, copies)


def _norm_state(module: nn.Module, layer: Layer, network: Network) -> dict[str, Tensor]:
    if layer.norm is None:
        return {}
    norm = _part(module, layer.norm, network)
    assert isinstance(norm, Norm)
    weight, bias, mean, variance = _statistics(norm)
    tensors = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": variance}
    return {f"{layer.norm}.{key}": value for key, value in tensors.items()}


def _affine(norm: Norm) -> tuple[Tensor, Tensor]:
    """What a batch norm multiplies by and then adds, ``[channels]`` each."""
    weight, bias, mean, variance = _statistics(norm)
    scale = weight / torch.sqrt(variance + norm.eps)
    return scale, bias - mean * scale


def _statistics(norm: Norm) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise WeightsError("a batch norm without running statistics has no fixed scale")
    weight = torch.ones_like(mean) if norm.weight is None else norm.weight
    bias = torch.zeros_like(mean) if norm.bias is None else norm.bias
    return weight, bias, mean, variance


def _part(module: nn.Module, path: str, network: Network) -> nn.Module:
    try:
        return module.get_submodule(path)
    except AttributeError:
        raise WeightsError(
            f"{type(module).__name__} has no {path}: {network.title} was traced from another module"
        ) from None
