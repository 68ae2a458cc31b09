"""The commands that run real networks, on a tiny data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
        (["--design", "1,2"], "needs 18 kept-channel counts, got 2"),
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


def test_a_network_without_a_plan_suggests_one(cli: Cli, small_data: Path) -> None:
    said = cli.fail("calibrate", "channel-pruning", "mobilenetv2", "--out", small_data / "x")
    assert "Did you mean 'mobilenet_v2'" in said
    assert not (small_data / "x").exists()
