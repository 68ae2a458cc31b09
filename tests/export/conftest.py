"""Real networks that come with the package, compressed in every family."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import pytest
import torch

from hwenvs.calibration.bench import SHIPPED_WEIGHTS, Bench, open_bench, set_up
from hwenvs.compression.folding import FoldedNetwork, fold
from hwenvs.compression.recipe import Recipe
from hwenvs.networks import get_network
from hwenvs.networks.modules import load_module, read_weights

FAMILY_DESIGNS = {
    "channel_pruning": lambda groups: [max(1, group.channels // 2) for group in groups],
    "fine_grained_pruning": lambda groups: [30] * len(groups),
    "bit_allocation": lambda groups: [8] * len(groups),
    "deep_compression": lambda groups: [20, 4] * (len(groups) // 2),
}
"""A design for each family."""


@lru_cache(None)
def _digits_bench(network: str, family: str, **recipe: str) -> Bench:
    """A digits network on real images."""
    settings = Recipe(points=4, **recipe)  # type: ignore[arg-type]
    return open_bench(network, range(60), range(64), settings, family=family)


@lru_cache(None)
def _mnist_bench(network: str, family: str) -> Bench:
    """A network for 28 x 28 digits, on noise: enough to compare outputs."""
    (weights,) = SHIPPED_WEIGHTS.glob(f"{network}_*.safetensors")
    folded = fold(load_module(get_network(network), read_weights(weights)[0]))
    images = torch.rand(80, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(40, dtype=torch.long)
    return set_up(folded, images[:40], images[40:], labels, Recipe(points=4), family)


def _compressed(network: str, family: str) -> tuple[FoldedNetwork, torch.Tensor]:
    """A network at its family's design, and images."""
    bench = (_digits_bench if network.startswith("digits") else _mnist_bench)(network, family)
    design = FAMILY_DESIGNS[family](bench.groups)
    return bench.family.compress(bench.reference, design), bench.images


@pytest.fixture(autouse=True)
def _onnx() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")


@pytest.fixture(scope="session")
def digits_bench() -> Callable[..., Bench]:
    """Opens a digits network, once."""
    return _digits_bench


@pytest.fixture(scope="session")
def compressed() -> Callable[[str, str], tuple[FoldedNetwork, torch.Tensor]]:
    """Compresses a network that comes with the package to a design of a family."""
    return _compressed
