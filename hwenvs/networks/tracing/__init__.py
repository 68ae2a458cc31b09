"""Layer tables of people's own modules, and their weights in modules of ours."""

from __future__ import annotations

import copy
import re

import torch
from torch import Tensor, nn

from hwenvs.errors import ArgumentError, TracingError
from hwenvs.networks import ZOO
from hwenvs.networks.base import Network
from hwenvs.networks.tracing.adoption import adopt
from hwenvs.networks.tracing.graph import trace
from hwenvs.networks.tracing.table import TableWriter

TOLERANCE = 1e-3
"""How far outputs of the table may lie from the module's, relative to the largest of them."""


def trace_module(
    module: nn.Module, example_input: Tensor, name: str | None = None, title: str | None = None
) -> Network:
    """See :func:`hwenvs.networks.from_torch`."""
    example = _checked_example(module, example_input)
    name = _checked_name(type(module).__name__ if name is None else name)
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            writer = TableWriter(trace(module, example))
            network = writer.write(name, title or name)
            if example.device.type != "meta":
                if example.dtype not in (torch.float32, torch.float64):
                    # Rounding would hide what the table leaves out.
                    module, example = copy.deepcopy(module).float(), example.float()
                _verify(network, module, example, writer.ending)
    finally:
        for part, training in modes.items():
            part.training = training
    return network


def _checked_name(name: str) -> str:
    """``name``, if tables can be filed under it.

    Raises:
        ArgumentError: if it cannot be part of a file name, or is that of a network of the zoo.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise ArgumentError(f"name {name!r} becomes part of file names: letters, digits, _ . and -")
    if name in ZOO:
        raise ArgumentError(
            f"name {name!r} is that of a network of the zoo, whose tables were measured on other "
            "weights; pass another name="
        )
    return name


def _checked_example(module: nn.Module, example: Tensor) -> Tensor:
    """Two images like ``example``, where the module's weights are.

    Raises:
        ArgumentError: if it is no batch of square images or vectors.
    """
    if not isinstance(module, nn.Module):
        raise ArgumentError(f"only a torch.nn.Module can be traced, not {type(module).__name__}")
    shape = tuple(example.shape) if isinstance(example, Tensor) else type(example).__name__
    square = len(shape) == 2 or (len(shape) == 4 and shape[2] == shape[3])
    if not isinstance(example, Tensor) or not square or 0 in shape:
        raise ArgumentError(
            "the example input must be a batch of square images [N, channels, height, width] or "
            f"of vectors [N, features], not {shape}"
        )
    like = next(module.parameters(), example)
    return example[:1].detach().to(like.device, like.dtype).expand(2, *shape[1:]).contiguous()


def _verify(network: Network, module: nn.Module, example: Tensor, ending: str | None) -> None:
    """Compares what the table and the module compute on random input.

    Raises:
        TracingError: if they differ.
    """
    noise = torch.randn(example.shape, generator=torch.Generator("cpu").manual_seed(0))
    expected = module(noise.to(example)).cpu().float()
    outputs = adopt(network, module)(noise)
    if ending is not None:
        outputs = getattr(torch, ending)(outputs, 1)
    error = float((outputs - expected).abs().max())
    if not error <= TOLERANCE * float(expected.abs().max()) + 1e-6:
        raise TracingError(
            f"cannot trace {type(module).__name__}: its outputs differ from those of the traced "
            f"table by {error:.2g}. Valid: operations that change no tensor in place while others "
            "still read it, and no hooks that change outputs"
        )


__all__ = ["adopt", "trace_module"]
