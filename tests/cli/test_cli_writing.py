"""Where results go is checked before any work begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Cli

ID = "AMC-ResNet20-v0"
QUICK = ("--solver", "random", "--evaluations", 3)

WRITERS = {
    "run": (ID, *QUICK),
    "compare": (ID, "--solvers", "uniform"),
    "report": ("missing.jsonl",),
    "sweep": ("missing.yaml",),
    "specialise": ("HAQ-MobileNetV1-v0",),
    "calibrate": ("channel-pruning", "resnet20"),
    "train": ("resnet20",),
    "train-supernet": ("proxyless_digits",),
    "finetune": ("digits_resnet", "--design", "uniform"),
    "deep-compression": ("lenet5",),
    "render": (ID,),
    "animate": (ID,),
    "profile": ("resnet20",),
    "compress": ("digits_resnet", "--density", "0.5"),
    "decompress": ("missing.hwnz",),
    "export": ("digits_resnet", "--design", "uniform"),
    "quantize": ("digits_resnet",),
    "verify-design": ("digits_resnet", "--design", "uniform"),
}
"""Commands that write, with arguments that would take a while or fail for another reason."""

ENDINGS = {"render": ".png", "animate": ".gif", "profile": ".json"}
"""How files of those that write one must end."""


@pytest.mark.parametrize("command", WRITERS)
def test_what_cannot_be_written_is_told_before_anything_else(
    cli: Cli, command: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("mine")
    places = [tmp_path / "taken" / "x"]
    if Path("/proc/self").exists():
        places.append(Path("/proc/nowhere/x"))
    for place in places:
        out = f"{place}{ENDINGS.get(command, '')}"
        assert f"cannot write {out}: " in cli.fail(command, *WRITERS[command], "--out", out)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_file_is_no_folder_and_a_folder_no_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    said = cli.fail("run", ID, *QUICK, "--out", tmp_path / "taken")
    assert "taken: it is a file, no folder" in said
    assert "it is a folder, name a file" in cli.fail("render", ID, "--out", tmp_path)
    assert "it is a folder" in cli.fail("report", "missing.jsonl", "--compact", tmp_path)
    assert (tmp_path / "taken").read_text() == "mine"


def test_checking_where_to_write_makes_no_folder(cli: Cli, tmp_path: Path) -> None:
    cli.fail("report", tmp_path / "missing.jsonl", "--out", tmp_path / "new" / "report")
    assert not list(tmp_path.iterdir())
