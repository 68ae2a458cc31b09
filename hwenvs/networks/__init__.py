"""The zoo: what is compressed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hwenvs.errors import ArgumentError, MissingExtraError, unknown_name
from hwenvs.networks.base import (
    Add,
    Concat,
    Layer,
    Network,
    Node,
    PadShortcut,
    Pointwise,
    Pool,
    Recurrent,
)
from hwenvs.networks.blocks import OPERATORS, Block, Operator
from hwenvs.networks.classic import alexnet, lenet5, lenet_300_100, vgg16
from hwenvs.networks.coupling import ChannelGroup, channel_groups, kept_channels
from hwenvs.networks.density import PERCENT, WeightGroup, weight_groups
from hwenvs.networks.digits import digits_lenet, digits_mobilenet, digits_resnet
from hwenvs.networks.mobilenet import mobilenet_v1, mobilenet_v2
from hwenvs.networks.precision import FULL_PRECISION, BitGroup, bit_groups
from hwenvs.networks.proxyless import SPACES, get_space, proxyless_found
from hwenvs.networks.recurrent import lstm
from hwenvs.networks.resnet import resnet_cifar, resnet_imagenet
from hwenvs.networks.spaces import Space
from hwenvs.networks.storage import CODEBOOK_BITS, FLOAT_BITS, StorageGroup, storage_groups

if TYPE_CHECKING:
    from torch import Tensor, nn

Group = ChannelGroup | WeightGroup | BitGroup | StorageGroup
"""What a decision is about, in any family."""

ZOO: dict[str, Callable[..., Network]] = {
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "resnet20": partial(resnet_cifar, 20),
    "resnet32": partial(resnet_cifar, 32),
    "resnet44": partial(resnet_cifar, 44),
    "resnet56": partial(resnet_cifar, 56),
    "resnet18": partial(resnet_imagenet, 18),
    "resnet50": partial(resnet_imagenet, 50),
    "vgg16": vgg16,
    "alexnet": alexnet,
    "lenet_300_100": lenet_300_100,
    "lenet5": lenet5,
    "lstm": lstm,
    "digits_lenet": digits_lenet,
    "digits_mobilenet": digits_mobilenet,
    "digits_resnet": digits_resnet,
    "proxyless_mobile": partial(proxyless_found, "mobile"),
    "proxyless_cpu": partial(proxyless_found, "cpu"),
    "proxyless_gpu": partial(proxyless_found, "gpu"),
}
"""Builders of the layer tables by name."""


def get_network(name: str, **changes: int) -> Network:
    """The layer table called ``name``.

    Args:
        name: one of :data:`ZOO`.
        **changes: what shall differ from the published network, where its builder offers it:
            ``classes``, ``resolution`` (height and width of the image in pixels),
            ``same_padding``, ``cells``, ``projection``.

    Raises:
        UnknownNameError: if the zoo has no such network; the message suggests the nearest.
        ArgumentError: if the network has one shape only.
    """
    if name not in ZOO:
        raise unknown_name("network", name, ZOO)
    offered = inspect.signature(ZOO[name]).parameters
    for key in changes.keys() - offered.keys():
        raise ArgumentError(f"{name} comes without a choice of {key}; it offers {[*offered]}")
    return ZOO[name](**changes)


def from_torch(
    module: nn.Module, example_input: Tensor, name: str | None = None, title: str | None = None
) -> Network:
    """The layer table of your own module.

    The module is traced with ``torch.fx`` in evaluation mode and is not changed.  Its outputs on
    random images are compared with those of the table, so that nothing is left out in silence.
    ``hwenvs.networks.tracing.adopt(network, module)`` has the weights.

    Args:
        module: maps images ``[N, channels, height, width]`` (square) to ``[N, classes]``.
        example_input: images of that shape; their numbers do not matter.
        name: of the network, for files and tables; the module's class by default.
        title: to print; the name by default.

    Raises:
        TracingError: if the module does something that no layer table can express, or Python
            decides by the data what runs; the message names the node and what would be valid.
        ArgumentError: if the example is no batch of square images, or the name is one of the zoo,
            whose tables belong to other weights.
        MissingExtraError: without torch.
    """
    try:
        from hwenvs.networks.tracing import trace_module
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("tracing needs torch: pip install 'hwenvs[measure]'") from error
    return trace_module(module, example_input, name, title)


__all__ = [
    "CODEBOOK_BITS",
    "FLOAT_BITS",
    "FULL_PRECISION",
    "OPERATORS",
    "PERCENT",
    "SPACES",
    "ZOO",
    "Add",
    "BitGroup",
    "Block",
    "ChannelGroup",
    "Concat",
    "Group",
    "Layer",
    "Network",
    "Node",
    "Operator",
    "PadShortcut",
    "Pointwise",
    "Pool",
    "Recurrent",
    "Space",
    "StorageGroup",
    "WeightGroup",
    "bit_groups",
    "channel_groups",
    "from_torch",
    "get_network",
    "get_space",
    "kept_channels",
    "storage_groups",
    "weight_groups",
]
