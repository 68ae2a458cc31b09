"""Hardware on which bits count: bit-serial, composable, and energy per operation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.errors import HardwareError, UnknownNameError
from hwenvs.hardware import BitFusion, BitSerial, HorowitzEnergy, Workload
from hwenvs.networks import get_network
from hwenvs.networks.base import Layer

MOBILE = get_network("mobilenet_v1")
BITS = st.integers(1, 8)


def one(bits: float = 8, activation_bits: float | None = None) -> Workload:
    both = {"weight_bits": bits, "activation_bits": activation_bits or bits}
    return Workload.make(MOBILE.layers, **both)


def kinds(kind: str) -> np.ndarray:
    chosen = [
        layer.kind == kind and layer.kernel == (3 if kind == "depthwise" else 1)
        for layer in MOBILE.layers
    ]
    return np.array(chosen)


def test_a_bit_serial_chip_takes_its_peak_on_a_layer_that_fits_it_exactly() -> None:
    layer = Layer("fit", ("input",), 64, 8, in_channels=256, in_size=8, kernel=1)
    chip = BitSerial("bismo-edge", bandwidth=1e15)
    seconds = chip.compute(Workload.make((layer,), weight_bits=4, activation_bits=3))[0, 0]
    binary = layer.macs * 4 * 3 / seconds
    assert binary == pytest.approx(8 * 8 * 256 * 200e6)


@given(BITS, BITS)
def test_bit_serial_arithmetic_grows_with_weight_bits_times_activation_bits(w: int, a: int) -> None:
    chip = BitSerial("bismo-edge")
    pointwise = kinds("conv")
    some, single = chip.compute(one(w, a))[0], chip.compute(one(1, 1))[0]
    assert np.allclose(some[pointwise], single[pointwise] * w * a)


def test_early_depthwise_layers_are_memory_bound_and_pointwise_ones_compute_bound_on_the_edge() -> (
    None
):
    chip = BitSerial("bismo-edge")
    ratio = chip.compute(one())[0] / chip.memory(one())[0]
    large = np.array([layer.size >= 56 and layer.stride == 1 for layer in MOBILE.layers])
    assert (ratio[kinds("depthwise") & large] < 1).all()
    assert (ratio[kinds("conv")] > 1).mean() > 0.9


def test_the_cloud_computes_where_the_edge_waits_for_memory() -> None:
    depthwise = kinds("depthwise")
    waiting = [
        (chip.memory(one())[0] > chip.compute(one())[0])[depthwise].mean()
        for chip in (BitSerial("bismo-edge"), BitSerial("bismo-cloud"))
    ]
    assert waiting[0] > waiting[1]


def test_bricks_do_sixteen_times_as_many_products_at_two_bits_as_at_eight() -> None:
    layer = Layer("fit", ("input",), 64, 16, in_channels=256, in_size=16, kernel=1)
    chip = BitFusion(bandwidth=1e15)
    eight, two = (
        chip.layer_costs(Workload.make((layer,), weight_bits=b, activation_bits=b))["latency"][0, 0]
        for b in (8, 2)
    )
    assert eight / two == pytest.approx(16)
    assert layer.macs / eight == pytest.approx(16 * 32 * 500e6)


def test_bricks_widen_odd_bits() -> None:
    chip = BitFusion(bandwidth=1e15)
    five, eight = (chip.layer_costs(one(bits))["latency"] for bits in (5, 8))
    assert np.array_equal(five, eight)
    with pytest.raises(HardwareError, match="no 33-bit operands"):
        chip.layer_costs(one(33))


def test_horowitz_figures_add_up_for_one_layer() -> None:
    layer = Layer("one", ("input",), 10, 1, kind="linear", in_channels=20)
    energy = HorowitzEnergy().layer_costs(Workload.make((layer,), weight_bits=8, activation_bits=8))
    macs, moved = 200, 200 * 8 + 30 * 8
    expected = macs * (0.2 + 0.1 + 16 / 16 * 10 / 32) + moved * 20
    assert energy["energy"][0, 0] == pytest.approx(expected * 1e-12)


@pytest.mark.parametrize("chip", [BitSerial("bismo-cloud"), BitFusion(), HorowitzEnergy()])
def test_fewer_bits_never_cost_more(chip: BitSerial | BitFusion | HorowitzEnergy) -> None:
    for quantity in chip.quantities:
        costs = [chip.cost(one(bits))[quantity][0] for bits in range(1, 9)]
        assert (np.diff(costs) >= 0).all()
        assert costs[0] < costs[-1]


def test_figures_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="bismo-edge"):
        BitSerial("bismo-egde")
    with pytest.raises(HardwareError, match="must be positive"):
        BitSerial("bismo-edge", clock=0)
    with pytest.raises(HardwareError, match="must be positive"):
        BitFusion(rows=-1)
    with pytest.raises(HardwareError, match="reuse must be positive"):
        HorowitzEnergy(reuse=0)
    with pytest.raises(HardwareError, match="unexpected keyword"):
        BitFusion(colour="red")
