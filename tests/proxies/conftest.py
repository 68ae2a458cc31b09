"""Small networks that training-free scores can be worked out for by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hwenvs.networks import Network
from hwenvs.networks.builder import TableBuilder

if TYPE_CHECKING:
    from torch import Tensor

    from hwenvs.networks.modules import TableModule


@pytest.fixture(scope="session")
def perceptron() -> Callable[..., Network]:
    """4 pixels, some units, 3 classes."""

    def build(activation: str | None = None, units: int = 5) -> Network:
        table = TableBuilder(2, 1)
        table.linear("one", units, activation)
        table.linear("two", 3)
        return table.build("perceptron", "Perceptron")

    return build


@pytest.fixture(scope="session")
def chain() -> Callable[..., Network]:
    """Three convolutions, one of them depthwise, and a classifier, on images of 6 x 6."""

    def build(
        norms: bool = False,
        width: int = 6,
        activation: str | None = "relu6",
        shortcut: bool = False,
    ) -> Network:
        table = TableBuilder(6, 2)

        def norm(name: str) -> str | None:
            return f"{name}.norm" if norms else None

        first = table.conv("a", width, norm=norm("a"), activation=activation)
        table.depthwise("b", 3, norm=norm("b"), activation=activation)
        last = table.conv("c", width, 1, norm=norm("c"), activation=None)
        if shortcut:
            table.add("sum", last, first, activation=None)
        table.average_pool()
        table.linear("classifier", 3)
        return table.build("chain", "Chain")

    return build


@pytest.fixture(scope="session")
def matrices() -> Callable[[TableModule], list[np.ndarray]]:
    """Weights of the layers of a perceptron."""

    def build(module: TableModule) -> list[np.ndarray]:
        return [module.get_parameter(f"{name}.weight").detach().numpy() for name in ("one", "two")]

    return build


@pytest.fixture(scope="session")
def a_batch() -> Callable[..., tuple[Tensor, Tensor]]:
    """Random images and labels for a network."""
    import torch  # here, since other tests of proxies do without

    def build(network: Network, count: int = 16, seed: int = 3) -> tuple[Tensor, Tensor]:
        random = torch.Generator().manual_seed(seed)
        shape = (count, network.in_channels, network.resolution, network.resolution)
        images = torch.randn(shape, generator=random)
        return images, torch.randint(network.classes, (count,), generator=random)

    return build
