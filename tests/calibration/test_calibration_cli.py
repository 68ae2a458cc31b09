"""The commands that run real networks, on a tiny data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hwenvs.baselines.exact import optimum
from hwenvs.cli.designs import parse_designs
from hwenvs.problems import make_problem

if TYPE_CHECKING:
    from tests.conftest import Cli


ROWS = ["--calibration-rows", "0:20", "--evaluation-rows", "0:30", "--points", "6"]


def on(data: Path) -> list[object]:
    """The command, on a data set."""
    return ["verify-design", "resnet20", "--data", data, *ROWS]


def test_verify_design_prints_predicted_beside_measured(
    cli: Cli, small_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "figures.json"
    designs = ["--design", "uniform", "--design", "best=optimum", "--out", out]
    printed = cli.succeed(*on(small_data), *designs)
    for text in ("full network", "uniform", "best", "predicted", "top-1"):
        assert text in printed
    full, uniform, best = json.loads(out.read_text())
    assert full["cost"] == 1.0
    assert uniform["cost"] <= 0.5
    assert best["cost"] <= 0.5
    assert best["predicted_top1"] > uniform["predicted_top1"]
    assert uniform["divergence"] > 0


def test_a_design_outside_the_table_is_measured_without_a_prediction(
    cli: Cli, small_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "figures.json"
    one = ",".join(["1"] * 18)
    cli.succeed(*on(small_data), "--design", f"thin={one}", "--out", out)
    assert json.loads(out.read_text())[1]["predicted_top1"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--design", "1,2"], "a design has 18 entries, one a decision, not 2"),
        (["--design", "many"], "cannot read the design 'many'"),
        (["--design", "uniform", "--calibration-rows", "5"], "rows must look like 0:500"),
        (["--design", "uniform", "--criterion", "weight"], "unknown selection criterion 'weight'"),
        (["--design", "uniform", "--method", "sequental"], "Did you mean 'sequential'"),
        (["--design", "uniform", "--precision", "float8"], "unknown precision 'float8'"),
        (["--design", "uniform", "--evaluation-rows", "50:90"], "has 60 rows"),
    ],
)
def test_bad_input_ends_in_one_line(
    cli: Cli, small_data: Path, arguments: list[str], message: str
) -> None:
    assert message in cli.fail(*on(small_data), *arguments)


def test_uniform_and_optimum_are_those_of_the_hardware_and_cost_that_were_asked_for(
    cli: Cli, small_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "figures.json"
    priced = {"hardware": "roofline", "cost": "latency", "budget": 0.8}
    options = [text for name, value in priced.items() for text in (f"--{name}", value)]
    designs = ["--design", "uniform", "--design", "optimum", "--out", out]
    printed = cli.succeed(*on(small_data), *options, *designs)
    assert "fraction of the full network's MACs" in printed
    problem = make_problem("channel_pruning", network="resnet20", **priced)
    _, uniform, best = json.loads(out.read_text())
    assert uniform["design"] == problem.reference.designs[0].tolist()
    assert best["design"] == list(optimum(problem).design)
    usual = make_problem("channel_pruning", network="resnet20", budget=0.8)
    assert best["design"] != list(optimum(usual).design)


@pytest.mark.parametrize("command", ["verify-design", "export", "finetune"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cost", "latency"], "cost 'latency' cannot be budgeted on this hardware"),
        (["--cost", "mac"], "unknown cost 'mac'. Did you mean 'macs'"),
        (["--hardware", "roofline", "--cost", "energy"], "'energy' cannot be budgeted"),
        (["--hardware", "moble"], "unknown hardware 'moble'. Did you mean 'mobile'"),
    ],
)
def test_costs_and_hardware_that_a_family_does_not_have_are_refused(
    cli: Cli, tmp_path: Path, command: str, arguments: list[str], message: str
) -> None:
    asked = [command, "resnet20", "--design", "uniform", *arguments, "--out", tmp_path / "x"]
    assert message in cli.fail(*asked)


def test_mistakes_in_designs_are_told_before_the_optimum_is_searched_for(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search(_: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr("hwenvs.baselines.exact.optimum", search)
    long = ",".join(["1"] * 17 + ["99"])
    for design, message in (("1,2", "not 2"), ("x", "cannot read"), (long, "valid: 1 to 64")):
        given = ["--design", "optimum", "--design", design]
        assert message in cli.fail("verify-design", "resnet20", *given)
        assert message in cli.fail("render", "AMC-ResNet20-v0", "--design", design)


def test_a_mistake_in_one_of_several_designs_is_told_by_its_label(cli: Cli) -> None:
    given = ["verify-design", "resnet20", "--design", ",".join(["1"] * 17 + ["99"])]
    assert cli.fail(*given).startswith("error: 99 at decision 17 ")
    assert cli.fail(*given, "--design", "uniform").startswith("error: design 1: 99 at decision 17 ")
    named = ["--design", "thin=" + ",".join(["0"] * 18)]
    assert cli.fail(*given[:2], "--design", "uniform", *named).startswith("error: thin: 0 at ")


def test_designs_keep_the_order_in_which_they_were_named() -> None:
    problem = make_problem("channel_pruning", network="resnet20")
    designs = parse_designs(["best=optimum", "uniform", ",".join(["8"] * 18)], problem)
    assert list(designs) == ["best", "uniform", "design 3"]
    assert designs["best"] == optimum(problem).design


def test_no_design_is_dropped_for_another_of_its_name(cli: Cli) -> None:
    uniform = "thin=" + ",".join(["8"] * 18)
    given = ["--design", "thin=optimum", "--design", uniform]
    said = cli.fail("verify-design", "resnet20", *given)
    assert said == "error: two designs are called 'thin': give each a LABEL= of its own\n"


def test_a_network_of_the_zoo_without_a_plan_is_told_what_has_one(cli: Cli) -> None:
    said = cli.fail("verify-design", "vgg16", "--design", "uniform")
    assert said.startswith("error: vgg16 has no calibration plan for channel pruning: name one of")
    assert "resnet56" in said
    assert "calibrate_module" in said
    assert "unknown" not in said


def test_a_network_without_a_plan_suggests_one(cli: Cli, small_data: Path) -> None:
    said = cli.fail("calibrate", "channel-pruning", "mobilenetv2", "--out", small_data / "x")
    assert "Did you mean 'mobilenet_v2'" in said
    assert not (small_data / "x").exists()
