"""Networks come back from safetensors files as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hwenvs.compression.channel_pruning import prune_channels
from hwenvs.compression.folding import FoldedNetwork, fold
from hwenvs.compression.quantized import QuantizedNetwork
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.errors import WeightsError
from hwenvs.export.tensors import load, load_facts, save
from hwenvs.networks import channel_groups
from hwenvs.networks.modules import TableModule
from hwenvs.networks.resnet import resnet_imagenet

Compressed = Callable[[str, str], tuple[FoldedNetwork, torch.Tensor]]
PAIRS = [
    ("digits_resnet", "channel_pruning"),
    ("digits_mobilenet", "bit_allocation"),
    ("lstm", "deep_compression"),
]


@pytest.mark.parametrize(("network", "family"), PAIRS)
def test_a_network_comes_back_equal(
    compressed: Compressed, tmp_path: Path, network: str, family: str
) -> None:
    folded, images = compressed(network, family)
    path = tmp_path / "network.safetensors"
    save(folded, path, {"design": [1, 2], "family": family})
    again = load(path)
    assert type(again) is type(folded)
    assert again.network == folded.network
    for kind in ("weights", "biases", "gathers"):
        old, new = getattr(folded, kind), getattr(again, kind)
        assert old.keys() == new.keys()
        assert all(torch.equal(old[name], new[name]) for name in old)
    if isinstance(folded, QuantizedNetwork) and isinstance(again, QuantizedNetwork):
        assert again.grids == folded.grids
    assert torch.allclose(again(images), folded(images), atol=1e-5)
    assert load_facts(path) == {"design": [1, 2], "family": family}


def test_other_files_are_refused(compressed: Compressed, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    with pytest.raises(WeightsError, match="no weights file"):
        load(path)
    save_file({"fc.weight": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="no network of 'hwenvs export'"):
        load(path)
    path.write_bytes(b"torn")
    with pytest.raises(WeightsError, match="cannot read"):
        load(path)
    folded, _ = compressed("digits_lenet", "channel_pruning")
    save(folded, path)
    assert not list(tmp_path.glob(".*"))


def test_layers_that_gather_the_same_channels_come_back(tmp_path: Path) -> None:
    network = resnet_imagenet(18, classes=10, resolution=32)
    torch.manual_seed(0)
    reference = Reference.measure(
        fold(TableModule(network).eval()), torch.randn(4, 3, 32, 32), Recipe(method="none")
    )
    design = [group.channels // 2 for group in channel_groups(network)]
    pruned = prune_channels(reference, design)
    save(pruned, tmp_path / "network.safetensors")
    again = load(tmp_path / "network.safetensors")
    assert len({id(index) for index in pruned.gathers.values()}) < len(pruned.gathers)
    assert all(torch.equal(again.gathers[name], pruned.gathers[name]) for name in pruned.gathers)
