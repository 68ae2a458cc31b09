"""Small networks for 8 x 8 grey digits: real data that comes with scikit-learn.

One of each kind that the zoo prunes: a plain one, a separable one and a residual one.
"""

from __future__ import annotations

from hwenvs.networks.base import Network
from hwenvs.networks.builder import TableBuilder
from hwenvs.networks.resnet import padded_block

PIXELS = 8
"""Height and width of the digits."""

SEPARABLE = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1))
"""Output channels and stride of the separable blocks."""

RESIDUAL = ((12, 1), (24, 2), (48, 2))
"""Channels and first stride of the residual blocks."""


def digits_lenet(classes: int = 10) -> Network:
    """Three convolutions and two linear layers, after LeNet-5."""
    table = TableBuilder(PIXELS, in_channels=1)
    table.conv("conv1", 16, 3, bias=True)
    table.max_pool("pool1", 2, 2)
    table.conv("conv2", 32, 3, bias=True)
    table.max_pool("pool2", 2, 2)
    table.conv("conv3", 32, 3, bias=True)
    table.linear("fc1", 64, activation="relu")
    table.linear("fc2", classes)
    return table.build("digits_lenet", "LeNet for digits")


def digits_mobilenet(classes: int = 10) -> Network:
    """Five separable blocks with MobileNetV1's layout of keys."""
    table = TableBuilder(PIXELS, in_channels=1)
    table.conv("features.0.0", 16, 3, norm="features.0.1", activation="relu6")
    for index, (channels, stride) in enumerate(SEPARABLE, 1):
        at = f"features.{index}"
        table.depthwise(f"{at}.0", 3, stride, norm=f"{at}.1", activation="relu6")
        table.conv(f"{at}.3", channels, 1, norm=f"{at}.4", activation="relu6")
    table.average_pool()
    table.linear("classifier", classes)
    return table.build("digits_mobilenet", "MobileNet for digits")


def digits_resnet(classes: int = 10) -> Network:
    """Three residual blocks with the CIFAR ResNets' layout of keys."""
    table = TableBuilder(PIXELS, in_channels=1)
    table.conv("conv1", RESIDUAL[0][0], 3, norm="bn1")
    for stage, (channels, stride) in enumerate(RESIDUAL, 1):
        padded_block(table, f"layer{stage}.0", channels, stride)
    table.average_pool()
    table.linear("linear", classes)
    return table.build("digits_resnet", "ResNet for digits")
