"""Options of hardware models: what makes no sense is refused in a sentence that names it."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from hwenvs.errors import HardwareError
from hwenvs.hardware import EIEChip, EnergyTable, ESEChip, Workload, get_hardware
from hwenvs.hardware.bismo import CHIPS
from hwenvs.hardware.bitfusion import BitFusionChip
from hwenvs.hardware.figures import is_number
from hwenvs.hardware.storage import MEASURED_BITS, CodedStorage
from hwenvs.hardware.systolic import SystolicChip
from hwenvs.networks import get_network

WORKLOAD = Workload.of(get_network("lenet5"))
CHIPS_OF = {
    "bismo-edge": CHIPS["bismo-edge"],
    "bitfusion": BitFusionChip(),
    "systolic": SystolicChip(),
    "eie": EIEChip(),
    "ese": ESEChip(),
}
FIGURES = [
    (name, field.name, field.type)
    for name, chip in CHIPS_OF.items()
    for field in fields(chip)
    if field.type in ("int", "float")
]


@pytest.mark.parametrize(("name", "figure", "kind"), FIGURES)
def test_every_figure_of_every_chip_must_be_a_positive_number(
    name: str, figure: str, kind: str
) -> None:
    wrong: list[Any] = [0, -1, math.inf, math.nan, "8", None, True, [8], 10**400]
    for value in [*wrong, 3.5] if kind == "int" else wrong:
        with pytest.raises(HardwareError, match=rf"{figure} must be positive and .*, not "):
            get_hardware(name, **{figure: value})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("roofline", {"peaks": [[1, 2, 3]]}, "peaks must be pairs .*1, 2, 3"),
        ("roofline", {"peaks": [1]}, "peaks must be pairs"),
        ("roofline", {"peaks": 5}, "peaks must be pairs"),
        ("roofline", {"peaks": [["a", 1]]}, "peaks must be pairs"),
        ("roofline", {"peaks": [[8, math.inf]]}, "peaks must be pairs"),
        ("roofline", {"images": 2.5}, "images must be positive and a whole number, not 2.5"),
        ("roofline", {"overhead": math.inf}, "overhead must be 0 or positive and finite"),
        ("roofline", {"source": 3}, "source must be text, not 3"),
        ("roofline", {"preset": 7}, "of type Preset, not 7"),
        ("bismo", {"chip": 3}, "of type BitSerialChip, not 3"),
        ("bismo-edge", {"segment": 512}, "no wider than the 256 lanes, not 512"),
        ("bitfusion", {"energy": 3}, "energy must be of type EnergyTable, not 3"),
        ("bitfusion", {"chip": 0}, "of type BitFusionChip, not 0"),
        ("systolic", {"energy": None}, "energy must be of type EnergyTable, not None"),
        ("horowitz", {"table": 5}, "table must be an EnergyTable, not 5"),
        ("horowitz", {"reuse": math.inf}, "reuse must be positive and finite, not inf"),
        ("eie", {"index_bits": 40}, "EIE: index_bits must be at most 30, not 40"),
        ("ese", {"index_bits": 40}, "ESE: index_bits must be at most 30, not 40"),
        ("eie", {"chip": 3}, "of type EIEChip, not 3"),
        ("eie", {"activation_density": "half"}, "must be a fraction above 0, not 'half'"),
        ("storage", {"measured": 3}, "tables by layer, not 3"),
        ("storage", {"measured": {"conv1": [[1.0]]}}, "'conv1': measured bytes must be 100 x 9"),
        ("storage", {"measured": {"conv1": [[1.0], []]}}, "'conv1': measured bytes must be"),
        ("storage", {"measured": {"conv1": [[-1.0] * 9] * 100}}, "'conv1': measured bytes must be"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(HardwareError, match=message):
        get_hardware(name, **options)


def test_energies_of_operations_may_be_zero_but_not_less() -> None:
    free = get_hardware("horowitz", table=EnergyTable(dram_bit=0.0))
    assert free.cost(WORKLOAD)["energy"] < get_hardware("horowitz").cost(WORKLOAD)["energy"]
    with pytest.raises(HardwareError, match="dram_bit must be 0 or positive and finite, not -1"):
        EnergyTable(dram_bit=-1)


def test_figures_may_be_of_numpys_types() -> None:
    options = {"elements": np.int64(64), "clock": np.float64(800e6)}
    costs = get_hardware("eie", **options).cost(WORKLOAD)
    assert costs["latency"] == get_hardware("eie").cost(WORKLOAD)["latency"]


def test_measured_sizes_are_known_for_the_codebooks_that_were_tried_only() -> None:
    layer = WORKLOAD.layers[0]
    table = np.arange(900.0).reshape(100, 9)
    model = CodedStorage({layer.name: table})

    def size(bits: float) -> float:
        workload = Workload.single(layer, layer.in_channels, layer.channels, weight_bits=bits)
        return float(model.layer_costs(workload)["size"][0, 0])

    sizes = [size(bits) for bits in MEASURED_BITS]
    assert np.array_equal(np.diff(sizes), np.ones(8))  # the columns, in order
    for bits in (0.5, 2.5, 9, 16, 17, 31, 64):
        with pytest.raises(HardwareError, match=rf"'{layer.name}' was encoded .*, not of {bits:g}"):
            size(bits)


def test_figures_may_be_numpys() -> None:
    for number in (np.float32(0.5), np.float64(0.5), np.int64(2)):
        assert is_number(number)
    for other in (np.float32("inf"), np.float64("nan"), np.bool_(True), 10**400):
        assert not is_number(other)
