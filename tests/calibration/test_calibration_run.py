"""A whole calibration on a tiny data set: killed, continued, written, read back."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwenvs.calibration.bench import open_bench
from hwenvs.calibration.calibration import Calibration, about
from hwenvs.calibration.families import ChannelPruning
from hwenvs.calibration.plan import Plan
from hwenvs.calibration.sweeps import sweep_group
from hwenvs.calibration.table import write_table
from hwenvs.calibration.verification import verify_designs
from hwenvs.compression.recipe import Recipe
from hwenvs.errors import ProxyError
from hwenvs.networks import channel_groups, get_network
from hwenvs.proxies import SurrogateProxy

PLAN = Plan(
    calibration_images=(0, 20),
    evaluation_images=(0, 40),
    sweep_images=20,
    fitted=8,
    heldout_spread=3,
    heldout_random=4,
    heldout_guided=3,
    recipe=Recipe(points=6),
)
COMMAND = [
    *("calibrate", "channel-pruning", "resnet20", "--calibration-rows", "0:20"),
    *("--evaluation-rows", "0:40", "--fitted", "8", "--heldout", "9"),
]


@pytest.fixture(scope="module")
def calibrated(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    result = Calibration("resnet20", PLAN, out, small_data).run()
    write_table(result, about(PLAN, "resnet20", "hwenvs calibrate", ChannelPruning()), out)
    return out


def test_the_table_is_one_that_the_surrogate_reads(calibrated: Path) -> None:
    groups = channel_groups(get_network("resnet20"))
    proxy = SurrogateProxy.load(calibrated / "resnet20.channel_pruning.npz", groups)
    full = np.array([[group.channels for group in groups]])
    assert proxy.evaluate(full)[0] == pytest.approx(proxy.baseline)
    assert proxy.evaluate(full - 2)[0] < proxy.baseline
    assert proxy.card.basis == "measured"
    assert proxy.card.heldout["designs"] == 10
    assert proxy.card.heldout["designs_equal_budget"] == 7


def test_measuring_again_measures_nothing_and_gives_the_same_bytes(
    calibrated: Path, small_data: Path, tmp_path: Path
) -> None:
    journal = calibrated / "resnet20.channel_pruning.journal.jsonl"
    before = journal.read_bytes()
    calibration = Calibration("resnet20", PLAN, calibrated, small_data)
    result = calibration.run()
    with pytest.raises(ProxyError, match="the card of resnet20 lacks data, images, command;"):
        write_table(result, {}, tmp_path)
    assert not list(tmp_path.iterdir())
    facts = about(PLAN, "resnet20", "hwenvs calibrate", ChannelPruning())
    table, _ = write_table(result, facts, tmp_path)
    assert journal.read_bytes() == before
    assert table.read_bytes() == (calibrated / table.name).read_bytes()


def test_two_workers_measure_what_one_does(
    calibrated: Path, small_data: Path, tmp_path: Path
) -> None:
    plan = replace(PLAN, fitted=4)
    calibration = Calibration("resnet20", plan, tmp_path, small_data, workers=2)
    calibration.fitted(calibration.sweeps())
    name = "resnet20.channel_pruning.journal.jsonl"
    one, two = (
        {r["key"]: r for r in map(json.loads, (folder / name).read_text().splitlines()[1:])}
        for folder in (calibrated, tmp_path)
    )
    assert two.keys() <= one.keys()
    for key, record in two.items():
        rows = record.get("rows", [record])
        for row, other in zip(rows, one[key].get("rows", [one[key]]), strict=True):
            assert row["divergence"] == pytest.approx(other["divergence"], rel=1e-3, abs=1e-6)


def test_a_killed_calibration_continues_where_it_stopped(small_data: Path, tmp_path: Path) -> None:
    journal = tmp_path / "resnet20.channel_pruning.journal.jsonl"
    arguments = [*COMMAND, "--data", str(small_data), "--out", str(tmp_path)]
    code = "from hwenvs.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stderr=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") > 4:
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    kept = journal.read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    assert kept.count(b"\n") > 4
    assert not (tmp_path / "resnet20.channel_pruning.npz").exists()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "spearman equal budget" in done.stdout
    assert journal.read_bytes().startswith(kept)
    card = json.loads((tmp_path / "resnet20.channel_pruning.json").read_text())
    assert str(small_data) not in json.dumps(card)


def test_a_sweep_from_a_shared_prefix_equals_running_the_whole_network(small_data: Path) -> None:
    bench = open_bench("resnet20", range(20), range(30), Recipe(points=6), small_data)
    alone = bench.with_recipe(method="independent")
    for index in (0, 1, 9):
        group = bench.groups[index]
        count = group.channels // 2
        design = [g.channels for g in bench.groups]
        design[index] = count
        swept = dict(sweep_group(bench, index, [count], images=30))[count]
        measured = alone.measure(design)
        assert swept.top1 == measured.top1
        assert swept.divergence == pytest.approx(measured.divergence, rel=1e-3, abs=1e-6)


def test_verifying_measures_the_full_network_too(small_data: Path) -> None:
    bench = open_bench("resnet20", range(20), range(30), Recipe(points=6), small_data)
    design = [group.channels // 2 for group in bench.groups]
    full, half = verify_designs(bench, {"half": design})
    assert full.cost == 1.0
    assert full.measured.divergence == 0.0
    assert half.design == tuple(design)
    assert 0.2 < half.cost < 0.5
    assert half.measured.divergence > 0


def test_real_pruned_networks_rank_the_reconstructions(data: Path) -> None:
    """ResNet-20 at half its MACs on 1,000 real images: each method beats the one before."""
    bench = open_bench("resnet20", range(300), range(1000), Recipe(points=12), data)
    design = [max(1, round(0.68 * group.channels)) for group in bench.groups]
    top1 = {
        method: bench.with_recipe(method=method).measure(design).top1
        for method in ("none", "independent", "sequential")
    }
    assert top1["none"] + 0.05 < top1["independent"] < top1["sequential"]
    assert top1["sequential"] > bench.baseline.top1 - 0.12
