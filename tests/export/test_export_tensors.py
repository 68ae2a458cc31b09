"""Networks come back from safetensors files as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.quantized import QuantizedNetwork
from hwenvs.errors import WeightsError
from hwenvs.export.tensors import load, load_facts, save

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
