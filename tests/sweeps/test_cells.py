"""Files of cells: named by their configuration, whole or refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from hwenvs.errors import DataError
from hwenvs.solving import solve
from hwenvs.sweeps.cells import (
    Cell,
    cell_path,
    find_cell,
    identity_of,
    read_cell,
    read_cells,
    solve_cell,
    write_cell,
)


@pytest.fixture
def cell(make_cells: Any) -> Cell:
    cells: list[Cell] = make_cells(seeds=[5])
    return cells[0]


@pytest.mark.parametrize("compress", [False, True])
def test_a_cell_is_read_as_it_was_written(tmp_path: Path, cell: Cell, compress: bool) -> None:
    run = solve_cell(cell)
    path = write_cell(tmp_path, cell, run, compress)
    assert path == cell_path(tmp_path, cell.key, compress) == find_cell(tmp_path, cell.key)
    assert read_cell(path) == run
    assert read_cells(tmp_path) == [run]


def test_a_cell_is_what_solve_gives(cell: Cell) -> None:
    run, alone = solve_cell(cell), solve("random", cell.environment, 10, seed=5)
    assert dataclasses.replace(run, seconds=0.0) == dataclasses.replace(alone, seconds=0.0)


def test_tuples_among_hyperparameters_do_not_change_the_name(
    tmp_path: Path, make_cells: Any
) -> None:
    settings = {"warmup": 3, "hidden": [8, 8]}
    (cell,) = make_cells(solvers=[{"solver": "ddpg", "hyperparameters": settings}], seeds=[0])
    assert read_cell(write_cell(tmp_path, cell, solve_cell(cell))).solver == "ddpg"


def test_cells_are_alike_however_numbers_are_written(cell: Cell) -> None:
    whole, real = (dataclasses.replace(cell, arguments={"budget": b}) for b in (1, 1.0))
    assert identity_of(whole) == identity_of(real) != identity_of(cell)
    assert identity_of(dataclasses.replace(cell, seed=6)) != identity_of(cell)


def test_one_design_is_alike_with_every_seed_and_budget(cell: Cell) -> None:
    exact = dataclasses.replace(cell, solver="exact")
    assert identity_of(dataclasses.replace(exact, seed=6, evaluations=7)) == identity_of(exact)


def test_runs_are_read_in_order_and_each_once(tmp_path: Path, make_cells: Any) -> None:
    for cell in reversed(make_cells(seeds=11)):
        write_cell(tmp_path, cell, solve_cell(cell))
    write_cell(tmp_path, cell, solve_cell(cell), compress=True)
    runs = read_cells(tmp_path)
    assert [(run.solver, run.seed) for run in runs] == [
        *(("random", seed) for seed in range(11)),
        ("uniform", 0),
    ]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("keep", [0, 40, -20])
def test_damaged_files_are_refused(tmp_path: Path, cell: Cell, compress: bool, keep: int) -> None:
    path = write_cell(tmp_path, cell, solve_cell(cell), compress)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=f"{path.name} is damaged"):
        read_cells(tmp_path)


@pytest.mark.parametrize("column", ["designs", "rewards", "accuracies", "scores"])
def test_a_record_without_all_of_its_evaluations_is_refused(
    tmp_path: Path, cell: Cell, column: str
) -> None:
    path = write_cell(tmp_path, cell, solve_cell(cell))
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, column: record[column][:-1]}))
    with pytest.raises(DataError, match="lacks evaluations"):
        read_cell(path)


@pytest.mark.parametrize(
    ("field", "place", "value", "message"),
    [
        ("rewards", 3, float("nan"), r"rewards\[3\]: Input should be a finite number, not nan"),
        ("rewards", 0, "x", r"rewards\[0\]: Input should be a valid number, not 'x'"),
        ("designs", 9, [1], "some of its designs have 1 decision and others 18"),
        ("designs", 9, [1.5] * 18, r"designs\[9\]\[0\]: Input should be a valid integer"),
        ("seconds", None, "long", "seconds: Input should be a valid number, not 'long'"),
        ("hyperparameters", None, {"a": [float("inf")]}, "Out of range float values are not JSON"),
        ("evaluations", None, 5, "it holds 10 evaluations, and 5 were allowed"),
    ],
)
def test_a_record_whose_content_makes_no_sense_is_refused(
    tmp_path: Path, cell: Cell, field: str, place: int | None, value: object, message: str
) -> None:
    path = write_cell(tmp_path, cell, solve_cell(cell))
    record = json.loads(path.read_text())
    if place is None:
        record[field] = value
    else:
        record[field][place] = value
    path.write_text(json.dumps(record))
    label = "random on AMC-ResNet20-v0, seed 5"
    with pytest.raises(DataError, match=f"{path.name} is damaged: {label}: {message}"):
        read_cell(path)


def test_a_file_of_another_name_is_refused(tmp_path: Path, cell: Cell) -> None:
    path = write_cell(tmp_path, cell, solve_cell(cell))
    path.rename(path.with_name("copy.json"))
    with pytest.raises(DataError, match=r"copy\.json holds another cell"):
        read_cells(tmp_path)


def test_a_run_of_another_cell_is_not_written(tmp_path: Path, cell: Cell) -> None:
    other = dataclasses.replace(cell, seed=6)
    with pytest.raises(DataError, match="not one of random on AMC-ResNet20-v0, seed 5"):
        write_cell(tmp_path, cell, solve_cell(other))


def test_a_folder_without_cells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no finished cells"):
        read_cells(tmp_path)
