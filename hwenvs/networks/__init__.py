"""The zoo: what is compressed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.networks.base import Add, Layer, Network, Node, PadShortcut, Pool
from hwenvs.networks.classic import alexnet, lenet5, lenet_300_100, vgg16
from hwenvs.networks.coupling import ChannelGroup, channel_groups, kept_channels
from hwenvs.networks.density import PERCENT, WeightGroup, weight_groups
from hwenvs.networks.digits import digits_lenet, digits_mobilenet, digits_resnet
from hwenvs.networks.mobilenet import mobilenet_v1, mobilenet_v2
from hwenvs.networks.precision import FULL_PRECISION, BitGroup, bit_groups
from hwenvs.networks.resnet import resnet_cifar, resnet_imagenet
from hwenvs.networks.storage import CODEBOOK_BITS, FLOAT_BITS, StorageGroup, storage_groups

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
    "digits_lenet": digits_lenet,
    "digits_mobilenet": digits_mobilenet,
    "digits_resnet": digits_resnet,
}
"""Builders of the layer tables by name."""


def get_network(name: str, **changes: int) -> Network:
    """The layer table called ``name``.

    Args:
        name: one of :data:`ZOO`.
        **changes: what shall differ from the published network, where its builder offers it:
            ``classes``, ``resolution`` (height and width of the image in pixels),
            ``same_padding``.

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


__all__ = [
    "CODEBOOK_BITS",
    "FLOAT_BITS",
    "FULL_PRECISION",
    "PERCENT",
    "ZOO",
    "Add",
    "BitGroup",
    "ChannelGroup",
    "Group",
    "Layer",
    "Network",
    "Node",
    "PadShortcut",
    "Pool",
    "StorageGroup",
    "WeightGroup",
    "bit_groups",
    "channel_groups",
    "get_network",
    "kept_channels",
    "storage_groups",
    "weight_groups",
]
