"""Deep Compression's networks: LeNets (LeCun et al., 1998), AlexNet (2012), VGG-16 (2014)."""

from __future__ import annotations

from hwenvs.networks.base import Network
from hwenvs.networks.builder import TableBuilder

VGG16_FEATURES = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
"""Channels of the 3x3 convolutions; 0 is a 2x2 max pooling."""


def lenet_300_100(classes: int = 10) -> Network:
    """Two hidden layers on 28 x 28 digits; keys ``fc1``, ``fc2``, ``fc3``."""
    table = TableBuilder(28, in_channels=1)
    table.linear("fc1", 300, activation="relu")
    table.linear("fc2", 100, activation="relu")
    table.linear("fc3", classes)
    return table.build("lenet_300_100", "LeNet-300-100")


def lenet5(classes: int = 10) -> Network:
    """Caffe's LeNet-5 on 28 x 28 digits; keys ``conv1``, ``conv2``, ``fc1``, ``fc2``."""
    table = TableBuilder(28, in_channels=1)
    table.conv("conv1", 20, 5, padding=0, bias=True, activation=None)
    table.max_pool("pool1", 2, 2)
    table.conv("conv2", 50, 5, padding=0, bias=True, activation=None)
    table.max_pool("pool2", 2, 2)
    table.linear("fc1", 500, activation="relu")
    table.linear("fc2", classes)
    return table.build("lenet5", "LeNet-5")


def alexnet(classes: int = 1000) -> Network:
    """AlexNet at 224 x 224 with torchvision's state-dict keys (one tower)."""
    table = TableBuilder(224)
    table.conv("features.0", 64, 11, 4, padding=2, bias=True)
    table.max_pool("features.2", 3, 2)
    table.conv("features.3", 192, 5, bias=True)
    table.max_pool("features.5", 3, 2)
    table.conv("features.6", 384, 3, bias=True)
    table.conv("features.8", 256, 3, bias=True)
    table.conv("features.10", 256, 3, bias=True)
    table.max_pool("features.12", 3, 2)
    table.linear("classifier.1", 4096, activation="relu")
    table.linear("classifier.4", 4096, activation="relu")
    table.linear("classifier.6", classes)
    return table.build("alexnet", "AlexNet")


def vgg16(classes: int = 1000) -> Network:
    """VGG-16 at 224 x 224 with torchvision's state-dict keys."""
    table = TableBuilder(224)
    index = 0
    for channels in VGG16_FEATURES:
        if channels:
            table.conv(f"features.{index}", channels, 3, bias=True)
        else:
            table.max_pool(f"features.{index}", 2, 2)
        index += 2 if channels else 1
    table.linear("classifier.0", 4096, activation="relu")
    table.linear("classifier.3", 4096, activation="relu")
    table.linear("classifier.6", classes)
    return table.build("vgg16", "VGG-16")
