"""Profiles of small networks: every layer in every width, resumed, and checked as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwenvs.cli.profile import _summary  # noqa: E402
from hwenvs.compression.folding import FoldedNetwork  # noqa: E402
from hwenvs.errors import ArgumentError, DataError, UnknownNameError  # noqa: E402
from hwenvs.hardware import DeviceModel, Workload, get_hardware  # noqa: E402
from hwenvs.networks import channel_groups, get_network, kept_channels  # noqa: E402
from hwenvs.profiling.designs import grid_designs, pruned_shape, random_designs  # noqa: E402
from hwenvs.profiling.profile import Profiler, Settings  # noqa: E402
from hwenvs.profiling.runtimes import Runtime, Seconds, get_runtime  # noqa: E402
from hwenvs.profiling.subjects import PrunedNetwork  # noqa: E402
from hwenvs.profiling.table import summary  # noqa: E402

if TYPE_CHECKING:
    from tests.conftest import Cli

NETWORK = get_network("digits_mobilenet")
SUBJECT = PrunedNetwork(NETWORK, levels=2)
QUICK = Settings(rounds=2, repetitions=2, warm_up=1)


class Clockwork(Runtime):
    """Takes a nanosecond for every weight it reads, a tenth more as a whole, and counts visits."""

    name = "clockwork"
    version = "1"
    visits = 0
    most: int | None = None

    def layers(self, folded: FoldedNetwork, warm_up: int, repetitions: int) -> Seconds:
        assert warm_up == QUICK.warm_up
        self.visits += 1
        if self.most is not None and self.visits > self.most:
            raise KeyboardInterrupt
        seconds = [weight.numel() * 1e-6 for weight in folded.weights.values()]
        return np.tile(seconds, (repetitions, 1))

    def whole(self, folded: FoldedNetwork, warm_up: int, repetitions: int) -> Seconds:
        return 1.1 * self.layers(folded, warm_up, repetitions).sum(axis=1)

    def _prepare(self, folded: FoldedNetwork) -> None:  # type: ignore[override]  # noqa: ARG002
        raise AssertionError("a clock runs nothing")


@pytest.mark.parametrize("name", ["digits_mobilenet", "mobilenet_v2", "resnet20"])
def test_the_grid_shows_every_layer_in_every_pair_of_widths(name: str) -> None:
    network = get_network(name)
    read, written = kept_channels(network, grid_designs(network, 3))
    for index, layer in enumerate(network.layers):
        pairs = set(zip(read[:, index].tolist(), written[:, index].tolist(), strict=True))
        reads, writes = ({pair[side] for pair in pairs} for side in (0, 1))
        whole = len(reads) if layer.kind == "depthwise" else len(reads) * len(writes)
        assert len(pairs) == whole, layer.name


def test_random_designs_are_those_of_the_environment() -> None:
    designs = random_designs(NETWORK, 50, seed=0)
    sizes = np.array([group.channels for group in channel_groups(NETWORK)])
    assert ((designs >= 0.2 * sizes) & (designs <= sizes)).all()
    assert not np.array_equal(designs, random_designs(NETWORK, 50, seed=1))


@pytest.mark.parametrize("name", ["digits_lenet", "digits_mobilenet", "digits_resnet"])
def test_pruned_shapes_run(name: str) -> None:
    network = get_network(name)
    for design in random_designs(network, 3, seed=0):
        folded = pruned_shape(network, design)
        image = torch.rand(1, network.in_channels, network.resolution, network.resolution)
        assert folded(image).shape == (1, network.classes)


def test_a_network_with_a_cell_is_refused() -> None:
    with pytest.raises(ArgumentError, match="recurrent cell"):
        grid_designs(get_network("lstm"), 2)


@pytest.mark.parametrize("name", ["torch", "onnxruntime"])
@pytest.mark.parametrize("network", ["digits_mobilenet", "digits_resnet"])
def test_runtimes_time_every_layer_of_every_run(name: str, network: str) -> None:
    if name == "onnxruntime":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    table, runtime = get_network(network), get_runtime(name)
    folded = pruned_shape(table, random_designs(table, 1, seed=0)[0])
    layers = runtime.layers(folded, warm_up=2, repetitions=5)
    assert layers.shape == (5, len(table.layers))
    assert ((layers >= 0) & (layers < 1)).all()
    assert (layers.sum(axis=1) > 0).all()
    assert runtime.whole(folded, warm_up=1, repetitions=4).shape == (4,)


def test_onnxruntimes_fused_operators_count_with_their_layers() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    table = get_network("mobilenet_v1", resolution=96)
    folded = pruned_shape(table, random_designs(table, 1, seed=0)[0])
    layers = get_runtime("onnxruntime").layers(folded, warm_up=1, repetitions=5)
    assert (layers.max(axis=0) > 0).all()


def test_unknown_runtimes_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="onnxruntime"):
        get_runtime("onyx")


def test_the_calmest_round_counts() -> None:
    assert summary(np.array([[1.0, 2.0, 9.0], [1.0, 1.5, 1.75]])) == (1.5, 0.75)


def test_a_table_predicts_what_was_measured_and_lies_beside_its_machine(tmp_path: Path) -> None:
    subject = PrunedNetwork(NETWORK, levels=5)
    profiler = Profiler(subject, Clockwork(), tmp_path / "mine.json", QUICK)
    table = profiler.check(profiler.table(), 5)
    assert json.loads((tmp_path / "mine.json").read_text()) == table
    assert table["factor"] == pytest.approx(1.1)
    assert table["block"] == 1
    assert table["machine"]["processor"]
    assert table["machine"]["runtime"] == "clockwork"
    # Weights are products of two widths, between which the table is linear in each.
    assert table["check"]["spearman"] == 1.0
    assert table["check"]["mean_error"] < 0.05
    whole = get_hardware(str(tmp_path / "mine.json")).cost(Workload.of(NETWORK))["latency"][0]
    assert whole == pytest.approx(1.1e-6 * sum(layer.weights for layer in NETWORK.layers))


def test_a_stopped_profile_continues_where_it_stopped(tmp_path: Path) -> None:
    whole = Clockwork()
    expected = Profiler(SUBJECT, whole, tmp_path / "whole.json", QUICK).table()
    stopped = Clockwork()
    stopped.most = 5
    with pytest.raises(KeyboardInterrupt):
        Profiler(SUBJECT, stopped, tmp_path / "cut.json", QUICK).table()
    assert not (tmp_path / "cut.json").exists()
    seen: list[tuple[str, int, int]] = []
    again = Clockwork()
    report = lambda *step: seen.append(step)  # noqa: E731
    table = Profiler(SUBJECT, again, tmp_path / "cut.json", QUICK, report).table()
    assert again.visits == whole.visits - 5
    assert table["layers"] == expected["layers"]
    assert seen[-1][1] == seen[-1][2]


def test_a_journal_of_other_settings_is_refused(tmp_path: Path) -> None:
    Profiler(SUBJECT, Clockwork(), tmp_path / "mine.json", QUICK)
    with pytest.raises(DataError, match="rounds"):
        Profiler(SUBJECT, Clockwork(), tmp_path / "mine.json", Settings())
    with pytest.raises(DataError, match="levels"):
        Profiler(PrunedNetwork(NETWORK, 3), Clockwork(), tmp_path / "mine.json", QUICK)


def test_the_command_writes_a_table_and_its_check(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "mine.json"
    options = ["--levels", "2", "--rounds", "1", "--repetitions", "2", "--check", "3"]
    command = ["profile", "digits_lenet", "--runtime", "torch", "--out", out, *options]
    assert "Spearman" in cli.succeed(*command)
    assert DeviceModel(out).network == "digits_lenet"


@pytest.mark.parametrize(
    ("overhead_us", "told"),
    [
        (2.04, "the sum of their layers, less the 2.0 µs a layer that the profiler took"),
        (-2.46, "the sum of their layers, plus 2.5 µs a layer spent between them"),
        (0.0, "the sum of their layers"),
        (-0.01, "the sum of their layers"),
    ],
)
def test_what_whole_runs_take_beside_their_layers_is_told_with_its_reason(
    overhead_us: float, told: str
) -> None:
    table = {"source": "made up", "factor": 1.0, "block": 4, "overhead_us": overhead_us}
    assert _summary(table).endswith(f"blocks of 4 channels, whole runs take 1.000 times {told}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing", "--out", "a.json"], "unknown network or search space"),
        (["digits_lenet", "--out", "a.csv"], ".json file"),
        (["digits_lenet", "--out", "a.json", "--runtime", "onyx"], "unknown runtime"),
        (["digits_lenet", "--out", "a.json", "--check", "1"], "at least 2"),
        (["lstm", "--out", "a.json", "--runtime", "torch"], "recurrent cell"),
    ],
)
def test_the_command_tells_what_is_wrong(cli: Cli, arguments: list[str], message: str) -> None:
    done = cli.call("profile", *arguments)  # one that has begun shows its progress as well
    assert done.exit_code == 2
    assert message in done.stderr
