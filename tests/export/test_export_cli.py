"""``hwenvs export`` on networks and images that come with the packages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hwenvs.export.runtime import open_session
from hwenvs.export.tensors import load, load_facts
from hwenvs.networks import bit_groups, get_network

if TYPE_CHECKING:
    from tests.conftest import Cli

FEW = ["--calibration-rows", "0:60", "--evaluation-rows", "0:100", "--points", "4"]
QUICK = [*FEW, "--repetitions", "5"]
DESIGN = "8,12,12,24,24,40"


def test_an_onnx_file_is_written_and_judged_beside_the_prediction(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "small.onnx"
    printed = cli.succeed("export", "digits_resnet", "--design", DESIGN, "--out", out, *QUICK)
    for text in ("top-1", "environment", "onnxruntime", "milliseconds", "predicted macs", "bytes"):
        assert text in printed
    onnx = pytest.importorskip("onnx")
    facts = {entry.key: entry.value for entry in onnx.load(out).metadata_props}
    assert json.loads(facts["design"]) == [int(entry) for entry in DESIGN.split(",")]
    assert (facts["network"], facts["family"]) == ("digits_resnet", "channel_pruning")
    assert open_session(out).get_outputs()[0].shape == ["batch", 10]
    assert [path.name for path in tmp_path.iterdir()] == ["small.onnx"]


def test_a_safetensors_file_holds_the_design(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "small.safetensors"
    bits = ",".join("8" for _ in bit_groups(get_network("digits_mobilenet")))
    options = ["--family", "bit-allocation", "--format", "safetensors", "--out", out]
    cli.succeed("export", "digits_mobilenet", "--design", bits, *options, *QUICK)
    assert load(out).network.name == "digits_mobilenet"
    assert load_facts(out)["family"] == "bit_allocation"


def test_records_say_which_network_it_is(cli: Cli, tmp_path: Path) -> None:
    cli.succeed("run", "AMC-DigitsLeNet-v0", "--solver", "uniform", "--out", tmp_path)
    out, records = tmp_path / "lenet.onnx", tmp_path / "AMC-DigitsLeNet-v0.uniform.jsonl"
    for design in (records, f"best:{records}"):
        printed = cli.succeed("export", "--design", design, "--out", out, *QUICK)
        assert "LeNet for digits" in printed
        out.unlink()
    said = cli.fail("export", "--design", records, "--budget", "0.3", "--out", out, *QUICK)
    assert said.startswith("error: --budget is what uniform and optimum may cost: ")
    said = cli.fail("export", "--design", records, "--family", "bit", "--out", out, *QUICK)
    assert said.startswith("error: --family bit-allocation: the records of ")
    assert "are of channel-pruning" in said
    assert not out.exists()


def test_a_network_without_a_table_is_verified_beside_the_real_one(cli: Cli) -> None:
    chosen = ["digits_mobilenet", "--family", "bit-allocation", "--design", "uniform"]
    assert "predicted" in cli.succeed("verify-design", *chosen, *FEW)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits_resnet", "--design", "1,2"], "a design has 6 entries, one a decision, not 2"),
        (["digits_resnet", "--design", "many"], "cannot read the design 'many'"),
        (["digits_resnet", "--design", DESIGN, "--format", "onx"], "Did you mean 'onnx'"),
        (["digits_resnet", "--design", DESIGN, "--weights", "none.pt"], "no weights file at none"),
        (["digits_resnte", "--design", DESIGN], "Did you mean 'digits_resnet'"),
        (["--design", "uniform"], "name the network"),
        (["--design", "missing.jsonl"], "cannot read run records"),
    ],
)
def test_bad_input_ends_in_one_line_and_no_file(
    cli: Cli, tmp_path: Path, arguments: list[str], message: str
) -> None:
    assert message in cli.fail("export", *arguments, "--out", tmp_path / "x.onnx", *FEW)
    assert not list(tmp_path.iterdir())
