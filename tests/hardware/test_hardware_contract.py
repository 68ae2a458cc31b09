"""What every hardware model in the registry promises."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hwenvs.hardware import COST_UNITS, CheckedHardware, Workload, get_hardware, list_hardware
from hwenvs.hardware.registry import BUILT_IN, MEASURED
from hwenvs.networks import ZOO, get_network

MakeWorkload = Callable[..., Workload]
NAMES = sorted(BUILT_IN)
OWN = {"cpu": "proxyless_mobile"}
"""Models that know only what was measured, and a network of theirs."""

PAIRS = [(name, each) for name in NAMES for each in sorted(ZOO) if OWN.get(name, each) == each]


def _network(name: str, usual: str = "mobilenet_v2") -> str:
    return OWN.get(name, usual)


def _random(name: str, make: MakeWorkload, batch: int = 7) -> Workload:
    """Random designs; of models that know no pruned layers, random bits and densities only."""
    workload = make(_network(name), batch=batch)
    if name not in OWN:
        return workload
    whole = Workload.of(get_network(OWN[name]), batch)
    return replace(workload, in_channels=whole.in_channels, out_channels=whole.out_channels)


@pytest.mark.parametrize(("name", "network"), PAIRS)
def test_costs_of_every_zoo_network_are_finite_and_positive(name: str, network: str) -> None:
    costs = get_hardware(name).cost(Workload.of(get_network(network), batch=2))
    assert set(costs) <= set(COST_UNITS)
    for quantity, values in costs.items():
        assert (values.shape, str(values.dtype)) == ((2,), "float64"), quantity
        assert ((values > 0) & np.isfinite(values)).all(), quantity


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_costs_the_same_bits_as_its_designs_one_by_one(
    name: str, random_workload: MakeWorkload
) -> None:
    model, workload = get_hardware(name), _random(name, random_workload, batch=9)
    layers, whole = model.layer_costs(workload), model.cost(workload)
    backwards = model.cost(workload.take(slice(None, None, -1)))
    for row in range(workload.batch):
        one = workload.take(slice(row, row + 1))
        for quantity, table in model.layer_costs(one).items():
            assert np.array_equal(table[0], layers[quantity][row]), quantity
        for quantity, values in model.cost(one).items():
            assert values[0] == whole[quantity][row] == backwards[quantity][-1 - row], quantity


@pytest.mark.parametrize("name", NAMES)
def test_one_layer_alone_costs_what_it_costs_in_its_network(
    name: str, random_workload: MakeWorkload
) -> None:
    model, workload = get_hardware(name), _random(name, random_workload, batch=3)
    whole = model.layer_costs(workload)
    columns = ("weight_bits", "activation_bits", "weight_density", "activation_density")
    for index, layer in enumerate(workload.layers):
        alone = Workload.single(
            layer,
            workload.in_channels[:, index],
            workload.out_channels[:, index],
            **{name: getattr(workload, name)[:, index] for name in columns},
        )
        for quantity, table in model.layer_costs(alone).items():
            assert np.array_equal(table[:, 0], whole[quantity][:, index]), (layer.name, quantity)


@pytest.mark.parametrize("name", NAMES)
def test_asking_twice_gives_the_same_bits(name: str, random_workload: MakeWorkload) -> None:
    model = get_hardware(name)
    if not model.deterministic:
        pytest.skip("measured on a device")
    workload = _random(name, random_workload)
    one, other = model.cost(workload), get_hardware(name).cost(workload)
    assert all(np.array_equal(one[quantity], other[quantity]) for quantity in one)


@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2", "resnet50"])
@pytest.mark.parametrize("name", NAMES)
def test_costs_never_fall_with_more_channels_where_declared(
    name: str, network: str, random_workload: MakeWorkload
) -> None:
    model = get_hardware(name)
    if not model.monotone:
        pytest.skip("not declared monotone")
    small, other = random_workload(network, batch=40), random_workload(network, batch=40, seed=1)
    large = replace(
        small,
        in_channels=np.maximum(small.in_channels, other.in_channels),
        out_channels=np.maximum(small.out_channels, other.out_channels),
    )
    fewer, more = model.layer_costs(small), model.layer_costs(large)
    assert all((more[quantity] >= fewer[quantity]).all() for quantity in fewer)


@pytest.mark.parametrize("name", NAMES)
def test_every_model_reports_macs_and_parameters_of_the_layer_table(name: str) -> None:
    network = get_network(_network(name, "resnet20"))
    costs = get_hardware(name).cost(Workload.of(network))
    assert (costs["macs"][0], costs["params"][0]) == (network.macs, network.parameters)


@pytest.mark.parametrize("name", NAMES)
def test_every_model_tells_what_it_is_and_survives_pickling(name: str) -> None:
    model = get_hardware(name)
    assert len(model.source) > 10
    assert len(model.describe()) > 30
    again = pickle.loads(pickle.dumps(model))
    workload = Workload.of(get_network(_network(name, "lenet5")))
    assert dict(again.cost(workload)) == dict(model.cost(workload))
    assert model.spec == name
    rebuilt = get_hardware(model.spec)
    assert isinstance(rebuilt, CheckedHardware)
    assert rebuilt.describe() == model.describe()


def test_the_list_holds_every_built_in_model_with_what_it_reports() -> None:
    rows = {row.name: row for row in list_hardware() if row.provider == "hwenvs"}
    assert sorted(rows) == sorted([*NAMES, MEASURED])
    for name, row in rows.items():
        assert row.error is None
        assert row.platform_dependent == (name == MEASURED)
        assert name == MEASURED or row.quantities == get_hardware(name).quantities
