"""MobileNetV1 (Howard et al., 2017) and MobileNetV2 (Sandler et al., 2018)."""

from __future__ import annotations

from hwenvs.networks.base import Network
from hwenvs.networks.builder import TableBuilder

V1_BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)
"""Output channels and stride of the 13 separable blocks."""

V2_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, output channels, repeats and first stride of each stage."""


def mobilenet_v1(
    classes: int = 1000,
    width: float = 1.0,
    channels: tuple[int, ...] | None = None,
    same_padding: bool = True,
    resolution: int = 224,
) -> Network:
    """MobileNetV1.

    Args:
        classes: outputs of the classifier (TensorFlow's release has 1001).
        width: width multiplier.
        channels: output channels of the stem and of the 13 blocks, instead of ``width``.
        same_padding: pad as TensorFlow does, where the public weights come from.
        resolution: height and width of the image in pixels.

    Raises:
        ValueError: if ``channels`` does not have 14 entries.
    """
    if channels is None:
        channels = tuple(int(width * c) for c in (32, *(c for c, _ in V1_BLOCKS)))
    if len(channels) != 1 + len(V1_BLOCKS):
        raise ValueError(f"MobileNetV1 needs 14 channel counts, got {len(channels)}")
    table = TableBuilder(resolution, same_padding=same_padding)
    table.conv("features.0.0", channels[0], 3, 2, norm="features.0.1", activation="relu6")
    for index, (out, (_, stride)) in enumerate(zip(channels[1:], V1_BLOCKS, strict=True), 1):
        at = f"features.{index}"
        table.depthwise(f"{at}.0", 3, stride, norm=f"{at}.1", activation="relu6")
        table.conv(f"{at}.3", out, 1, norm=f"{at}.4", activation="relu6")
    table.average_pool()
    table.linear("classifier", classes)
    return table.build("mobilenet_v1", "MobileNetV1")


def mobilenet_v2(classes: int = 1000, same_padding: bool = True, resolution: int = 224) -> Network:
    """MobileNetV2 with torchvision's state-dict keys.

    Args:
        classes: outputs of the classifier.
        same_padding: pad as TensorFlow does; False for weights trained with torchvision.
        resolution: height and width of the image in pixels.
    """
    table = TableBuilder(resolution, same_padding=same_padding)
    table.conv("features.0.0", 32, 3, 2, norm="features.0.1", activation="relu6")
    index = 1
    for expansion, out, repeats, first_stride in V2_STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            _inverted_residual(table, f"features.{index}", expansion, out, stride)
            index += 1
    table.conv("features.18.0", 1280, 1, norm="features.18.1", activation="relu6")
    table.average_pool()
    table.linear("classifier.1", classes)
    return table.build("mobilenet_v2", "MobileNetV2")


def _inverted_residual(table: TableBuilder, at: str, expansion: int, out: int, stride: int) -> None:
    source = table.last
    channels = table.nodes[source].channels
    step = 0
    if expansion != 1:
        name = f"{at}.conv.0"
        table.conv(f"{name}.0", channels * expansion, 1, norm=f"{name}.1", activation="relu6")
        step = 1
    name = f"{at}.conv.{step}"
    table.depthwise(f"{name}.0", 3, stride, norm=f"{name}.1", activation="relu6")
    branch = table.conv(
        f"{at}.conv.{step + 1}", out, 1, norm=f"{at}.conv.{step + 2}", activation=None
    )
    if stride == 1 and channels == out:
        table.add(at, branch, source, activation=None)
