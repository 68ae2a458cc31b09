"""Folded networks: batches that stay in cache, gathered channels, sums of moments."""

import pytest
import torch

from hwenvs.compression.folding import MOST, batch_size, fold, gather_channels
from hwenvs.compression.least_squares import MomentMatrices, MomentSums
from hwenvs.networks import get_network
from hwenvs.networks.modules import TableModule


def test_large_maps_are_run_one_image_at_a_time_and_small_ones_many() -> None:
    assert batch_size(get_network("mobilenet_v1")) == 1
    assert batch_size(get_network("resnet56")) == 64
    assert batch_size(get_network("digits_lenet")) == MOST


@pytest.mark.parametrize("name", ["digits_mobilenet", "digits_resnet"])
def test_the_images_at_a_time_change_nothing(name: str) -> None:
    torch.manual_seed(0)
    network = fold(TableModule(get_network(name)).eval())
    images = torch.randn(20, 1, 8, 8).contiguous(memory_format=torch.channels_last)
    before = images.clone()
    torch.testing.assert_close(network(images), network(images, 3), rtol=1e-4, atol=1e-5)
    assert torch.equal(images, before)


def test_gathered_channels_are_those_of_the_map_with_channels_last_in_memory() -> None:
    maps = torch.randn(2, 5, 3, 4).contiguous(memory_format=torch.channels_last)
    picked = gather_channels(maps, torch.tensor([0, 3]))
    assert torch.equal(picked, maps[:, [0, 3]])
    assert picked.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("width", [3, 512])
def test_moments_of_rows_that_arrive_in_parts_are_those_of_all_rows(width: int) -> None:
    torch.manual_seed(0)
    inputs = torch.randn(3000, width) * 0.1 + 5.0
    targets = torch.randn(3000, 2) + 1.0
    sums = MomentSums()
    for start in range(0, 3000, 700):
        sums.add(inputs[start : start + 700], targets[start : start + 700])
    together, parts = MomentMatrices.of(inputs.double(), targets.double()), sums.moments()
    torch.testing.assert_close(parts.gram, together.gram, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(parts.cross, together.cross, rtol=1e-5, atol=1e-5)
