"""Profiles of search spaces: every operator of every block, told apart by name and geometry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwenvs.compression.folding import FoldedNetwork  # noqa: E402
from hwenvs.errors import ArgumentError  # noqa: E402
from hwenvs.hardware import DeviceModel, Workload  # noqa: E402
from hwenvs.networks import SPACES, get_space  # noqa: E402
from hwenvs.profiling.designs import Designs, latin_designs  # noqa: E402
from hwenvs.profiling.profile import Profiler, Settings  # noqa: E402
from hwenvs.profiling.runtimes import Runtime, Seconds  # noqa: E402
from hwenvs.profiling.subjects import Architectures  # noqa: E402

if TYPE_CHECKING:
    from tests.conftest import Cli

SPACE = get_space("proxyless_digits")
QUICK = Settings(rounds=2, repetitions=2, warm_up=1)
PROFILER_TAKES = 5e-6


class Clockwork(Runtime):
    """Takes a nanosecond for every weight and its pixels; its profiler adds 5 us to every layer."""

    name = "clockwork"
    version = "1"
    visits = 0
    most: int | None = None

    def layers(self, folded: FoldedNetwork, warm_up: int, repetitions: int) -> Seconds:
        return self._seconds(folded, warm_up, repetitions) + PROFILER_TAKES

    def whole(self, folded: FoldedNetwork, warm_up: int, repetitions: int) -> Seconds:
        return self._seconds(folded, warm_up, repetitions).sum(axis=1)

    def _seconds(self, folded: FoldedNetwork, warm_up: int, repetitions: int) -> Seconds:
        assert warm_up == QUICK.warm_up
        self.visits += 1
        if self.most is not None and self.visits > self.most:
            raise KeyboardInterrupt
        seconds = [
            folded.weights[layer.name].numel() * layer.size**2 * 1e-9
            for layer in folded.network.layers
        ]
        return np.tile(seconds, (repetitions, 1))

    def _prepare(self, folded: FoldedNetwork) -> Callable[[], object]:  # noqa: ARG002
        raise AssertionError("a clock runs nothing")


@pytest.mark.parametrize("name", sorted(SPACES))
def test_every_operator_of_every_block_is_seen_as_often_as_asked(name: str) -> None:
    space = get_space(name)
    designs = latin_designs(space, sightings=4, seed=0)
    for block, column in zip(space.blocks, designs.T, strict=True):
        counts = Counter(column.tolist())
        assert set(counts) == set(block.entries)
        assert min(counts.values()) >= 4
    assert not np.array_equal(designs, latin_designs(space, sightings=4, seed=1))


def test_architectures_run_with_weights_of_the_usual_size() -> None:
    subject = Architectures(SPACE)
    image = torch.rand(1, SPACE.in_channels, SPACE.resolution, SPACE.resolution)
    for design in subject.random(3, seed=0):
        outputs = subject.folded(design)(image)
        assert outputs.shape == (1, SPACE.classes)
        assert 1e-4 < outputs.abs().max() < 1e4


def test_a_table_of_a_space_predicts_every_architecture(tmp_path: Path) -> None:
    profiler = Profiler(Architectures(SPACE, 2), Clockwork(), tmp_path / "mine.json", QUICK)
    table = profiler.check(profiler.table(), 6)
    assert (table["network"], table["block"]) == ("proxyless_digits", 1)
    assert table["settings"]["sightings"] == 2
    assert table["check"]["spearman"] == 1.0
    assert table["check"]["largest_error"] < 1e-3
    model = DeviceModel(table)
    for design in SPACE.sample(50, seed=9):
        network = SPACE.network(design)
        work = sum(layer.weights * layer.size**2 for layer in network.layers)
        assert model.cost(Workload.of(network))["latency"][0] == pytest.approx(
            work * 1e-9, rel=0.01
        )


def test_rows_are_layers_and_geometries_over_the_channels_they_were_seen_with(
    tmp_path: Path,
) -> None:
    profiler = Profiler(Architectures(SPACE, 1), Clockwork(), tmp_path / "mine.json", QUICK)
    rows = [row for row in profiler.table()["layers"] if row["name"].startswith("blocks.2.")]
    assert sorted(row["kernel"] for row in rows) == [1, 1, 3, 5, 7]
    for row in rows:
        axes = row["in_channels"], row["out_channels"]
        if row["kind"] == "depthwise":  # what it reads is what it writes
            assert axes == ([72], [36, 72])
        else:
            assert axes in [([12], [36, 72]), ([36, 72], [12])]


def test_what_the_profiler_takes_for_every_layer_is_found(tmp_path: Path) -> None:
    table = Profiler(Architectures(SPACE, 2), Clockwork(), tmp_path / "mine.json", QUICK).table()
    assert table["factor"] == 1.0
    assert table["overhead_us"] == pytest.approx(PROFILER_TAKES * 1e6, rel=0.01)


def test_a_stopped_profile_of_a_space_continues_where_it_stopped(tmp_path: Path) -> None:
    subject, whole = Architectures(SPACE, 1), Clockwork()
    expected = Profiler(subject, whole, tmp_path / "whole.json", QUICK).table()
    stopped, again = Clockwork(), Clockwork()
    stopped.most = 5
    with pytest.raises(KeyboardInterrupt):
        Profiler(subject, stopped, tmp_path / "cut.json", QUICK).table()
    table = Profiler(subject, again, tmp_path / "cut.json", QUICK).table()
    assert again.visits == whole.visits - 5
    assert table["layers"] == expected["layers"]


def test_a_grid_with_holes_is_refused_by_the_layer(tmp_path: Path) -> None:
    class Holes(Architectures):
        def workload(self, design: Designs) -> Workload:
            whole = super().workload(design)
            # One architecture reads fewer channels, but not in all the widths that it may write.
            fewer = whole.in_channels - (design[0] == 2) * (whole.in_channels > 1)
            return Workload.make(whole.layers, np.where(whole.depthwise, whole.in_channels, fewer))

    subject = Holes(SPACE, 1)
    with pytest.raises(ArgumentError, match="was not measured with"):
        Profiler(subject, Clockwork(), tmp_path / "mine.json", QUICK).table()


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_the_command_profiles_a_search_space(cli: Cli, tmp_path: Path, runtime: str) -> None:
    if runtime == "onnxruntime":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    out = tmp_path / "mine.json"
    options = ["--sightings", "1", "--rounds", "1", "--repetitions", "2", "--check", "3"]
    command = ["profile", "proxyless_digits", "--runtime", runtime, "--out", out, *options]
    assert "Spearman" in cli.succeed(*command)
    model = DeviceModel(out)
    seconds = model.layer_costs(Workload.of(SPACE.network(SPACE.largest)))["latency"]
    assert ((seconds >= 0) & (seconds < 1)).all()
