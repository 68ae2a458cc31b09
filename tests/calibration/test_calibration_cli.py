"""The commands that run real networks, on a tiny data set."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hwenvs.cli.app import app

ROWS = ["--calibration-rows", "0:20", "--evaluation-rows", "0:30", "--points", "6"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def verify(data: Path, *arguments: str) -> Result:
    return run("verify-design", "resnet20", "--data", str(data), *ROWS, *arguments)


def test_verify_design_prints_predicted_beside_measured(small_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    designs = ["--design", "uniform", "--design", "best=optimum", "--out", str(out)]
    result = verify(small_data, *designs)
    assert result.exit_code == 0, result.output
    for text in ("full network", "uniform", "best", "predicted", "top-1"):
        assert text in result.output
    full, uniform, best = json.loads(out.read_text())
    assert full["cost"] == 1.0
    assert uniform["cost"] <= 0.5
    assert best["cost"] <= 0.5
    assert best["predicted_top1"] > uniform["predicted_top1"]
    assert uniform["divergence"] > 0


def test_a_design_outside_the_table_is_measured_without_a_prediction(
    small_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "figures.json"
    one = ",".join(["1"] * 18)
    result = verify(small_data, "--design", f"thin={one}", "--out", str(out))
    assert result.exit_code == 0, result.output
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
def test_bad_input_ends_in_one_line(small_data: Path, arguments: list[str], message: str) -> None:
    result = verify(small_data, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_network_without_a_plan_suggests_one(small_data: Path) -> None:
    result = run("calibrate", "channel-pruning", "mobilenetv2", "--out", str(small_data / "x"))
    assert result.exit_code == 2
    assert "Did you mean 'mobilenet_v2'" in " ".join(result.output.split())
    assert not (small_data / "x").exists()
