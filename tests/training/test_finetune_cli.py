"""``hwenvs finetune`` on digits, which need no data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hwenvs.export.tensors import load, load_facts

if TYPE_CHECKING:
    from tests.conftest import Cli

DESIGN = "3,4,4,8,8,12"
FEW = ["--calibration-rows", "0:60", "--evaluation-rows", "0:200", "--points", "4"]


@pytest.fixture(autouse=True)
def _images(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("safetensors")
    monkeypatch.delenv("HWENVS_DATA", raising=False)


def test_a_run_prints_before_and_after_and_continues(cli: Cli, tmp_path: Path) -> None:
    given = ["digits_resnet", "--design", DESIGN, "--out", tmp_path, "--epochs", 2, *FEW]
    first = cli.succeed("finetune", *given, "--until", 1)
    assert "1 of 2 epochs" in " ".join(first.split())
    second = cli.succeed("finetune", *given)
    shown = " ".join(second.split())
    for text in ("2 of 2 epochs", "full network", "not fine-tuned", "design, fine-tuned"):
        assert text in shown
    path = tmp_path / "digits_resnet.safetensors"
    facts = load_facts(path)
    assert facts["design"] == [int(entry) for entry in DESIGN.split(",")]
    assert facts["evaluation_rows"] == [0, 200]
    assert f"{facts['accuracy']['after']:.2%}" in second
    assert load(path).network.name == "digits_resnet"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits_resnet", "--design", "1,2"], "a design has 6 entries, one a decision, not 2"),
        (["digits_resnet", "--design", DESIGN, "--weights", "none.pt"], "no weights file at none"),
        (["digits_resnte", "--design", DESIGN], "Did you mean 'digits_resnet'"),
        (
            ["digits_resnet", "--design", "8", "--family", "bit-allocation"],
            "bit-allocation cannot be fine-tuned",
        ),
        (["digits_resnet", "--design", DESIGN, "--family", "bits"], "Known: bit-allocation"),
        (["digits_resnet", "--design", DESIGN, "--precision", "int8"], "unknown precision"),
        (["digits_resnet", "--design", DESIGN, "--training-rows", "9"], "rows must look like"),
        (["digits_resnet", "--design", DESIGN, "--learning-rate", "0"], "must be positive"),
        (["digits_resnet", "--design", DESIGN, "--learning-rate", "nan"], "finite, not nan"),
        (["digits_resnet", "--design", DESIGN, "--learning-rate", "inf"], "finite, not inf"),
        (["digits_resnet", "--design", DESIGN, "--device", "foo"], "device 'foo' cannot be"),
    ],
)
def test_bad_input_ends_in_one_line_and_no_file(
    cli: Cli, tmp_path: Path, arguments: list[str], message: str
) -> None:
    assert message in cli.fail("finetune", *arguments, "--out", tmp_path, *FEW)
    assert not list(tmp_path.iterdir())


def test_a_run_that_goes_astray_keeps_the_weights_that_were_there(cli: Cli, tmp_path: Path) -> None:
    given = ["digits_resnet", "--design", DESIGN, "--out", tmp_path, *FEW, "--no-teacher"]
    assert "1 of 1 epoch, " in cli.succeed("finetune", *given, "--epochs", 1)
    path = tmp_path / "digits_resnet.safetensors"
    before = path.read_bytes()
    (checkpoint,) = tmp_path.glob("*.checkpoint.pt")
    checkpoint.unlink()
    result = cli.call("finetune", *given, "--epochs", 1, "--learning-rate", "1e38")
    assert result.exit_code == 2, result.output
    assert "training went astray" in result.stderr.splitlines()[-1]  # after the bar
    assert "Traceback" not in result.output
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
