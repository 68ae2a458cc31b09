"""Counts of the layer table, and the workload they are counted from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.errors import HardwareError
from hwenvs.hardware import Counts, Workload, aggregate
from hwenvs.networks import ZOO, get_network
from hwenvs.networks.mobilenet import mobilenet_v1


@pytest.mark.parametrize("name", sorted(ZOO))
def test_counts_equal_the_layer_table_of_every_zoo_network(name: str) -> None:
    network = get_network(name)
    costs = Counts().cost(Workload.of(network, batch=2))
    assert costs["macs"].tolist() == [network.macs] * 2
    assert costs["params"].tolist() == [network.parameters] * 2
    assert costs["size"].tolist() == [4.0 * network.parameters] * 2


def test_kept_channels_count_like_a_network_built_that_small() -> None:
    full, small = get_network("mobilenet_v1"), mobilenet_v1(width=0.5)
    read = [layer.in_channels for layer in small.layers]
    written = [layer.channels for layer in small.layers]
    costs = Counts().cost(Workload.make(full.layers, read, written))
    expected = Counts().cost(Workload.of(small))
    assert dict(costs) == dict(expected)
    assert costs["macs"][0] == small.macs


def test_size_by_hand() -> None:
    layer = get_network("lenet5").layer("conv2")  # 5 x 5, 20 -> 50, with bias, 12 -> 8 pixels
    workload = Workload.single(layer, [10, 10], 30, weight_bits=[32, 4], weight_density=[1, 0.5])
    size = Counts().cost(workload)["size"]
    assert size.tolist() == [4 * (7500 + 30), 7500 * 0.5 * 4 / 8 + 4 * 30]


def test_peak_memory_is_the_largest_input_and_output_together() -> None:
    network = get_network("lenet5")
    by_hand = [4 * (28**2 + 20 * 24**2), 4 * (20 * 12**2 + 50 * 8**2), 4 * (800 + 500), 4 * 510]
    workload = Workload.of(network)
    assert Counts().layer_costs(workload)["peak_memory"][0].tolist() == by_hand
    assert Counts().cost(workload)["peak_memory"][0] == max(by_hand)
    assert Counts().cost(Workload.make(network.layers, activation_bits=8))["peak_memory"][0] == (
        max(by_hand) / 4
    )


def test_all_pairs_of_options_of_one_layer_are_one_workload() -> None:
    layer = get_network("resnet20").layer("layer1.0.conv1")
    read, written = np.meshgrid(np.arange(1, 17), np.arange(1, 17), indexing="ij")
    workload = Workload.single(layer, read.ravel(), written.ravel())
    assert workload.shape == (256, 1)
    macs = Counts().cost(workload)["macs"].reshape(16, 16)
    assert np.array_equal(macs, read * written * 9.0 * 32 * 32)


@given(st.integers(1, 20), st.integers(1, 50), st.integers(1, 3))
def test_a_linear_layer_reads_all_pixels_of_its_channels(read: int, out: int, batch: int) -> None:
    layer = get_network("lenet5").layer("fc1")  # 50 channels of 4 x 4
    workload = Workload.make((layer,), [read], [out], batch=batch)
    assert workload.macs.tolist() == [[read * 16 * out]] * batch
    assert workload.input_elements.tolist() == [[read * 16]] * batch
    assert workload.params.tolist() == [[read * 16 * out + out]] * batch


def test_sums_run_in_table_order() -> None:
    costs = np.array([[1e16, 1.0, 1.0, -0.0]])
    assert aggregate({"latency": costs})["latency"][0] == (1e16 + 1.0) + 1.0
    assert aggregate({"peak_memory": costs})["peak_memory"][0] == 1e16


NET = get_network("mobilenet_v1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": np.zeros((1, 28), int)}, "in_channels must be whole"),
        ({"out_channels": np.full((1, 28), 2000)}, "out_channels must be whole"),
        ({"out_channels": np.full((1, 28), 1.5)}, "out_channels must be whole"),
        ({"out_channels": np.full((1, 28), np.nan)}, "out_channels must be whole"),
        ({"out_channels": np.ones((1, 28), int)}, "'features.1.0' must read and write the same"),
        ({"weight_bits": 0.0}, "weight_bits must be finite and above 0"),
        ({"activation_bits": np.nan}, "activation_bits must be finite"),
        ({"weight_density": 1.5}, "weight_density must be finite and from 0 to 1"),
        ({"out_channels": np.ones((4, 28), int), "batch": 3}, "do not broadcast"),
        ({"weight_bits": np.ones(5)}, r"28 layers\]: .*weight_bits \(5,\)"),
    ],
)
def test_workloads_that_no_layer_table_allows_are_refused(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(HardwareError, match=message):
        Workload.make(NET.layers, **arguments)


def test_an_empty_network_is_refused() -> None:
    with pytest.raises(HardwareError, match="at least one layer"):
        Workload.make(())
