"""Real networks and images for the tests that have them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hwenvs.calibration.bench import find_weights
from hwenvs.calibration.images import DATASETS, Preprocessing, load_images
from hwenvs.compression.folding import FoldedNetwork, fold
from hwenvs.networks import get_network
from hwenvs.networks.modules import load_module, read_weights


@pytest.fixture
def load(data: Path) -> Callable[[str, range], tuple[FoldedNetwork, torch.Tensor, torch.Tensor]]:
    """Loads a network of the zoo with images and labels."""

    def read(name: str, rows: range) -> tuple[FoldedNetwork, torch.Tensor, torch.Tensor]:
        network = get_network(name)
        state, metadata = read_weights(find_weights(name, None, data))
        folder, split, _ = DATASETS[name]
        preprocessing = Preprocessing.from_metadata(metadata, network.resolution)
        images, labels = load_images(data / folder, split, rows, preprocessing)
        images = images.contiguous(memory_format=torch.channels_last)
        return fold(load_module(network, state)), images, labels

    return read
