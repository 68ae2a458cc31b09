"""Plug-ins, unknown names, and models that break the contract."""

from __future__ import annotations

import sys
import types
from importlib import metadata
from typing import Any

import numpy as np
import pytest

from hwenvs.errors import HardwareError, UnknownNameError
from hwenvs.hardware import HardwareModel, Workload, get_hardware, list_hardware
from hwenvs.networks import get_network


class Chip(HardwareModel):
    """One picosecond a multiply-accumulate, or whatever a test wants it to answer."""

    name = "chip"
    source = "made up for a test"
    quantities = ("latency",)

    def __init__(self, answer: Any = None, speed: float = 1.0) -> None:
        self.answer, self.speed = answer, speed

    def layer_costs(self, workload: Workload) -> dict[str, Any]:
        if self.answer is not None:
            return dict(self.answer)
        return {"latency": workload.macs * 1e-12 / self.speed}


WORKLOAD = Workload.of(get_network("lenet5"))
LAYERS = len(WORKLOAD.layers)


class Distribution:
    """As much of an installed distribution as an entry point tells."""

    name = "chip-maker"


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installs a distribution with good and bad plug-ins."""
    module = types.ModuleType("chip_maker")
    module.Chip, module.instance, module.number = Chip, Chip(), 7  # type: ignore[attr-defined]
    module.wrong = list  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "chip_maker", module)
    places = {
        "chip": "chip_maker:Chip",
        "instance": "chip_maker:instance",
        "absent": "chip_maker_that_is_not_there:Chip",
        "number": "chip_maker:number",
        "wrong": "chip_maker:wrong",
        "mobile": "chip_maker:Chip",
    }
    entries = [metadata.EntryPoint(name, at, "hwenvs.hardware") for name, at in places.items()]
    for entry in entries:
        vars(entry)["dist"] = Distribution()
    real = metadata.entry_points

    def found(**selection: str) -> Any:
        if selection == {"group": "hwenvs.hardware"}:
            return metadata.EntryPoints(entries)
        return real(**selection)

    monkeypatch.setattr(metadata, "entry_points", found)


@pytest.mark.usefixtures("plugins")
def test_a_plugin_is_found_by_name_and_takes_options() -> None:
    chip = get_hardware("chip", speed=2.0)
    assert chip.cost(WORKLOAD)["latency"][0] == pytest.approx(2_293_000 * 1e-12 / 2)
    assert chip.spec == {"name": "chip", "speed": 2.0}
    again = get_hardware(chip.spec).cost(WORKLOAD)
    assert again["latency"] == chip.cost(WORKLOAD)["latency"]
    assert get_hardware("instance").cost(WORKLOAD)["macs"][0] == 2_293_000


@pytest.mark.usefixtures("plugins")
def test_broken_plugins_are_named_and_take_nobody_down() -> None:
    rows = {(row.provider, row.name): row for row in list_hardware()}
    assert rows["chip-maker", "chip"].error is None
    assert rows["chip-maker", "chip"].quantities == ("macs", "params", "latency")
    for name, what in {
        "absent": "ModuleNotFoundError",
        "number": "TypeError",
        "wrong": "is a list",
        "mobile": "taken by hwenvs",
    }.items():
        assert what in str(rows["chip-maker", name].error)
    with pytest.raises(HardwareError, match="'absent' of chip-maker"):
        get_hardware("absent")
    assert get_hardware("mobile").model.name == "mobile"
    assert get_hardware("counts").cost(WORKLOAD)["macs"][0] == 2_293_000


@pytest.mark.usefixtures("plugins")
def test_an_unknown_name_suggests_the_nearest_plugin_too() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'mobile'"):
        get_hardware("moble")
    with pytest.raises(UnknownNameError, match="Did you mean 'chip'"):
        get_hardware("chipp")


def test_unknown_options_are_refused_with_the_name_of_the_model() -> None:
    with pytest.raises(HardwareError, match=r"'counts'.*speed"):
        get_hardware("counts", speed=2)
    with pytest.raises(HardwareError, match="made already"):
        get_hardware(Chip(), speed=2)
    with pytest.raises(HardwareError, match="must be a name"):
        get_hardware(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("dictionary", [{}, {"nam": "roofline"}])
def test_a_dictionary_without_a_name_is_told_so(dictionary: dict[str, Any]) -> None:
    with pytest.raises(HardwareError, match="lacks 'name'"):
        get_hardware(dictionary)


def test_an_instance_is_used_as_it_is_and_wrapped_once() -> None:
    model = Chip()
    checked = get_hardware(model)
    assert checked.model is model
    assert checked.spec is None
    assert get_hardware(checked) is checked


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"latency": np.full((1, LAYERS), np.nan)}, "latency of design 0, layer 0 is nan"),
        ({"latency": np.full((1, LAYERS), np.inf)}, "finite and not negative"),
        ({"latency": np.full((1, LAYERS), -1.0)}, "is -1.0"),
        ({"latency": np.zeros(LAYERS)}, "shape"),
        ({}, "instead of"),
        ({"latency": np.zeros((1, LAYERS)), "energy": np.zeros((1, LAYERS))}, "energy"),
    ],
)
def test_answers_that_are_no_costs_are_refused_by_name(answer: Any, message: str) -> None:
    with pytest.raises(HardwareError, match=message) as caught:
        get_hardware(Chip(answer)).cost(WORKLOAD)
    assert "'chip'" in str(caught.value)


def test_macs_other_than_the_workloads_are_refused() -> None:
    class Optimist(Chip):
        quantities = ("macs",)

    with pytest.raises(HardwareError, match="define them"):
        get_hardware(Optimist({"macs": np.ones((1, LAYERS))})).cost(WORKLOAD)


@pytest.mark.parametrize("quantities", [("speed",), ()])
def test_a_model_must_say_which_known_quantities_it_reports(quantities: tuple[str, ...]) -> None:
    vague = type("Vague", (Chip,), {"quantities": quantities})
    with pytest.raises(HardwareError, match="valid: macs, params"):
        get_hardware(vague())


def test_a_model_without_a_source_is_refused() -> None:
    with pytest.raises(HardwareError, match="'source'"):
        get_hardware(type("Secret", (Chip,), {"source": None})())
