"""Tables of measured layers: exact at what was measured, linear in between, refused elsewhere."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.errors import HardwareError
from hwenvs.hardware import DeviceModel, Workload, get_hardware, list_hardware
from hwenvs.hardware.grids import FORMAT, GEOMETRY
from hwenvs.networks import Network, channel_groups, get_network, kept_channels
from hwenvs.networks.base import Layer

NETWORK = get_network("mobilenet_v1")
KNOTS = 4


def knots(channels: int) -> list[int]:
    """Quarters of the channels."""
    return [channels * level // KNOTS for level in range(1, KNOTS + 1)]


def made_up(network: Network = NETWORK, **changes: Any) -> dict[str, Any]:
    """A table in which a layer takes a nanosecond for every product of its channels."""
    rows = []
    for layer in network.layers:
        fixed = layer.kind == "depthwise" or layer.inputs == ("input",)
        reads = [layer.in_channels] if fixed else knots(layer.in_channels)
        writes = [layer.channels] if layer.kind == "linear" else knots(layer.channels)
        times = [[read * written * 1e-6 for written in writes] for read in reads]
        geometry = {key: getattr(layer, key) for key in GEOMETRY}
        rows.append(
            {
                "name": layer.name,
                **geometry,
                "in_channels": reads,
                "out_channels": writes,
                "median_ms": times,
                "spread_ms": times,
            }
        )
    table = {"format": FORMAT, "name": "mine", "source": "made up", "network": network.name}
    return {**table, "block": 1, "factor": 1.0, "layers": rows, **changes}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(made_up()))
    return file


def halved() -> Workload:
    """The design that keeps half of all channels."""
    design = np.array([[group.channels // 2 for group in channel_groups(NETWORK)]])
    return Workload.make(NETWORK.layers, *kept_channels(NETWORK, design))


def test_measured_widths_come_back_as_measured() -> None:
    workload = halved()
    seconds = DeviceModel(made_up()).layer_costs(workload)["latency"][0]
    reads = np.where(workload.depthwise, workload.column("in_channels"), workload.in_channels[0])
    assert seconds == pytest.approx(reads * workload.out_channels[0] * 1e-9, rel=1e-12)


def test_times_between_are_linear_in_both_directions() -> None:
    layer = NETWORK.layers[4]
    assert layer.kind == "conv"
    model = DeviceModel(made_up())
    reads, writes = np.array([17, 33, 64]), np.array([50, 97, 128])
    seconds = model.layer_costs(Workload.single(layer, reads, writes))["latency"][:, 0]
    # The product of channels is linear in each of them.
    assert seconds == pytest.approx(reads * writes * 1e-9, rel=1e-12)


def test_fewer_channels_than_measured_take_what_the_fewest_take() -> None:
    layer = NETWORK.layers[4]
    seconds = DeviceModel(made_up()).layer_costs(Workload.single(layer, [1, 16], [1, 32]))
    assert seconds["latency"][0] == seconds["latency"][1]


def test_channels_that_begin_a_block_cost_a_whole_block() -> None:
    layer = NETWORK.layers[4]
    model = DeviceModel(made_up(block=16))
    seconds = model.layer_costs(Workload.single(layer, [33, 48, 49], 128))["latency"][:, 0]
    assert seconds[0] == seconds[1] < seconds[2]


def test_the_factor_multiplies_every_layer() -> None:
    one, other = (DeviceModel(made_up(factor=f)).cost(halved())["latency"] for f in (1.0, 1.25))
    assert other == pytest.approx(1.25 * one)


def test_a_batch_costs_the_same_bits_as_its_designs_one_by_one() -> None:
    random = np.random.default_rng(0)
    sizes = [group.channels for group in channel_groups(NETWORK)]
    designs = random.integers(1, sizes, (9, len(sizes)), endpoint=True)
    workload = Workload.make(NETWORK.layers, *kept_channels(NETWORK, designs))
    model = get_hardware(pickle.loads(pickle.dumps(DeviceModel(made_up(block=8)))))
    together = model.cost(workload)["latency"]
    for row in range(len(designs)):
        assert model.cost(workload.take(slice(row, row + 1)))["latency"][0] == together[row]


def test_an_environment_takes_the_file_as_hardware(path: Path) -> None:
    env = gym.make("AMC-MobileNetV1-v0", hardware=str(path), cost="latency", budget=0.4)
    env.reset(seed=0)
    done = False
    while not done:
        *_, done, _, info = env.step(np.array([0.9], np.float32))
    problem = env.unwrapped.problem  # type: ignore[attr-defined]
    assert info["feasible"]
    assert 0 < info["cost_fractions"]["latency"] <= 0.4 * (1 + 1e-9)
    assert problem.spec()["hardware"] == str(path)
    assert problem.hardware.platform_dependent


def test_the_model_says_that_it_depends_on_the_platform(path: Path) -> None:
    dependent = {row.name for row in list_hardware() if row.platform_dependent}
    assert "device" in dependent
    assert "mobile" not in dependent
    assert get_hardware("device", table=path).platform_dependent
    assert not get_hardware("mobile").platform_dependent
    assert "one machine" in get_hardware(str(path)).describe()


def test_a_fitted_table_is_found_by_its_path_too(tmp_path: Path) -> None:
    file = tmp_path / "phone.json"
    row = {"name": "phone", "source": "made up", "shapes": []}
    file.write_text(json.dumps({**row, "seconds_per": {"conv": {"macs": 1e-9}}}))
    assert get_hardware(str(file)).name == "phone"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "holds no JSON object"),
        ("{}", "not a table of hwenvs profile"),
        (json.dumps(made_up(format=99)), "format 99"),
        (json.dumps(made_up(block=0)), "must be positive"),
        (json.dumps(made_up(block=1.7)), "block must be positive and a whole number, not 1.7"),
        (json.dumps(made_up(block=float("inf"))), "block must be positive and a whole number"),
        (json.dumps(made_up(factor="x")), "factor must be positive and finite, not 'x'"),
        (json.dumps(made_up(overhead_us=float("nan"))), "must be a number"),
        (json.dumps(made_up(layers=[{"name": "conv"}])), "'kind' is missing"),
        (json.dumps(made_up(layers=[])), "no layers"),
    ],
)
def test_files_that_are_no_tables_are_refused_by_name(
    tmp_path: Path, content: str | None, message: str
) -> None:
    file = tmp_path / "broken.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(HardwareError, match=message) as caught:
        get_hardware(str(file))
    assert "broken.json" in str(caught.value)
    assert "hwenvs profile" in str(caught.value)


@pytest.mark.parametrize("times", [[[float("nan")] * KNOTS], [[-1.0] * KNOTS], [[1.0]]])
def test_times_that_are_none_are_refused(times: list[list[float]]) -> None:
    table = made_up()
    table["layers"][0]["median_ms"] = times
    with pytest.raises(HardwareError, match=r"features\.0\.0"):
        DeviceModel(table)


@pytest.mark.parametrize("channels", [[48.9], [-5], [10**30], [64, 32], [32, 32], [], 32, "32"])
def test_widths_that_are_none_are_refused_and_not_cut_to_whole_ones(channels: Any) -> None:
    table = made_up()
    table["layers"][1]["out_channels"] = channels
    with pytest.raises(HardwareError, match=r"'features\.1\.0': out_channels must be whole"):
        DeviceModel(table)


def test_a_layer_that_is_in_the_table_twice_is_refused() -> None:
    table = made_up()
    table["layers"].append(table["layers"][2])
    with pytest.raises(HardwareError, match=r"'features\.1\.3': in the table twice"):
        DeviceModel(table)


def test_a_geometry_of_text_is_refused() -> None:
    table = made_up()
    table["layers"][2]["kernel"] = "1"
    with pytest.raises(HardwareError, match=r"'features\.1\.3': kernel must be a whole number"):
        DeviceModel(table)


def test_another_network_is_refused_with_the_layer_that_is_missing(path: Path) -> None:
    with pytest.raises(HardwareError, match="measured on mobilenet_v1, without a layer"):
        get_hardware(str(path)).cost(Workload.of(get_network("resnet20")))
    with pytest.raises(HardwareError, match="112 pixels"):
        DeviceModel(made_up()).cost(Workload.of(get_network("mobilenet_v1", resolution=112)))


def test_what_the_profiler_took_is_subtracted_from_every_layer() -> None:
    least = min(np.min(row["median_ms"]) for row in made_up()["layers"]) * 1e3
    one, other = (
        DeviceModel(made_up(overhead_us=took)).layer_costs(halved())["latency"]
        for took in (0.0, least)
    )
    assert other == pytest.approx(one - least * 1e-6)
    assert (other >= 0).all()


def test_layers_of_one_name_are_told_apart_by_their_geometry() -> None:
    layers = [_depthwise(kernel) for kernel in (3, 5, 7)]
    table = made_up()
    table["layers"] = [_row(layer, [32], [48, 96], [[k, 2 * k]]) for k, layer in enumerate(layers)]
    model = DeviceModel(table)
    for k, layer in enumerate(layers):
        seconds = model.cost(Workload.single(layer, [48, 72, 96], [48, 72, 96]))["latency"]
        assert seconds == pytest.approx([1e-3 * k, 1.5e-3 * k, 2e-3 * k])
    with pytest.raises(HardwareError, match=r"'depth' of depthwise 9 x 9.*96 -> 96 channels"):
        model.cost(Workload.make((_depthwise(9),)))


def test_wider_layers_than_measured_and_other_classifiers_are_refused() -> None:
    table = made_up()
    table["layers"] = [_row(_depthwise(3, 96), [96], [48, 96], [[1, 2]])]
    with pytest.raises(HardwareError, match="192 -> 192 channels"):
        DeviceModel(table).cost(Workload.make((_depthwise(3, 192),)))
    with pytest.raises(HardwareError, match="1024 -> 10 channels"):
        DeviceModel(made_up()).cost(Workload.of(get_network("mobilenet_v1", classes=10)))


def _depthwise(kernel: int, channels: int = 96) -> Layer:
    return Layer(
        "depth", (), channels, 8, kind="depthwise", in_channels=channels, in_size=8, kernel=kernel
    )


def _row(layer: Layer, reads: list[int], writes: list[int], times: list[list[float]]) -> Any:
    geometry = {key: getattr(layer, key) for key in GEOMETRY}
    channels = {"in_channels": reads, "out_channels": writes}
    return {"name": layer.name, **geometry, **channels, "median_ms": times, "spread_ms": times}


@pytest.mark.parametrize("changes", [{"network": "proxyless"}, {"settings": {"sightings": 4}}])
def test_every_table_of_a_search_space_knows_its_operators_widths_only(
    changes: dict[str, Any],
) -> None:
    layer = NETWORK.layers[4]
    model = DeviceModel(made_up() | changes)
    assert "interpolated" not in model.describe()
    assert model.cost(Workload.single(layer, 32, 64))["latency"] == pytest.approx(32 * 64e-9)
    for reads, writes in ((33, 64), (32, 65), (8, 64)):
        with pytest.raises(HardwareError, match=rf"'{layer.name}' has .* not {reads} -> {writes}"):
            model.cost(Workload.single(layer, [32, reads], [64, writes]))


@pytest.mark.parametrize("options", [{}, {"tabel": "mine.json"}])
def test_a_device_without_a_table_is_told_how_to_measure_one(options: dict[str, Any]) -> None:
    with pytest.raises(HardwareError, match=r"'device' lacks 'table'.*hwenvs profile NETWORK"):
        get_hardware("device", **options)
