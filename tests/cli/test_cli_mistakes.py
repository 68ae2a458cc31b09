"""Mistakes are told in one line and leave nothing behind; bugs keep their traceback."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hwenvs

if TYPE_CHECKING:
    from typer.testing import Result

    from tests.conftest import Cli

ID = "AMC-ResNet20-v0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["card", "AMC-ResNet65-v0"], "unknown environment.*'AMC-ResNet56-v0'"),
        (["run", "AMC-ResNet20", "--solver", "random"], "unknown environment.*'AMC-ResNet20-v0'"),
        (["run", ID, "--solver", "ddgp"], "unknown solver 'ddgp'.*'ddpg'"),
        (["compare", ID, "--solvers", "random,exakt"], "unknown solver 'exakt'.*'exact'"),
        (["compare", ID, "--solvers", ","], "at least one solver"),
        (["run", ID, "--hardware", "moble"], "unknown hardware 'moble'.*'mobile'"),
        (["run", ID, "--cost", "mac"], "unknown cost 'mac'.*'macs'"),
        (["run", ID, "--reward", "acuracy"], "unknown reward 'acuracy'.*'accuracy'"),
        (["run", ID, "--constraint", "bound"], "unknown constraint 'bound'.*'bounded'"),
        (["run", ID, "--budget", "half"], "budget must be a fraction"),
        (["run", ID, "--budget", "0.001"], "budget"),
        (["run", ID, "--solver", "random", "--seeds", "two"], "seeds must be a number"),
        (["run", "AMC-v0"], "AMC-v0 needs --network NAME, one of .*resnet56"),
        (["specialise", "NAS-v0"], "NAS-v0 needs --space NAME, one of .*proxyless_cifar"),
        (["card", "HAQ-v0", "--network", "resnet21"], "unknown network 'resnet21'"),
        (["run", ID, "--proxy", "tables"], "prox"),
        (["report", "missing.jsonl"], "cannot read run records"),
        (["render", "AMC-ResNet56-v0", "--design", "1,2,x"], "cannot read the design"),
        (["render", "AMC-ResNet56-v0", "--design", "9,9"], "design has 54 entries.* not 2"),
        (["render", "AMC-MobileNetV1-v0", "--design", "1,2,3"], "design has 14 entries.* not 3"),
        (["render", ID, "--design", ",".join(["8"] * 19)], "design has 18 entries.* not 19"),
        (["run", ID, "--seeds", "1,1"], "name 1 twice"),
        (["run", ID, "--seeds", "99999999999"], "99999999999, with a comma, is the one seed"),
        (["run", ID, "--seeds", "9" * 30], "at most 1,000,000 are made"),
        (["run", ID, "--solver", "a:b:Class"], "solver 'a:b:Class' is not of the form"),
        (["specialise", "HAQ-MobileNetV1-v0", "--hardware", "foo"], "unknown hardware 'foo'"),
        (["specialise", "HAQ-MobileNetV1-v0", "--hardware", "counts:size"], ".*at least two"),
        (["calibrate", "bit-allocation", "resnet20", "--out", "x", "--device", "foo"], "device"),
        (["render", "AMC-ResNet56-v0", "--out", "picture.txt"], "pictures end in"),
        (["calibrate", "channel-pruning", "resnet65", "--out", "x"], "did you mean 'resnet56'"),
    ],
)
def test_wrong_input_is_told_in_one_line(cli: Cli, arguments: list[str], message: str) -> None:
    result = cli.call(*arguments)
    said = [line for line in result.stderr.splitlines() if not line.startswith("note:")]
    assert len(said) == 1, result.output
    assert re.match(f"error: .*{message}", said[0], re.IGNORECASE), said
    assert result.exit_code == 2


def test_wrong_ids_leave_no_files_behind(cli: Cli, tmp_path: Path) -> None:
    cli.fail("run", "AMC-ResNet56", "--solver", "random", "--out", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_trouble_with_a_users_file_is_one_line_and_a_bug_is_a_traceback(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(error: Exception) -> Result:
        def load(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("hwenvs.cli.options.load_problem", load)
        return cli.call("card", ID)

    for error in (
        PermissionError(13, "Permission denied", str(tmp_path / "x")),
        OSError(28, "No space left on device"),
    ):
        result = broken(error)
        assert result.exit_code == 2
        assert result.stderr.splitlines() == [
            f"error: {error.strerror}" + (f": {error.filename}" if error.filename else "")
        ]
    ours = str(Path(hwenvs.__file__).parent / "tables.npz")
    for error in (
        FileNotFoundError(2, "No such file or directory", ours),
        OSError("a socket"),
        ZeroDivisionError(),
    ):
        assert broken(error).exception is error


def test_a_design_that_nobody_can_certify_is_answered_with_one_that_there_is(cli: Cli) -> None:
    said = cli.fail("render", "AMC-DigitsLeNet-v0")
    assert "no certified optimum" in said
    assert "--design uniform" in said


@pytest.mark.parametrize(
    ("arguments", "package", "extra"),
    [
        (["profile", "lenet5", "--out", "x.json"], "torch", "export"),
        (["calibrate", "channel-pruning", "resnet20", "--out", "x"], "torch", "measure"),
        (["train", "resnet20", "--out", "x"], "torch", "measure"),
        (["export", "resnet20", "--design", "uniform"], "torch", "export"),
        (["quantize", "lenet5"], "torch", "export"),
        (["compress", "lenet5", "--density", "0.5", "--out", "x"], "safetensors", "measure"),
        (["finetune", "resnet20", "--design", "uniform", "--out", "x"], "torch", "measure"),
        (["deep-compression", "lenet5", "--out", "x"], "torch", "measure"),
        (["train-supernet", "proxyless_digits", "--out", "x"], "torch", "measure"),
    ],
)
def test_a_plain_install_is_told_what_a_command_needs(
    arguments: list[str], package: str, extra: str, tmp_path: Path
) -> None:
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from hwenvs.cli import main\n"
        f"sys.argv = ['hwenvs', *{arguments!r}]; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    command = f"hwenvs {arguments[0]}"
    assert done.returncode == 2, done.stderr
    assert done.stderr == f"error: {command} needs {package}: pip install 'hwenvs[{extra}]'\n"


@pytest.mark.parametrize("name", ["nowhere", "hwenvs.nowhere", None])
def test_a_module_that_no_extra_brings_is_a_bug(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    error = ModuleNotFoundError("No module", name=name)

    def load(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("hwenvs.cli.options.load_problem", load)
    assert cli.call("card", ID).exception is error
