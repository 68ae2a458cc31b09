"""What chips look like: asked of the model, comparable, different where chips differ."""

from __future__ import annotations

import numpy as np
import pytest

from hwenvs.errors import HardwareError
from hwenvs.hardware import HardwareModel, Workload
from hwenvs.tasks import RULES, distribution
from hwenvs.tasks.probes import OCTAVES, chip_features, hardware_features, hardware_names


class Scaled(HardwareModel):
    """Counts in other units, or nothing at all."""

    name = "scaled"
    source = "made up for tests"
    quantities = ("latency",)

    def __init__(self, unit: float) -> None:
        self.unit = unit

    def layer_costs(self, workload: Workload) -> dict[str, np.ndarray]:
        return {"latency": workload.macs * self.unit}


def test_counted_macs_look_as_they_must() -> None:
    found = dict(
        zip(hardware_names("amc"), hardware_features("amc", "counts", "macs"), strict=True)
    )
    assert found["depthwise: cost of a MAC, whole"] == 0.5
    assert found["dense: cost left, half the inputs"] == 0.5
    assert found["linear: cost left, a quarter of both"] == 1 / 16
    assert found["depthwise: cost left, a quarter of both"] == 1 / 4


def test_bits_that_cost_nothing_show_as_no_saving() -> None:
    found = hardware_features("haq", "cortex_a76", "latency")
    saved = dict(zip(hardware_names("haq"), found, strict=True))
    assert saved["dense: cost left, 4-bit weights"] > 0.9
    small = hardware_features("haq", "counts", "size")
    saved = dict(zip(hardware_names("haq"), small, strict=True))
    assert saved["linear: cost left, 4-bit weights"] == 0.5
    assert saved["linear: cost left, 4-bit activations"] == 1.0


def test_units_make_no_difference() -> None:
    one, other = (hardware_features("amc", Scaled(unit), "latency") for unit in (1.0, 1e-9))
    assert np.allclose(one, other, atol=1e-12)
    assert np.allclose(one, hardware_features("amc", "counts", "macs"), atol=1e-12)


@pytest.mark.parametrize("name", tuple(RULES))
def test_chips_of_a_rule_are_told_apart_and_in_range(name: str) -> None:
    pairs = sorted({(task.chip, task.cost) for task in distribution(name).all})
    rows = np.array([chip_features(name, *pair) for pair in pairs])
    assert rows.shape == (len(pairs), len(hardware_names(name)))
    assert rows.min() >= 0
    assert rows.max() <= 1
    for i, row in enumerate(rows):
        for j in range(i):
            assert not np.array_equal(row, rows[j]), (pairs[i], pairs[j])


@pytest.mark.parametrize("name", tuple(RULES))
def test_chips_held_back_look_unlike_every_training_chip(name: str) -> None:
    rule = RULES[name]
    for pair in rule.test_chips:
        for other in rule.train_chips:
            apart = abs(chip_features(name, *pair) - chip_features(name, *other)).max()
            assert apart >= 0.1, (pair, other)


def test_the_scale_of_a_mac_has_ends() -> None:
    class Dear(Scaled):
        """A depthwise MAC costs 2^20 others."""

        def layer_costs(self, workload: Workload) -> dict[str, np.ndarray]:
            return {"latency": workload.macs * np.where(workload.depthwise, 2.0**20, 1.0)}

    found = dict(
        zip(hardware_names("amc"), hardware_features("amc", Dear(1), "latency"), strict=True)
    )
    assert OCTAVES < 20
    assert found["depthwise: cost of a MAC, whole"] == 1.0


def test_models_that_say_nothing_are_refused() -> None:
    with pytest.raises(HardwareError, match="latency of a dense layer is 0"):
        hardware_features("amc", Scaled(0.0), "latency")
    with pytest.raises(HardwareError, match="reports macs, params, latency, not energy"):
        hardware_features("amc", "mobile", "energy")
