"""``hwenvs quantize`` on networks and images that come with the packages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hwenvs.export.runtime import open_session

if TYPE_CHECKING:
    from tests.conftest import Cli


def test_a_network_of_the_zoo_needs_nothing_else(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "int8.onnx"
    printed = cli.succeed(
        "quantize", "digits_mobilenet", "--out", out, "--evaluation-rows", "0:200"
    )
    for text in ("Signal-to-noise", "classifier", "top-1", "Calibrated on 100 inputs", "int8"):
        assert text in printed
    assert open_session(out).get_outputs()[0].shape == ["batch", 10]
    assert [path.name for path in tmp_path.iterdir()] == ["int8.onnx"]


def test_a_file_is_calibrated_on_a_folder_of_images(cli: Cli, tmp_path: Path, photos: Path) -> None:
    made, out = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    design = ["--design", "uniform", "--calibration-rows", "0:60", "--evaluation-rows", "0:60"]
    cli.succeed("export", "digits_resnet", *design, "--points", 4, "--out", made)
    grey = ("--mean", "0.5", "--std", "0.5")
    given = ["--calibration", photos, "--method", "entropy", *grey]
    printed = cli.succeed("quantize", made, *given, "--out", out)
    assert "Calibrated on 12 inputs, 2 batches" in printed
    assert out.stat().st_size < made.stat().st_size
    said = cli.fail("quantize", made, "--calibration", photos, "--out", tmp_path / "no.onnx")
    assert "3 channels, the model reads 1" in said
    assert not (tmp_path / "no.onnx").exists()


def test_several_inputs_come_from_a_function_or_at_random(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_inputs: Any
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
    printed = cli.succeed(
        "quantize", "two.onnx", "--input-fn", "quantize_inputs:batch", "--out", out
    )
    assert "Calibrated on 60 inputs, 10 batches" in printed
    cli.succeed("quantize", "two.onnx", "--input-fn", "random", "--images", 20)
    assert (tmp_path / "two-int8.onnx").is_file()


def test_an_input_without_sizes_is_no_batch(cli: Cli, tmp_path: Path, two_inputs: Any) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.ModelProto()
    model.CopyFrom(two_inputs)
    del model.graph.input[1].type.tensor_type.shape.dim[:]  # a number, added to all outputs
    scalar, path = model.graph.input.pop(1), tmp_path / "scalar.onnx"
    model.graph.input.insert(0, scalar)
    path.write_bytes(model.SerializeToString())
    given = ["--input-fn", "random", "--images", 20, "--batch-size", 4]
    printed = cli.succeed("quantize", path, *given, "--out", tmp_path / "int8.onnx")
    assert "Calibrated on 20 inputs, 5 batches" in printed


def test_the_original_is_not_overwritten(cli: Cli, tmp_path: Path, two_inputs: Any) -> None:
    path, same = tmp_path / "model.onnx", tmp_path / "link.onnx"
    path.write_bytes(two_inputs.SerializeToString())
    same.symlink_to(path)
    for out in (path, same):
        said = cli.fail("quantize", path, "--input-fn", "random", "--out", out)
        assert f"--out {out} is the model to quantize" in said
    assert path.read_bytes() == two_inputs.SerializeToString()


def test_rows_are_refused_where_they_are_calibrated_on_alone(cli: Cli, tmp_path: Path) -> None:
    command = ["quantize", "mobilenet_v1", "--data", tmp_path, "--evaluation-rows", "0:50"]
    (tmp_path / "weights").mkdir()
    assert "rows 0 to 99 are calibrated on" in cli.fail(*command)
    for elsewhere in (("--input-fn", "random"), ("--calibration", tmp_path)):
        assert "has no mobilenet_v1_" in cli.fail(*command, *elsewhere)


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
def test_bad_input_gets_one_clear_line(cli: Cli, arguments: list[str], message: str) -> None:
    assert message in cli.fail("quantize", *arguments)
