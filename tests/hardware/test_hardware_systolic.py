"""The systolic array: its cycles are SCALE-Sim's, its traffic is bounded by what must move."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from hwenvs.errors import HardwareError, UnknownNameError
from hwenvs.hardware import Systolic, Workload, get_hardware
from hwenvs.hardware.systolic import DATAFLOWS, SystolicChip, product_cycles
from hwenvs.networks import get_network

SIMULATED = Path(__file__).parent / "data" / "scalesim_cycles.csv"
NAMES = {"os": "output", "ws": "weight", "is": "input"}


def test_cycles_are_those_that_scalesim_simulates() -> None:
    with SIMULATED.open() as file:
        simulated = list(csv.DictReader(file))
    assert len(simulated) == 60
    for row in simulated:
        shape = [np.array(float(row[key])) for key in ("pixels", "depth", "filters")]
        chip = SystolicChip(int(row["rows"]), int(row["columns"]), NAMES[row["dataflow"]])
        assert product_cycles(chip, *shape) == int(row["cycles"]), row


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_nothing_moves_less_than_once(dataflow: str) -> None:
    workload = Workload.make(get_network("resnet50").layers, weight_bits=8, activation_bits=8)
    least = workload.weights + workload.input_elements + workload.output_elements
    roomy = Systolic(dataflow=dataflow, weight_buffer=1e9, input_buffer=1e9, output_buffer=1e9)
    np.testing.assert_array_equal(roomy.dram_bytes(workload), least)
    assert (Systolic(dataflow=dataflow).dram_bytes(workload) >= least).all()


def test_it_is_blind_to_zeros_and_slow_on_depthwise_layers() -> None:
    network, array = get_network("mobilenet_v1"), Systolic()
    dense = array.layer_costs(Workload.of(network))
    pruned = array.layer_costs(Workload.make(network.layers, weight_density=0.1))
    np.testing.assert_array_equal(dense["latency"], pruned["latency"])
    workload = Workload.of(network)
    use = workload.macs[0] / array.cycles(workload)[0] / (array.chip.rows * array.chip.columns)
    assert use[workload.depthwise].max() < 0.02
    assert use[~workload.depthwise].mean() > 0.3


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_a_depthwise_layer_costs_as_much_as_its_channels_one_by_one(dataflow: str) -> None:
    layer = next(
        layer
        for layer in get_network("proxyless_mobile").layers
        if layer.kind == "depthwise" and layer.kernel == 7 and layer.size == 28
    )
    array, channels = Systolic(dataflow=dataflow), np.array([1, layer.channels])
    assert layer.kernel**2 > array.chip.rows  # so that sums spread over several folds
    costs = array.layer_costs(Workload.single(layer, channels, channels))
    for quantity, values in costs.items():
        one, all_of_them = values[:, 0]
        assert all_of_them == pytest.approx(layer.channels * one), quantity


def test_bad_figures_are_named() -> None:
    with pytest.raises(UnknownNameError, match="weight"):
        get_hardware("systolic", dataflow="weights")
    with pytest.raises(HardwareError, match="rows must be positive"):
        get_hardware("systolic", rows=0)
    with pytest.raises(HardwareError, match="systolic"):
        get_hardware("systolic", lanes=4)
