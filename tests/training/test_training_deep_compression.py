"""Deep Compression with retraining, on real digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hwenvs.compression.coding import unpack
from hwenvs.compression.deep import Storage
from hwenvs.errors import UnknownNameError
from hwenvs.networks import get_network
from hwenvs.training.deep_compression import MNIST, DeepCompression, Recipe

QUICK = Recipe(
    {"fc1": Storage(0.1, 4, 5), "fc2": Storage(0.15, 4, 5), "fc3": Storage(0.3, 4, 4)},
    replace(MNIST, epochs=6),
    rounds=3,
    round_epochs=1,
    last_epochs=3,
    shared_epochs=2,
)


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory) -> DeepCompression:
    out = tmp_path_factory.mktemp("deep")
    some = DeepCompression("lenet_300_100", out, QUICK, data, rows=4000)
    some.stages = some.run()  # type: ignore[attr-defined]
    return some


def test_a_small_network_stays_as_good_as_the_whole_one(made: DeepCompression) -> None:
    trained, pruned, shared, last = made.stages  # type: ignore[attr-defined]
    assert trained.accuracy > 0.92
    assert pruned.accuracy > trained.accuracy - 0.01
    assert last.accuracy > trained.accuracy - 0.015
    assert last.compressed.ratio > 25
    assert last.accuracy >= shared.accuracy - 0.01


def test_the_last_file_holds_the_network_that_was_judged(made: DeepCompression) -> None:
    last = made.stages[-1].compressed  # type: ignore[attr-defined]
    archive = unpack(last.data)
    assert archive.metadata["network"] == "lenet_300_100"
    for name, how in QUICK.storage.items():
        weight = torch.from_numpy(archive.tensors[f"{name}.weight"])
        kept = weight[weight != 0]
        assert len(kept) == pytest.approx(how.density * weight.numel(), rel=0.01, abs=2)
        assert len(kept.unique()) <= 2**how.bits
        trained = made.weights[name].detach()
        torch.testing.assert_close(weight, trained, atol=1e-6, rtol=0)
    layers = {layer.name for layer in get_network("lenet_300_100").layers}
    assert layers == set(QUICK.storage)


def test_the_same_command_continues_where_it_stopped(made: DeepCompression, data: Path) -> None:
    again = DeepCompression("lenet_300_100", made.out, QUICK, data, rows=4000)
    seen: list[str] = []
    again.progress = lambda stage, *_: seen.append(stage)
    stages = again.run()
    assert not seen
    assert stages[-1].compressed.data == made.stages[-1].compressed.data  # type: ignore[attr-defined,union-attr]


def test_a_network_without_a_recipe_suggests_one(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'lenet5'"):
        DeepCompression("lenet6", tmp_path, data=data)
