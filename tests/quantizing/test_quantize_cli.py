"""``hwenvs quantize`` on networks and images that come with the packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hwenvs.cli.app import app
from hwenvs.export.runtime import open_session


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["quantize", *(str(argument) for argument in arguments)])


def test_a_network_of_the_zoo_needs_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "int8.onnx"
    result = run("digits_mobilenet", "--out", out, "--evaluation-rows", "0:200")
    assert result.exit_code == 0, result.output
    for text in ("Signal-to-noise", "classifier", "top-1", "Calibrated on 100 inputs", "int8"):
        assert text in result.output
    assert open_session(out).get_outputs()[0].shape == ["batch", 10]
    assert [path.name for path in tmp_path.iterdir()] == ["int8.onnx"]


def test_a_file_is_calibrated_on_a_folder_of_images(tmp_path: Path, photos: Path) -> None:
    made, out = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    design = ["--design", "uniform", "--calibration-rows", "0:60", "--evaluation-rows", "0:60"]
    exported = CliRunner().invoke(
        app, ["export", "digits_resnet", *design, "--points", "4", "--out", str(made)]
    )
    assert exported.exit_code == 0, exported.output
    grey = ("--mean", "0.5", "--std", "0.5")
    result = run(made, "--calibration", photos, "--method", "entropy", "--out", out, *grey)
    assert result.exit_code == 0, result.output
    assert "Calibrated on 12 inputs, 2 batches" in result.output
    assert out.stat().st_size < made.stat().st_size
    refused = run(made, "--calibration", photos, "--out", tmp_path / "no.onnx")
    assert refused.exit_code == 2
    assert "3 channels, the model reads 1" in refused.output
    assert not (tmp_path / "no.onnx").exists()


def test_several_inputs_come_from_a_function_or_at_random(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_inputs: Any
) -> None:
    model, out = tmp_path / "two.onnx", tmp_path / "int8.onnx"
    model.write_bytes(two_inputs.SerializeToString())
    (tmp_path / "quantize_inputs.py").write_text(
        "import numpy as np\n\n\ndef batch(n):\n    random = np.random.default_rng(n)\n"
        "    return {'images': random.normal(size=(6, 3, 8, 8)).astype('f'),\n"
        "            'extra': np.ones((6, 5), 'f')}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    result = run("two.onnx", "--input-fn", "quantize_inputs:batch", "--out", out)
    assert result.exit_code == 0, result.output
    assert "Calibrated on 60 inputs, 10 batches" in result.output
    result = run("two.onnx", "--input-fn", "random", "--images", 20)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "two-int8.onnx").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model.onnx"], "cannot read model.onnx"),
        (["resnet65"], "Did you mean 'resnet56'"),
        (["digits_resnet", "--method", "max"], "unknown method 'max'"),
        (["digits_resnet", "--shape", "images"], "a shape looks like"),
        (["digits_resnet", "--input-fn", "nothing"], "'module:function', not 'nothing'"),
        (["digits_resnet", "--calibration", "absent"], "absent does not exist"),
    ],
)
def test_bad_input_gets_one_clear_line(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
