"""Sweeps that go on: what is finished, what is redone, and what counts as the same cell."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from hwenvs import hardware
from hwenvs.errors import DataError
from hwenvs.reporting.results import collect
from hwenvs.solving.records import Run
from hwenvs.sweeps.cells import CELLS, read_cells
from hwenvs.sweeps.sweep import Outcomes, run_sweep
from tests.sweeps.conftest import here, same, stamps

MOBILE = "AMC-MobileNetV1-v0"


def test_finished_cells_are_skipped(tmp_path: Path, make_cells: Any) -> None:
    few, more = make_cells(seeds=2), make_cells(seeds=4)
    first = run_sweep(few, tmp_path, here)
    assert (len(first.finished), len(first.solved)) == (0, 3)
    before = stamps(tmp_path)
    second = run_sweep(more, tmp_path, here)
    assert (len(second.finished), len(second.solved)) == (3, 2)
    after = stamps(tmp_path)
    assert {name: after[name] for name in before} == before
    assert run_sweep(more, tmp_path, here).solved == []


def test_finished_cells_are_skipped_however_they_are_kept(tmp_path: Path, make_cells: Any) -> None:
    run_sweep(make_cells(), tmp_path, here, compress=True)
    assert run_sweep(make_cells(), tmp_path, here).solved == []


@pytest.mark.parametrize("compress", [False, True])
def test_damaged_cells_are_redone(tmp_path: Path, make_cells: Any, compress: bool) -> None:
    cells = make_cells()
    run_sweep(cells, tmp_path, here, compress)
    whole = read_cells(tmp_path)
    path = next((tmp_path / CELLS).iterdir())
    path.write_bytes(path.read_bytes()[:50])
    names = (f"{CELLS}/.{path.name}.17.tmp", ".sweep.yaml.17.tmp", ".failures.json.17.tmp")
    for left in (tmp_path / name for name in names):
        left.write_text("what a killed process left")
        os.utime(left, (0, 0))
    sweep = run_sweep(cells, tmp_path, here)
    assert (sweep.damaged, len(sweep.solved)) == ([path], 1)
    assert same(read_cells(tmp_path), whole)
    assert len(list((tmp_path / CELLS).iterdir())) == len(cells)
    assert [entry.name for entry in tmp_path.iterdir()] == [CELLS]


@pytest.mark.parametrize("damaged", [False, True])
def test_what_a_sweep_takes_for_finished_is_what_is_read(
    damaged: bool, tmp_path: Path, make_cells: Any
) -> None:
    run_sweep(make_cells(), tmp_path, here)
    whole = read_cells(tmp_path)
    plain = next((tmp_path / CELLS).iterdir())
    twin = plain.with_name(f"{plain.name}.gz")
    content = plain.read_bytes()
    twin.write_bytes(gzip.compress(content) if damaged else b"junk")
    plain.write_bytes(b"junk" if damaged else content)
    if damaged:
        with pytest.raises(DataError, match="sweep again to redo it"):
            read_cells(tmp_path)
    assert len(run_sweep(make_cells(), tmp_path, here).solved) == damaged
    assert same(read_cells(tmp_path), whole)
    assert twin.exists() != damaged


def test_a_run_that_is_not_of_its_cell_is_a_failure_and_the_others_go_on(
    tmp_path: Path, make_cells: Any
) -> None:
    cells = make_cells()

    def mixed(waiting: Any) -> Outcomes:
        for index, run in here(waiting):
            assert isinstance(run, Run)
            yield index, dataclasses.replace(run, seed=99) if index == 1 else run

    sweep = run_sweep(cells, tmp_path, mixed)
    assert len(sweep.solved) == len(cells) - 1
    ((cell, failure),) = sweep.failures
    assert cell == cells[1]
    assert "the run that belongs there is not one of random" in str(failure.error)
    assert "Traceback" in json.loads((tmp_path / "failures.json").read_text())[0]["trace"]
    assert run_sweep(cells, tmp_path, here).solved == [cells[1]]


@pytest.fixture
def chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of one's own hardware in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "chip.json"
    path.write_bytes((Path(hardware.__file__).parent / "data" / "mobile.json").read_bytes())
    return path


def slow(chip: Path) -> None:
    """The same chip, on which all takes thrice as long."""
    entries = json.loads(chip.read_text(), parse_float=lambda text: 3 * float(text))
    chip.write_text(json.dumps(entries))


def test_a_cell_is_another_one_once_a_file_that_it_names_is(
    tmp_path: Path, make_cells: Any, chip: Path
) -> None:
    place = {"environment": MOBILE, "arguments": {"hardware": chip.name, "cost": "latency"}}
    out = tmp_path / "out"
    cells = make_cells(environments=[place], solvers=["uniform"])
    assert len(run_sweep(cells, out, here).solved) == 1
    chip.touch()
    assert make_cells(environments=[place], solvers=["uniform"]) == cells
    slow(chip)
    again = make_cells(environments=[place], solvers=["uniform"])
    assert len(run_sweep(again, out, here).solved) == 1
    runs = read_cells(out)
    assert len({run.task for run in runs}) == len({run.costs["latency"][0] for run in runs}) == 2
    assert len({results.title for results in collect(runs)}) == 2
    # The plan was made with the file as it was before.
    ((_, failure),) = run_sweep(cells, tmp_path / "late", here).failures
    assert str(failure.error).endswith(": a file that it names was changed meanwhile")
