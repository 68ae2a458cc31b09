"""Where torch computes: what was asked for, and nothing else in the process notices."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import pytest
import torch
from torch import nn

from hwenvs.calibration.bench import open_bench
from hwenvs.calibration.devices import check_device, computing_on
from hwenvs.calibration.images import Preprocessing
from hwenvs.calibration.sweeps import sweep_group
from hwenvs.compression.recipe import Recipe
from hwenvs.errors import ArgumentError
from hwenvs.networks import from_torch
from hwenvs.networks.modules import TableModule
from hwenvs.networks.resnet import resnet_cifar
from hwenvs.training.classifier import ClassifierTraining
from hwenvs.training.settings import Settings

DESIGN = [3, 4, 4, 8, 8, 12]
FAMILIES = {
    "channel_pruning": DESIGN,
    "fine_grained_pruning": [30] * 8,
    "bit_allocation": [8, 6] * 8,
    "deep_compression": [20, 4] * 8,
}
ELSEWHERE = [
    "foo",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is there")
    ),
    "cuda:99",
    "meta",
]


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.delenv("HWENVS_DATA", raising=False)


@pytest.mark.parametrize("device", ELSEWHERE)
def test_an_environment_on_a_device_that_is_not_here_is_refused_and_changes_nothing(
    device: str,
) -> None:
    with pytest.raises(ArgumentError, match=rf"device '{device}' cannot be computed on: .*cpu"):
        gym.make("AMC-DigitsLeNet-v0", device=device)
    assert torch.zeros(1).device.type == "cpu"


def test_a_module_of_ones_own_on_a_device_that_is_not_here_is_refused() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 10))
    network = from_torch(module, torch.zeros(1, 1, 8, 8))
    data = torch.rand(40, 1, 8, 8), torch.arange(40) % 10
    given = {"network": network, "proxy": "measured", "module": module, "data": data}
    with pytest.raises(ArgumentError, match="device 'foo'"):
        gym.make("AMC-v0", **given, device="foo")


def test_training_on_a_device_that_is_not_here_is_refused(tmp_path: Path) -> None:
    module = TableModule(resnet_cifar(8, classes=2, resolution=16))
    images, labels = torch.zeros(4, 3, 16, 16, dtype=torch.uint8), torch.arange(4) % 2
    look, path = Preprocessing(16, (0.5,) * 3, (0.25,) * 3), tmp_path / "run.pt"
    with pytest.raises(ArgumentError, match="device 'foo'"):
        ClassifierTraining(module, images, labels, look, Settings(), path, device="foo")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_bench_neither_sees_nor_changes_the_callers_default_device(family: str) -> None:
    def measured() -> list[object]:
        recipe = Recipe(points=4, rectified_steps=0)
        rows = range(40), range(60)
        bench = open_bench("digits_resnet", *rows, recipe, family=family)
        design = FAMILIES[family]
        if len(design) != len(bench.groups):
            design = (design * len(bench.groups))[: len(bench.groups)]
        bench.prepare()
        least = bench.family.counts(bench.groups[0])[:1]
        return [bench.measure(design), *sweep_group(bench, 0, least, 20)]

    plain = measured()
    with torch.device("meta"):  # a device that holds no numbers: whoever uses it fails
        assert measured() == plain
        assert torch.zeros(1).device.type == "meta"
    assert torch.zeros(1).device.type == "cpu"


def test_the_default_device_is_back_after_a_failure() -> None:
    def fail() -> None:
        with computing_on("meta"):
            assert torch.zeros(1).device.type == "meta"
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert torch.zeros(1).device.type == "cpu"
    check_device("cpu")
