"""ResNets (He et al., 2016): ImageNet's 18 and 50, CIFAR-10's 20 to 56."""

from __future__ import annotations

from hwenvs.networks.base import Network
from hwenvs.networks.builder import TableBuilder

IMAGENET_STAGES = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
"""Blocks per stage."""


def resnet_imagenet(depth: int, classes: int = 1000, resolution: int = 224) -> Network:
    """ResNet-18 or ResNet-50 with torchvision's state-dict keys."""
    table = TableBuilder(resolution)
    table.conv("conv1", 64, 7, 2, norm="bn1")
    table.max_pool("maxpool", 3, 2, 1)
    block = _bottleneck if depth == 50 else _basic_block
    for stage, blocks in enumerate(IMAGENET_STAGES[depth], 1):
        for index in range(blocks):
            stride = 2 if stage > 1 and index == 0 else 1
            block(table, f"layer{stage}.{index}", 64 * 2 ** (stage - 1), stride)
    table.average_pool()
    table.linear("fc", classes)
    return table.build(f"resnet{depth}", f"ResNet-{depth}")


def resnet_cifar(depth: int, classes: int = 10, resolution: int = 32) -> Network:
    """A CIFAR-10 ResNet with parameter-free shortcuts; ``depth`` is 6 n + 2."""
    table = TableBuilder(resolution)
    table.conv("conv1", 16, 3, norm="bn1")
    for stage in (1, 2, 3):
        for index in range((depth - 2) // 6):
            stride = 2 if stage > 1 and index == 0 else 1
            padded_block(table, f"layer{stage}.{index}", 16 * 2 ** (stage - 1), stride)
    table.average_pool()
    table.linear("linear", classes)
    return table.build(f"resnet{depth}", f"ResNet-{depth}")


def padded_block(table: TableBuilder, at: str, channels: int, stride: int) -> None:
    """Two convolutions beside a shortcut without parameters, as in the CIFAR ResNets."""
    source = table.last
    table.conv(f"{at}.conv1", channels, 3, stride, norm=f"{at}.bn1")
    branch = table.conv(f"{at}.conv2", channels, 3, norm=f"{at}.bn2", activation=None)
    if stride != 1:
        source = table.pad_shortcut(f"{at}.shortcut", source, channels, stride)
    table.add(at, branch, source)


def _basic_block(table: TableBuilder, at: str, width: int, stride: int) -> None:
    source = table.last
    table.conv(f"{at}.conv1", width, 3, stride, norm=f"{at}.bn1")
    branch = table.conv(f"{at}.conv2", width, 3, norm=f"{at}.bn2", activation=None)
    table.add(at, branch, _shortcut(table, at, source, width, stride))


def _bottleneck(table: TableBuilder, at: str, width: int, stride: int) -> None:
    source = table.last
    table.conv(f"{at}.conv1", width, 1, norm=f"{at}.bn1")
    table.conv(f"{at}.conv2", width, 3, stride, norm=f"{at}.bn2")
    branch = table.conv(f"{at}.conv3", 4 * width, 1, norm=f"{at}.bn3", activation=None)
    table.add(at, branch, _shortcut(table, at, source, 4 * width, stride))


def _shortcut(table: TableBuilder, at: str, source: str, channels: int, stride: int) -> str:
    if stride == 1 and table.nodes[source].channels == channels:
        return source
    return table.conv(
        f"{at}.downsample.0",
        channels,
        1,
        stride,
        padding=0,
        norm=f"{at}.downsample.1",
        activation=None,
        source=source,
    )
