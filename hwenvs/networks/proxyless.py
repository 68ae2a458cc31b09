"""ProxylessNAS (Cai, Zhu and Han, ICLR 2019): its space, smaller ones, and what it found.

Channels and operators are those of figure 4 of the paper; MACs and parameters of all three networks
agree with the published ones (a test says so).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hwenvs.errors import unknown_name
from hwenvs.networks.base import Network
from hwenvs.networks.spaces import Space, Stage

DEPTHS = (4, 4, 4, 4, 4, 1)
STRIDES = (2, 2, 2, 1, 2, 1)

CHANNELS = {
    "mobile": (32, 16, 32, 40, 80, 96, 192, 320, 1280),
    "cpu": (40, 24, 32, 48, 88, 104, 216, 360, 1432),
    "gpu": (40, 24, 32, 56, 112, 128, 256, 432, 1728),
}
"""Channels of the stem, of the fixed block, of the six stages and of the last convolution."""


def proxyless_space(width: str = "mobile", classes: int = 1000, resolution: int = 224) -> Space:
    """The space of ProxylessNAS: 21 blocks, six operators each, 15 of which may be left out.

    Args:
        width: channels of the network found for ``"mobile"``, ``"cpu"`` or ``"gpu"``.
        classes: outputs of the classifier.
        resolution: height and width of the image in pixels.

    Raises:
        UnknownNameError: if there is no such width.
    """
    if width not in CHANNELS:
        raise unknown_name("width of ProxylessNAS", width, CHANNELS)
    stem, first, *channels, head = CHANNELS[width]
    stages = tuple(Stage(*row) for row in zip(channels, DEPTHS, STRIDES, strict=True))
    name = "proxyless" if width == "mobile" else f"proxyless_{width}_width"
    return Space(name, "ProxylessNAS", stem, first, stages, head, classes, resolution)


def proxyless_cifar() -> Space:
    """A space of the same kind for images of 32 x 32, small enough to train on a laptop."""
    stages = (Stage(16, 2, 1), Stage(24, 3, 2), Stage(40, 3, 1), Stage(64, 3, 2))
    return Space(
        "proxyless_cifar",
        "ProxylessNAS for CIFAR",
        stem=16,
        first=16,
        stages=stages,
        head=256,
        classes=10,
        resolution=32,
        stem_stride=1,
        first_stride=2,
    )


def proxyless_digits() -> Space:
    """A space of the same kind for handwritten digits of 8 x 8, small enough for a test."""
    stages = (Stage(12, 2, 1), Stage(16, 2, 2))
    return Space(
        "proxyless_digits", "ProxylessNAS for digits", 8, 8, stages, 48, 10, 8, 1, stem_stride=1
    )


SPACES: dict[str, Callable[[], Space]] = {
    "proxyless": proxyless_space,
    "proxyless_cpu_width": partial(proxyless_space, "cpu"),
    "proxyless_gpu_width": partial(proxyless_space, "gpu"),
    "proxyless_cifar": proxyless_cifar,
    "proxyless_digits": proxyless_digits,
}
"""Search spaces by name."""

FOUND = {
    "mobile": (3, 2, 1, 1, 4, 2, 3, 3, 7, 3, 3, 3, 6, 3, 3, 3, 7, 7, 4, 4, 7),
    "cpu": (5, 2, 2, 2, 5, 2, 2, 3, 5, 2, 1, 1, 6, 2, 2, 2, 6, 3, 3, 2, 6),
    "gpu": (3, 1, 1, 1, 4, 1, 1, 2, 7, 3, 1, 1, 6, 2, 3, 1, 7, 7, 7, 6, 7),
}
"""The designs that ProxylessNAS found for a phone, a processor and a graphics card.

Where a stage is not full it makes no difference which blocks were left out: here its last ones
or, where the figure shows them, those between."""


def get_space(name: str | Space) -> Space:
    """The search space called ``name``.

    Raises:
        UnknownNameError: if there is none; the message suggests the nearest.
    """
    if isinstance(name, Space):
        return name
    if name not in SPACES:
        raise unknown_name("search space", name, SPACES)
    return SPACES[name]()


def proxyless_found(target: str, classes: int = 1000, resolution: int = 224) -> Network:
    """The network that ProxylessNAS found for a target.

    Args:
        target: ``"mobile"``, ``"cpu"`` or ``"gpu"``.
        classes: outputs of the classifier.
        resolution: height and width of the image in pixels.
    """
    space = proxyless_space(target, classes, resolution)
    title = {"mobile": "Proxyless-Mobile", "cpu": "Proxyless-CPU", "gpu": "Proxyless-GPU"}[target]
    return space.network(FOUND[target], f"proxyless_{target}", title)
