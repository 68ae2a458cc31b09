"""Tables of search spaces: trained, measured, fitted, resumed; and the one that is shipped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import hwenvs
from hwenvs.calibration.fidelity import spearman
from hwenvs.calibration.spaces.bench import open_supernet, open_supernet_bench
from hwenvs.calibration.spaces.calibration import PLANS, SpaceCalibration, SpacePlan
from hwenvs.calibration.spaces.fit import cheapest, fit_pairs, reduced
from hwenvs.calibration.spaces.judging import logits_of
from hwenvs.calibration.spaces.table import SpaceResult, shortfalls, write_space_table
from hwenvs.cli.app import app
from hwenvs.compression.norms import estimate_norms
from hwenvs.errors import ArgumentError, DataError, WeightsError
from hwenvs.networks import get_space
from hwenvs.solving import solve

TABLES = Path(hwenvs.__file__).parent / "proxies" / "tables"
SPACE = "proxyless_digits"


def test_training_that_stopped_ends_with_the_same_supernet(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    states = []
    for name, parts in (("whole", [[]]), ("parts", [["--until", "1"], []])):
        for part in parts:
            command = ["train-supernet", SPACE, "--out", str(tmp_path / name), "--epochs", "2"]
            done = CliRunner().invoke(app, [*command, *part])
            assert done.exit_code == 0, done.output
        states.append(load_file(tmp_path / name / f"{SPACE}.supernet.safetensors"))
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_trained_supernet_knows_more_than_chance(digits_supernet: Path) -> None:
    _, metadata = open_supernet(SPACE, digits_supernet)
    assert float(metadata["test_accuracy"].split()[1].rstrip(",")) > 0.2
    assert metadata["trained_on"] == "digits train, 1000 images"


def test_training_goes_on_from_the_weights_of_an_earlier_run(
    digits_supernet: Path, tmp_path: Path
) -> None:
    command = ["train-supernet", SPACE, "--epochs", "1", "--batch-size", "50"]
    command += ["--learning-rate", "0.005"]
    done = []
    for name, options in (("fresh", []), ("further", ["--start", str(digits_supernet)])):
        result = CliRunner().invoke(app, [*command, "--out", str(tmp_path / name), *options])
        assert result.exit_code == 0, result.output
        done.append(open_supernet(SPACE, tmp_path / name / f"{SPACE}.supernet.safetensors")[1])
    fresh, further = (float(one["test_accuracy"].split()[1].rstrip(",")) for one in done)
    assert further > fresh + 0.1
    assert done[0]["started_from"] == "random"
    assert done[1]["started_from"].startswith("10 epochs")


def test_a_supernet_learns_from_a_teacher(tmp_path: Path) -> None:
    command = ["train-supernet", SPACE, "--epochs", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, [*command, "--teacher", "digits_resnet"])
    assert result.exit_code == 0, result.output
    _, metadata = open_supernet(SPACE, tmp_path / f"{SPACE}.supernet.safetensors")
    assert metadata["teacher"] == "digits_resnet"


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
    card = json.loads(write_space_table(calibration, result, {})[1].read_text())
    assert card["images"]["held-out ones measured on"] == "test rows 300 to 796"
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


def test_the_fit_finds_what_architectures_were_made_with() -> None:
    space, random = get_space("proxyless_cifar"), np.random.default_rng(0)
    alone = random.random((11, 7))
    pairs = 0.3 * random.random((11, 7, 7))

    def loss(designs: np.ndarray) -> np.ndarray:
        total = np.zeros(len(designs))
        for t, column in enumerate((designs - 1).T):
            total += alone[t, column]
            total += pairs[t, designs[:, t - 1] - 1, column] if t else 0.0
        return total

    designs = space.sample(1500, 1, 1.5)
    measured = loss(designs) + 0.05 * random.standard_normal(1500)
    accuracy = np.exp(-loss(designs))
    table = fit_pairs(space, designs, measured, accuracy + 0.01 * random.standard_normal(1500))
    fresh = space.sample(300, 2, 1.5)
    assert table.target == "loss"  # which is a sum, accuracy is none
    assert np.isfinite(table.penalty)  # pairs helped
    assert spearman(table(fresh), loss(fresh)) > 0.99
    assert (table.pairs >= 0).all()


def test_the_error_is_fitted_where_the_loss_says_less_about_accuracy() -> None:
    space, random = get_space("proxyless_digits"), np.random.default_rng(2)
    designs = space.sample(300, 3, 1.5)
    error = 0.05 * random.random((4, 7))[np.arange(4), designs - 1].sum(1)
    unsure = random.random(300)  # a network that is surer than it should be pays for its errors
    table = fit_pairs(space, designs, error + unsure, 1.0 - error)
    assert table.target == "error"
    assert spearman(table(designs), error) > 0.99


def test_reduced_tables_order_architectures_alike_and_start_at_zero() -> None:
    space, random = get_space("proxyless_digits"), np.random.default_rng(1)
    pairs = random.standard_normal((4, 7, 7))
    grids = np.meshgrid(*(block.entries for block in space.blocks), indexing="ij")
    designs = np.stack([grid.ravel() for grid in grids], axis=1) - 1

    def sums(table: np.ndarray) -> np.ndarray:
        total = table[0][0, designs[:, 0]].copy()
        for t in range(1, 4):
            total += table[t][designs[:, t - 1], designs[:, t]]
        return total

    before, after = sums(pairs), sums(reduced(space, pairs))
    assert np.allclose(before - before.min(), after, atol=1e-12)
    assert after.min() == pytest.approx(0.0, abs=1e-12)


def test_the_cheapest_good_architecture_keeps_its_cost() -> None:
    space, random = get_space("proxyless_digits"), np.random.default_rng(2)
    pairs, costs = random.random((4, 7, 7)), random.random((4, 7)) + 0.1
    least = sum(
        row[np.array(block.entries) - 1].min()
        for row, block in zip(costs, space.blocks, strict=True)
    )
    for most in (1.001 * least, 1.3 * least, 2.0 * least):
        design = cheapest(space, pairs, costs, most)
        space.check(design)
        assert sum(row[entry - 1] for row, entry in zip(costs, design, strict=True)) <= most


def test_weights_of_another_space_are_refused(digits_supernet: Path) -> None:
    with pytest.raises(WeightsError, match="no supernet of proxyless_cifar: missing"):
        open_supernet("proxyless_cifar", digits_supernet)
    with pytest.raises(DataError, match="train-supernet proxyless"):
        open_supernet("proxyless")


def test_options_of_other_families_are_refused(tmp_path: Path) -> None:
    command = ["calibrate", "operator-selection", SPACE, "--out", str(tmp_path)]
    done = CliRunner().invoke(app, [*command, "--method", "none"])
    assert done.exit_code == 2
    assert "--method means nothing in operator-selection" in done.output.replace("\n", " ")


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
