"""Records of runs: what they say, and that a file gives them back."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import hwenvs
from hwenvs import hardware
from hwenvs.errors import ArgumentError
from hwenvs.hardware import get_hardware
from hwenvs.reporting.compact import compact, expanded
from hwenvs.solving import read_runs, solve, write_runs

ID = "AMC-MobileNetV1-v0"


def test_records_survive_a_file(tmp_path: Path) -> None:
    runs = [solve(name, ID, evaluations=5, seed=2, budget=0.6) for name in ("random", "uniform")]
    path = tmp_path / "new" / "runs.jsonl"
    write_runs(path, runs)
    assert read_runs(path) == runs
    assert runs[0].arguments == {"budget": 0.6}
    assert runs[0].versions["hwenvs"] == hwenvs.__version__


def test_records_know_the_content_of_files_that_arguments_name(tmp_path: Path) -> None:
    chip = tmp_path / "chip.json"
    chip.write_bytes((Path(hardware.__file__).parent / "data" / "mobile.json").read_bytes())
    run = solve("uniform", ID, hardware=str(chip), cost="latency")
    assert run.files == {str(chip): hashlib.sha256(chip.read_bytes()).hexdigest()}
    write_runs(tmp_path / "runs.jsonl", [run])
    assert read_runs(tmp_path / "runs.jsonl") == [run]
    assert expanded(compact(run)).task == run.task
    assert "files" not in compact(solve("uniform", ID))


def test_the_package_before_an_id_is_left_out_of_records() -> None:
    assert solve("uniform", f"hwenvs:{ID}").task == solve("uniform", ID).task


def test_pandas_reads_records_in_one_line(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "runs.jsonl"
    write_runs(path, [solve("random", ID, evaluations=5, seed=seed) for seed in (0, 1)])
    frame = pandas.read_json(path, lines=True)
    assert list(frame.seed) == [0, 1]
    assert frame.rewards.map(len).tolist() == [5, 5]


def test_objects_among_the_arguments_are_recorded_by_name(tmp_path: Path) -> None:
    run = solve("random", ID, evaluations=2, hardware=get_hardware("roofline"), cost="latency")
    write_runs(tmp_path / "runs.jsonl", [run])
    again = read_runs(tmp_path / "runs.jsonl")[0].arguments
    assert solve("random", ID, evaluations=2, **again).rewards == run.rewards


@pytest.mark.parametrize("text", ["not json\n", "{}\n", '{"solver": "ddpg", "color": 1}\n'])
def test_broken_records_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text(text)
    with pytest.raises(ArgumentError, match="cannot read run records"):
        read_runs(path)
    with pytest.raises(ArgumentError, match="missing"):
        read_runs(tmp_path / "missing.jsonl")
