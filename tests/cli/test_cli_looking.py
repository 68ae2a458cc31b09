"""Results looked at: comparisons, reports, pictures of designs in every form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hwenvs
from hwenvs.problems import make_problem
from hwenvs.solving.records import read_runs

if TYPE_CHECKING:
    from tests.conftest import Cli

ID, NAS = "AMC-ResNet20-v0", "NAS-ProxylessCIFAR-v0"


def test_compare_prints_a_table_and_report_repeats_it(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    options = ["--solvers", "random,uniform,exact", "--evaluations", 6, "--seeds", 2]
    printed = cli.succeed("compare", ID, *options, "--out", tmp_path / "first")
    assert "1.000" in printed
    records = tmp_path / "first" / "runs.jsonl"
    again = cli.succeed("report", records, "--out", tmp_path / "second")
    rows = [line for line in printed.splitlines() if not line.startswith("wrote")]
    assert rows == [line for line in again.splitlines() if not line.startswith("wrote")]
    for name in ("report.md", "learning_curves.png", "channels.png", "runs.jsonl"):
        assert (tmp_path / "second" / name).stat().st_size > 0


def test_solvers_that_know_one_design_run_once(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    options = ["--solvers", "uniform,random", "--evaluations", 3, "--seeds", 2]
    cli.succeed("compare", ID, *options, "--out", tmp_path)
    solvers = [run.solver for run in read_runs(tmp_path / "runs.jsonl")]
    assert solvers == ["uniform", "random", "random"]


def test_render_takes_designs_in_every_form(cli: Cli, tmp_path: Path) -> None:
    problem = make_problem(**hwenvs.ENVIRONMENTS[ID])
    kept = [int(entry) for entry in problem.reference.designs[0]]
    (tmp_path / "design.json").write_text(json.dumps(kept))
    cli.succeed("run", ID, "--solver", "uniform", "--out", tmp_path)
    forms = [
        ",".join(map(str, kept)),
        f"@{tmp_path / 'design.json'}",
        f"best:{tmp_path / f'{ID}.uniform.jsonl'}",
        "uniform",
    ]
    printed = {cli.succeed("render", ID, "--design", form) for form in forms}
    assert len(printed) == 1
    assert "score 0.000" in printed.pop()
    assert "score 1.000" in cli.succeed("render", ID)


def test_operators_are_named_as_well_as_numbered(cli: Cli, tmp_path: Path) -> None:
    numbers = "3,1,2,5,7,7,4,6,2,2,2"
    named = "mb3_k5,zero,mb3_k3,mb6_k3,mb6_k7,7,mb3_k7, mb6_k5,mb3_k3,2,2"
    listed = tmp_path / "design.json"
    listed.write_text(json.dumps(["mb3_k5", 1, "mb3_k3", 5, 7, 7, 4, 6, "mb3_k3", 2, 2]))
    told = {cli.succeed("render", NAS, "--design", form) for form in (numbers, named)}
    assert told == {cli.succeed("render", NAS, "--design", f"@{listed}")}
    said = cli.fail("render", NAS, "--design", named.replace("mb6_k7", "mb6_k8"))
    assert "unknown operator 'mb6_k8'. Did you mean 'mb6_k" in said


@pytest.mark.parametrize(
    ("env_id", "what"),
    [
        (ID, "give channels 10,10,..., @file.json"),
        ("HAQ-ResNet20-v0", "give bits 5,5,..., @file.json"),
        ("DeepCompression-LeNet5-v0", "give % of the weights and bits in turn 51,5,..., @file"),
        (NAS, "give operators mb3_k7,mb3_k7,... or 4,4,..., @file.json"),
    ],
)
def test_what_is_no_design_is_answered_with_how_one_begins(
    cli: Cli, tmp_path: Path, env_id: str, what: str
) -> None:
    listed = tmp_path / "design.json"
    for text in ("2.5,3", "8,,4", "Uniform", f"@{listed}", f"@{tmp_path / 'none.json'}"):
        listed.write_text("[2.5, 3]")
        assert what in cli.fail("render", env_id, "--design", text)
    listed.write_text('"777"')
    assert "holds no list" in cli.fail("render", env_id, "--design", f"@{listed}")


def test_entries_that_are_no_options_are_answered_with_those_there_are(cli: Cli) -> None:
    said = cli.fail("render", "DeepCompression-LeNet5-v0", "--design", "50,9,50,8,50,8,50,8")
    assert "9 at decision 1 ('conv1 codebook') is not an option; valid: 1, 2, 3, 4, 5, 6" in said
    assert "8, 32" in said


def test_render_writes_pictures(cli: Cli, tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    cli.succeed("render", ID, "--out", tmp_path / "picture.png")
    assert image.imread(tmp_path / "picture.png").ndim == 3


def test_a_best_design_is_taken_from_runs_of_the_same_environment(cli: Cli, tmp_path: Path) -> None:
    for name in (ID, "AMC-ResNet56-v0"):
        cli.succeed("run", name, "--solver", "uniform", "--out", tmp_path)
    mine, other = (tmp_path / f"{name}.uniform.jsonl" for name in (ID, "AMC-ResNet56-v0"))
    said = cli.fail("render", ID, "--design", f"best:{other}")
    assert f"holds runs of AMC-ResNet56-v0, none of {ID}" in said
    both = tmp_path / "both.jsonl"
    both.write_text(other.read_text() + mine.read_text())
    assert cli.succeed("render", ID, "--design", f"best:{both}") == cli.succeed(
        *("render", ID, "--design", f"best:{mine}")
    )
