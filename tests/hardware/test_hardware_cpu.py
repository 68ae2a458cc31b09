"""The processor that is shipped as ``cpu``: whole search spaces and nothing else."""

from __future__ import annotations

import json

import gymnasium as gym
import pytest

from hwenvs.errors import HardwareError
from hwenvs.hardware import Workload, get_hardware
from hwenvs.hardware.device import CPU_TABLES
from hwenvs.hardware.lookup import DATA
from hwenvs.networks import get_network, get_space


@pytest.mark.parametrize("name", ["proxyless", "proxyless_cifar"])
def test_the_shipped_cpu_knows_every_architecture_of_its_spaces(name: str) -> None:
    space, model = get_space(name), get_hardware("cpu")
    seconds = {}
    for entry in range(7):
        design = [block.entries[min(entry, len(block.entries) - 1)] for block in space.blocks]
        layers = model.layer_costs(Workload.of(space.network(design)))["latency"]
        assert ((layers > 0) & (layers < 0.1)).all()
        seconds[entry] = layers.sum()
    assert min(seconds, key=seconds.__getitem__) == 0
    assert max(seconds, key=seconds.__getitem__) == 6


def test_the_shipped_cpu_is_the_same_everywhere_and_says_what_it_is() -> None:
    model = get_hardware("cpu")
    assert not model.platform_dependent
    for part in ("proxyless_cifar", "onnxruntime", "AMD EPYC", "UTC", "Spearman", "mean error"):
        assert part in model.describe(), part


@pytest.mark.parametrize("table", CPU_TABLES)
def test_the_shipped_cpu_predicts_whole_architectures(table: str) -> None:
    check = json.loads((DATA / f"{table}.json").read_text(encoding="utf-8"))["check"]
    assert len(check["designs"]) >= 20
    assert check["spearman"] > 0.95
    assert check["mean_error"] < 0.05


def test_the_shipped_cpu_refuses_other_networks_by_the_layer() -> None:
    spaces = "measured on proxyless and proxyless_cifar, without a layer"
    for network in ("mobilenet_v2", "proxyless_gpu"):
        with pytest.raises(HardwareError, match=spaces):
            get_hardware("cpu").cost(Workload.of(get_network(network)))


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_the_shipped_cpu_refuses_pruned_layers_by_name(kind: str) -> None:
    network = get_network("proxyless_mobile")
    layer = next(one for one in network.layers if one.kind == kind and one.channels == 48)
    model = get_hardware("cpu")
    assert model.cost(Workload.single(layer, layer.in_channels, 48))["latency"][0] > 0
    kept = [47, 48]  # one below the smallest operator's width
    reads = kept if kind == "depthwise" else [layer.in_channels] * 2
    message = rf"proxyless, whose layer '{layer.name}' has .* 48 or 96 channels, not .* -> 47: "
    with pytest.raises(HardwareError, match=message + "nothing is interpolated"):
        model.cost(Workload.single(layer, reads, kept))
    with pytest.raises(HardwareError, match="nothing is interpolated"):
        gym.make("AMC-v0", network=network.name, hardware="cpu", cost="latency", budget=0.9)
