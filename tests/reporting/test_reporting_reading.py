"""Results are read from where runs and sweeps leave them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwenvs.cli.report import read_results
from hwenvs.errors import ArgumentError
from hwenvs.solving import solve
from hwenvs.solving.records import Run, write_runs
from hwenvs.sweeps.cells import Cell, write_cell

ID = "AMC-ResNet20-v0"


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Real runs of two solvers."""
    tasks = [("random", 0), ("random", 1), ("shallow", 0)]
    return [solve(solver, ID, evaluations=12, seed=seed) for solver, seed in tasks]


def test_results_are_read_from_files_folders_and_sweeps(runs: list[Run], tmp_path: Path) -> None:
    write_runs(tmp_path / "a.jsonl", runs[:2])
    write_runs(tmp_path / "b.jsonl", runs[2:3])
    assert read_results(tmp_path / "b.jsonl") == runs[2:3]
    assert read_results(tmp_path) == runs[:3]
    for run in runs[:2]:
        settings = (run.solver, run.hyperparameters, {}, run.seed, run.evaluations)
        write_cell(tmp_path, Cell(run.environment, run.arguments, *settings), run)
    assert read_results(tmp_path) == runs[:2]  # a sweep is its cells


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"neither a sweep's cells/ nor \.jsonl"):
        read_results(tmp_path)
