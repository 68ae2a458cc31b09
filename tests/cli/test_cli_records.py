"""Records of earlier runs: replaced by equal runs, kept from others, read with care."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hwenvs import hardware
from hwenvs.solving import solve
from hwenvs.solving.pool import solve_many
from hwenvs.solving.records import Run, read_runs

if TYPE_CHECKING:
    from tests.conftest import Cli

ID = "AMC-ResNet20-v0"
QUICK = ("--solver", "random", "--evaluations", 3)
BARE = {"solver": "a", "environment": "b", "arguments": {}, "seed": 1, "evaluations": 2}
"""A record of a run with nothing in it."""


def test_the_same_run_again_replaces_its_records(cli: Cli, tmp_path: Path) -> None:
    for seeds in (1, 2, 2):  # an earlier run's seeds are among those of the next
        cli.succeed("run", ID, *QUICK, "--seeds", seeds, "--budget", "0.6", "--out", tmp_path)
    assert [run.seed for run in read_runs(tmp_path / f"{ID}.random.jsonl")] == [0, 1]


@pytest.mark.parametrize(
    ("command", "file"),
    [
        (("run", ID, *QUICK), f"{ID}.random.jsonl"),
        (("compare", ID, "--solvers", "random", "--evaluations", 3), "runs.jsonl"),
    ],
)
def test_the_same_runs_again_interrupted_lose_no_record(
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[object, ...],
    file: str,
) -> None:
    command = (*command, "--seeds", 3, "--out", tmp_path)
    cli.succeed(*command)
    first = read_runs(tmp_path / file)

    def interrupted(tasks: list[dict[str, Any]], *rest: object) -> Iterator[tuple[int, Run]]:
        yield from itertools.islice(solve_many(tasks, *rest), 1)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr("hwenvs.solving.pool.solve_many", interrupted)
    result = cli.call(*command)
    assert result.exit_code == 130
    assert "stopped after 1 of 3 runs: their records are in " in result.stderr
    runs = read_runs(tmp_path / file)
    assert [run.seed for run in runs] == [0, 1, 2]
    assert runs[0].seconds != first[0].seconds, "the first was made again"
    assert runs[1:] == first[1:]


def test_a_solver_that_tries_nothing_is_told(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trying_nothing.py").write_text(
        "class Idle:\n    name, hyperparameters, deterministic = 'idle', {}, True\n"
        "    def solve(self, env, seed): pass\n"
    )
    said = cli.fail("run", ID, "--solver", "trying_nothing:Idle", "--out", "runs")
    assert f"idle on {ID} evaluated no design" in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        (("--budget", "0.3", "--seeds", "2"), "other arguments"),
        (("--evaluations", "4", "--seeds", "2"), "other evaluations"),
        (("--seeds", "1"), "other seeds"),
        (("--budget", "0.3", "--seeds", "1,"), "other arguments and seeds"),
    ],
)
def test_records_of_other_runs_are_lost_only_if_that_is_wanted(
    cli: Cli, tmp_path: Path, changes: tuple[str, ...], lost: str
) -> None:
    path = tmp_path / f"{ID}.random.jsonl"
    cli.succeed("run", ID, *QUICK, "--seeds", 2, "--out", tmp_path)
    before = path.read_bytes()
    said = cli.fail("run", ID, *QUICK, *changes, "--out", tmp_path)
    assert f"{path.name} holds runs with {lost}: add --overwrite" in said
    assert path.read_bytes() == before
    cli.succeed("run", ID, *QUICK, *changes, "--out", tmp_path, "--overwrite")
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        (("AMC-ResNet56-v0", "--solvers", "uniform,random"), "other environments"),
        ((ID, "--solvers", "uniform"), "other solvers"),
        ((ID, "--solvers", "uniform,random", "--budget", "0.3"), "other arguments"),
    ],
)
def test_a_comparison_keeps_the_records_of_another(
    cli: Cli, tmp_path: Path, changes: tuple[str, ...], lost: str
) -> None:
    rest = ("--evaluations", 3, "--seeds", 1, "--out", tmp_path)
    (tmp_path / "runs.jsonl").write_text(
        "".join(
            json.dumps(asdict(solve(solver, ID, 3, 0))) + "\n" for solver in ("uniform", "random")
        )
    )
    before = (tmp_path / "runs.jsonl").read_bytes()
    said = cli.fail("compare", *changes, *rest)
    assert f"runs.jsonl holds runs with {lost}: add --overwrite" in said
    assert [path.name for path in tmp_path.iterdir()] == ["runs.jsonl"]
    assert (tmp_path / "runs.jsonl").read_bytes() == before


def test_a_comparison_replaces_others_if_that_is_wanted(cli: Cli, tmp_path: Path) -> None:
    compare = ("compare", ID, "--evaluations", 3, "--seeds", 1, "--out", tmp_path, "--solvers")
    cli.succeed(*compare, "uniform")
    cli.succeed(*compare, "uniform,random")  # the earlier run is among them
    cli.succeed(*compare, "random", "--overwrite")
    assert [run.solver for run in read_runs(tmp_path / "runs.jsonl")] == ["random"]


def test_runs_on_a_chip_that_was_rewritten_are_others(cli: Cli, tmp_path: Path) -> None:
    chip, out = tmp_path / "chip.json", tmp_path / "out"
    chip.write_bytes((Path(hardware.__file__).parent / "data" / "mobile.json").read_bytes())
    options = ("--hardware", chip, "--cost", "latency", "--solver", "uniform", "--out", out)
    for _ in range(2):
        cli.succeed("run", "AMC-MobileNetV1-v0", *options)
    chip.write_bytes(chip.read_bytes() + b" ")
    said = cli.fail("run", "AMC-MobileNetV1-v0", *options)
    assert "holds runs with other contents of files: add --overwrite" in said


def test_a_report_keeps_the_records_of_others(cli: Cli, tmp_path: Path) -> None:
    out, ours = tmp_path / "report", tmp_path / f"{ID}.random.jsonl"
    cli.succeed("run", ID, *QUICK, "--seeds", 1, "--out", tmp_path)
    cli.succeed("report", ours, "--out", out)
    cli.succeed("run", ID, *QUICK, "--seeds", 2, "--out", tmp_path)
    cli.succeed("report", ours, "--out", out)  # the earlier run is among them
    for itself in (out, out / "runs.jsonl"):
        cli.succeed("report", itself, "--out", out)
    cli.succeed("run", ID, *QUICK, "--seeds", "0,", "--out", tmp_path, "--overwrite")
    said = cli.fail("report", ours, "--out", out)
    assert "runs.jsonl holds 1 run that is not among these: add --overwrite" in said
    assert [run.seed for run in read_runs(out / "runs.jsonl")] == [0, 1]
    cli.succeed("report", ours, "--out", out, "--overwrite")
    assert [run.seed for run in read_runs(out / "runs.jsonl")] == [0]
    (out / "runs.jsonl").write_text("no record")
    assert "add --overwrite" in cli.fail("report", ours, "--out", out)


def test_a_file_of_records_is_read_once(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(path: Path) -> list[Run]:
        read.append(path)
        return read_runs(path)

    cli.succeed("run", ID, *QUICK, "--out", tmp_path)
    monkeypatch.setattr("hwenvs.solving.records.read_runs", counted)
    cli.succeed("run", ID, *QUICK, "--out", tmp_path)
    assert read == [tmp_path / f"{ID}.random.jsonl"]


def test_other_hyperparameters_and_what_is_no_record_are_not_replaced(
    cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / f"{ID}.shallow.jsonl"
    command = ("run", ID, "--solver", "shallow", "--out", tmp_path)
    cli.succeed(*command)
    record = json.loads(path.read_text())
    record["hyperparameters"]["slope"] += 0.1
    path.write_text(json.dumps(record))
    assert "other hyperparameters" in cli.fail(*command)
    path.write_text("notes of mine")
    assert "cannot read run records" in cli.fail(*command)
    assert path.read_text() == "notes of mine"
    cli.succeed(*command, "--overwrite")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            json.dumps({**BARE, "designs": [[1]], "rewards": [math.nan], "accuracies": [0.5]}),
            r"line 2: a on b, seed 1: rewards\[0\]: Input should be a finite number, not nan",
        ),
        ("{}", "line 2 lacks solver, environment, arguments, seed, evaluations"),
        ("[]", "line 2 is no JSON object"),
        ("{", "line 2 is no JSON"),
        ('{"solver": "a", "reward": 1}', "lacks environment.* and has 'reward', which no record"),
    ],
)
def test_a_line_that_is_no_record_is_named(
    cli: Cli, tmp_path: Path, line: str, message: str
) -> None:
    cli.succeed("run", ID, "--solver", "uniform", "--out", tmp_path)
    path = tmp_path / f"{ID}.uniform.jsonl"
    path.write_text(path.read_text() + line + "\n")
    assert re.search(message, cli.fail("report", path, "--out", tmp_path / "report"))
