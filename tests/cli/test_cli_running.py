"""Solvers run by the command: seeds, workers, other networks, other proxies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hwenvs.cli.options import parse_names, parse_seeds
from hwenvs.errors import ArgumentError
from hwenvs.solving.records import Run, read_runs

if TYPE_CHECKING:
    from tests.conftest import Cli

ID = "AMC-ResNet20-v0"


@pytest.mark.parametrize("workers", [1, 2])
def test_run_records_every_seed(cli: Cli, tmp_path: Path, workers: int) -> None:
    options = ["--solver", "random", "--evaluations", 5, "--seeds", 2, "--workers", workers]
    printed = cli.succeed("run", ID, *options, "--budget", "0.6", "--out", tmp_path)
    path = tmp_path / f"{ID}.random.jsonl"
    assert path.name in printed
    runs = read_runs(path)
    assert [run.seed for run in runs] == [0, 1]
    assert all(len(run.rewards) == 5 and run.arguments == {"budget": 0.6} for run in runs)


def test_workers_change_nothing_but_the_time(cli: Cli, tmp_path: Path) -> None:
    for workers in (1, 2):
        options = ["--solver", "random", "--evaluations", 5, "--seeds", "3,5"]
        cli.succeed("run", ID, *options, "--workers", workers, "--out", tmp_path / str(workers))
    one, two = (read_runs(tmp_path / str(n) / f"{ID}.random.jsonl") for n in (1, 2))
    assert [run.designs for run in one] == [run.designs for run in two]
    assert [run.seed for run in two] == [3, 5]


def test_records_are_one_line_for_pandas(cli: Cli, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    options = ["--solver", "random", "--evaluations", 4, "--seeds", 2]
    cli.succeed("run", ID, *options, "--out", tmp_path)
    frame = pandas.read_json(tmp_path / f"{ID}.random.jsonl", lines=True)
    assert frame.solver.tolist() == ["random", "random"]
    assert len(frame.rewards[0]) == 4


def test_ids_without_a_network_take_one_of_the_zoo(cli: Cli, tmp_path: Path) -> None:
    chosen = ("AMC-v0", "--network", "resnet20")
    cli.succeed("run", *chosen, "--solver", "exact", "--out", tmp_path)
    (run,) = read_runs(tmp_path / "AMC-v0.exact.jsonl")
    (named,) = read_runs_of(cli, tmp_path / "named", "run", ID, "--solver", "exact")
    assert run.arguments == {"network": "resnet20"}
    assert (run.designs, run.rewards) == (named.designs, named.rewards)
    printed = cli.succeed("report", tmp_path / "AMC-v0.exact.jsonl", "--out", tmp_path / "report")
    assert "AMC-v0 (network resnet20)" in printed
    assert cli.succeed("render", *chosen) == cli.succeed("render", ID)
    assert cli.succeed("card", *chosen, "--json") == cli.succeed("card", ID, "--json")
    chips = ("--hardware", "counts:macs,counts:size", "--budget", "0.7")
    assert cli.succeed("specialise", *chosen, *chips) == cli.succeed("specialise", ID, *chips)


def read_runs_of(cli: Cli, out: Path, *arguments: object) -> list[Run]:
    cli.succeed(*arguments, "--out", out)
    return [run for path in out.glob("*.jsonl") for run in read_runs(path)]


def test_any_environment_can_measure_instead_of_looking_up(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    measured = ("AMC-v0", "--network", "digits_resnet", "--proxy", "measured", "--out", tmp_path)
    printed = cli.succeed("run", *measured, "--solver", "uniform", "--evaluations", "1")
    assert "network digits_resnet, proxy measured" in printed


def test_ids_are_taken_as_gymnasium_takes_them(cli: Cli, tmp_path: Path) -> None:
    cli.succeed("run", f"hwenvs:{ID}", "--solver", "uniform", "--out", tmp_path)
    assert cli.succeed("report", tmp_path / f"{ID}.uniform.jsonl", "--out", tmp_path / "report")


def test_seeds_are_a_count_or_a_list() -> None:
    assert parse_seeds("3") == [0, 1, 2]
    assert parse_seeds("3,") == [3]
    assert parse_seeds("7, 3") == [7, 3]
    with pytest.raises(ArgumentError, match="at least one"):
        parse_seeds("0")
    with pytest.raises(ArgumentError, match="'1,2,1' name 1 twice"):
        parse_seeds("1,2,1")


def test_names_are_taken_once() -> None:
    assert parse_names("a, b,a,") == ["a", "b"]
