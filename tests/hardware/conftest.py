"""Workloads to try hardware models on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hwenvs.hardware import Workload
from hwenvs.networks import get_network

MakeWorkload = Callable[..., Workload]


@pytest.fixture
def random_workload() -> MakeWorkload:
    """Makes a batch of random designs: any channels of each layer, 2 to 8 bits, any density."""

    def make(network: str = "mobilenet_v2", batch: int = 7, seed: int = 0) -> Workload:
        rng = np.random.default_rng(seed)
        layers = get_network(network).layers
        shape = (batch, len(layers))
        read = rng.integers(1, [layer.in_channels for layer in layers], shape, endpoint=True)
        written = rng.integers(1, [layer.channels for layer in layers], shape, endpoint=True)
        depthwise = [layer.kind == "depthwise" for layer in layers]
        return Workload.make(
            layers,
            read,
            np.where(depthwise, read, written),
            weight_bits=rng.integers(2, 9, shape),
            activation_bits=rng.integers(2, 9, shape),
            weight_density=rng.uniform(0, 1, shape),
            activation_density=rng.uniform(0, 1, shape),
        )

    return make
