"""Tables of search spaces: measured on a supernet, resumed; and the one that is shipped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
import pytest
import torch

import hwenvs
from hwenvs.calibration.spaces.bench import open_supernet_bench
from hwenvs.calibration.spaces.calibration import PLANS, SpaceCalibration, SpacePlan
from hwenvs.calibration.spaces.fit import fit_pairs
from hwenvs.calibration.spaces.judging import logits_of
from hwenvs.calibration.spaces.table import SpaceResult, shortfalls, write_space_table
from hwenvs.compression.norms import estimate_norms
from hwenvs.errors import ArgumentError, DataError, ProxyError
from hwenvs.networks import get_space
from hwenvs.proxies.operators import OperatorTable
from hwenvs.solving import solve

if TYPE_CHECKING:
    from tests.conftest import Cli


TABLES = Path(hwenvs.__file__).parent / "proxies" / "tables"
SPACE = "proxyless_digits"


def test_the_table_makes_an_environment_with_a_certified_optimum(digits_table: Path) -> None:
    table = str(digits_table)
    run = solve("exact", "NAS-v0", evaluations=1, space=SPACE, proxy=table)
    assert run.scores == [pytest.approx(1.0)]
    card = gym.make("NAS-v0", space=SPACE, proxy=table).unwrapped.problem.card
    assert card.basis == "measured"
    assert card.extra["fitted_designs"] == 60
    assert card.heldout["designs"] == 12


def test_a_calibration_goes_on_from_its_journal(digits_table: Path, digits_supernet: Path) -> None:
    journal = digits_table.parent / f"{SPACE}.operator_selection.journal.jsonl"
    before = journal.read_text()
    bench = open_supernet_bench(SPACE, range(256), range(797), weights=digits_supernet)
    plan = SpacePlan((0, 256), (0, 797), fitted=60, heldout=12, hardware="mobile")
    measured: list[str] = []
    result = SpaceCalibration(
        bench, plan, digits_table.parent, 1, lambda *_: measured.append("")
    ).run()
    assert journal.read_text() == before
    assert not measured
    assert len(result.fitted) == 60
    with pytest.raises(DataError, match="seed"):
        SpaceCalibration(bench, replace(plan, seed=3), digits_table.parent)


def test_heldout_architectures_are_measured_on_images_of_their_own(
    tmp_path: Path, digits_supernet: Path
) -> None:
    rows = {"evaluation_images": (0, 300), "heldout_images": (300, 797)}
    plan = SpacePlan((0, 64), fitted=40, heldout=6, hardware="mobile", **rows)
    bench, judge = (
        open_supernet_bench(SPACE, range(64), range(*some), weights=digits_supernet)
        for some in rows.values()
    )
    calibration = SpaceCalibration(bench, plan, tmp_path, judge=judge)
    result = calibration.run()
    for on, record in ((bench, result.fitted[0]), (judge, result.heldout["guided"][0])):
        measured = on.measure(record["design"])
        assert (record["top1"], record["loss"]) == (measured.top1, measured.loss)
    for about, lacking in (({}, "lacks data, command;"), ({"data": "digits"}, "lacks command;")):
        with pytest.raises(ProxyError, match=f"the card of {SPACE} {lacking}"):
            write_space_table(calibration, result, about)
    assert not list(tmp_path.glob("*.npz"))
    path, written = write_space_table(calibration, result, {"data": "digits", "command": "a test"})
    assert OperatorTable.load(path, bench.space).card.data == "digits"
    card = json.loads(written.read_text())
    assert card["images"]["held-out ones measured on"] == "test rows 300 to 796"
    assert card["geometry"] == bench.space.geometry
    with pytest.raises(ArgumentError, match="go together"):
        SpaceCalibration(bench, plan, tmp_path)


def test_differences_to_references_on_a_share_average_to_what_all_images_say(
    digits_supernet: Path,
) -> None:
    whole = open_supernet_bench(SPACE, range(64), range(797), weights=digits_supernet)
    references = whole.space.sample(4, 1).tolist()
    bench = replace(whole, share=200, references=references)
    designs = whole.space.sample(40, 2).tolist()
    exact = np.array([[*vars(whole.measure(design)).values()] for design in designs])
    shared = np.array([[*vars(bench.measure(design)).values()] for design in designs])
    assert [*vars(bench.measure(designs[0])).values()] == shared[0].tolist()
    errors = shared - exact
    spread = errors.std(0)
    assert (spread > 0).all()
    assert (np.abs(errors.mean(0)) < 4 * spread / np.sqrt(len(designs))).all()
    # A reference is compared with itself: a share of everything leaves nothing to chance.
    every = replace(whole, share=797, references=references)
    assert vars(every.measure(designs[0])) == pytest.approx(vars(whole.measure(designs[0])))


def test_norms_are_those_of_the_images(digits_supernet: Path) -> None:
    bench = open_supernet_bench(SPACE, range(128), range(100), weights=digits_supernet)
    module = bench.supernet.architecture(bench.space.largest)
    estimate_norms(module, bench.seen, batch=128)
    first = module.get_submodule("first_conv.bn")
    with torch.no_grad():
        maps = module.get_submodule("first_conv.conv")(bench.seen)
    assert torch.allclose(first.running_mean, maps.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(first.running_var, maps.var((0, 2, 3)), rtol=1e-4)
    assert not module.training
    assert first.momentum == 0.1


def test_the_folded_network_that_is_measured_computes_what_the_module_does(
    digits_supernet: Path,
) -> None:
    bench = open_supernet_bench(SPACE, range(128), range(64), weights=digits_supernet)
    module = bench.supernet.architecture(bench.space.sample(1, 0)[0])
    logits = logits_of(module, bench.seen, bench.images)
    with torch.no_grad():
        assert torch.allclose(module(bench.images), logits, atol=1e-4)


def test_options_of_other_families_are_refused(cli: Cli, tmp_path: Path) -> None:
    said = cli.fail("calibrate", "operator-selection", SPACE, "--out", tmp_path, "--method", "none")
    assert "--method means nothing in operator-selection" in said


def test_the_shipped_table_follows_from_the_measurements_beside_it() -> None:
    name = "proxyless_cifar.operator_selection"
    space = get_space("proxyless_cifar")
    lines = (TABLES / "journals" / f"{name}.journal.jsonl").read_text().splitlines()
    card = json.loads((TABLES / f"{name}.json").read_text())
    records = {r["key"]: r for r in map(json.loads, lines[1:])}
    fitted = [records[f"fitted/{i}"] for i in range(card["fitted_designs"])]
    heldout = {
        kind: [r for key, r in records.items() if key.startswith(f"heldout-{kind}/")]
        for kind in ("spread", "random", "guided")
    }
    designs = np.array([r["design"] for r in fitted])
    measured = (np.array([r[key] for r in fitted]) for key in ("loss", "top1"))
    table = fit_pairs(space, designs, *measured)
    result = SpaceResult(space.name, table, fitted, heldout, 0.1)
    with np.load(TABLES / f"{name}.npz") as arrays:
        assert np.allclose(arrays["pairs"], table.pairs, atol=1e-9)
        assert np.allclose(arrays["curve_accuracy"], result.curve()[1], atol=1e-9)
    report = result.fidelity()
    assert report == pytest.approx(card["heldout"], abs=1e-3)
    assert shortfalls(report) == card["falls_short"]


def test_the_shipped_supernet_is_what_the_table_was_measured_on(data: Path) -> None:
    plan = PLANS["proxyless_cifar"]
    assert plan.heldout_images is not None
    rows = range(*plan.norm_images), range(*plan.heldout_images)
    bench = open_supernet_bench("proxyless_cifar", *rows, data=data)
    lines = (TABLES / "journals/proxyless_cifar.operator_selection.journal.jsonl").read_text()
    records = map(json.loads, lines.splitlines()[1:])
    heldout = [record for record in records if record["key"].startswith("heldout-")]
    for record in heldout[:3]:
        found = bench.measure(record["design"])
        assert found.top1 == pytest.approx(record["top1"], abs=0.002)
        assert found.loss == pytest.approx(record["loss"], abs=0.002)
