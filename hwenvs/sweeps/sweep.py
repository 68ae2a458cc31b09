"""A sweep: the cells that are not there yet, on an engine, each written as it ends.

Only the process that runs the sweep writes files, one for each cell and each in one atomic step,
whatever machines the cells are solved on: they need no common disk, nothing is half-written, and a
cell that is solved twice because its machine was lost is still one file.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from hwenvs.errors import DataError
from hwenvs.files import replacing
from hwenvs.solving.pool import RETRIES, perform
from hwenvs.solving.records import Run
from hwenvs.solving.solvers import solver_modules
from hwenvs.solving.workers import Failure
from hwenvs.sweeps.cells import (
    CELLS,
    SUFFIXES,
    Cell,
    cell_path,
    find_cell,
    read_cell,
    solve_cell,
    write_cell,
)

PLAN = "sweep.yaml"
"""The sweep as it was run, in its results folder."""

FAILURES = "failures.json"
"""What failed in the last sweep into the folder, with tracebacks; missing if nothing did."""

LEFTOVER = 60.0
"""Seconds after which a file is no longer being written, by another sweep perhaps."""

Outcomes: TypeAlias = Generator[tuple[int, Run | Failure], None, None]

Engine: TypeAlias = Callable[[Sequence[Cell]], Outcomes]
"""Solves cells in any order: yields the index and the run, or the failure, of each."""

Progress = Callable[[int], None]
"""Receives the number of cells that have ended."""


@dataclass
class Sweep:
    """What became of the cells of a sweep.

    Attributes:
        finished: cells whose files were there already.
        damaged: files that were no such cell's, and are redone.
        solved: cells solved now.
        failures: cells that gave no run.
    """

    finished: list[Cell] = field(default_factory=list)
    damaged: list[Path] = field(default_factory=list)
    solved: list[Cell] = field(default_factory=list)
    failures: list[tuple[Cell, Failure]] = field(default_factory=list)


def pool_engine(workers: int, retries: int = RETRIES) -> Engine:
    """Solves cells on processes of this machine.

    Args:
        workers: processes, one thread each.
        retries: how many times a cell is tried again after its process died.
    """
    return lambda cells: perform(
        solve_cell,
        cells,
        workers,
        retries,
        modules=solver_modules(cell.solver for cell in cells),
    )


def missing(cells: Sequence[Cell], folder: Path) -> tuple[list[Cell], Sweep]:
    """Which of ``cells`` are not in the results folder yet, and a record of those that are.

    A damaged file, or one that holds another cell than its name says, counts as missing.

    Raises:
        DataError: if something that is no file is in the place of one, so that it cannot be
            written.
    """
    _check_places(cells, folder)
    waiting, sweep = [], Sweep()
    for cell in cells:
        path = find_cell(folder, cell.key)
        if path is None:
            waiting.append(cell)
            continue
        try:
            read_cell(path)
        except DataError:
            sweep.damaged.append(path)
            waiting.append(cell)
        else:
            sweep.finished.append(cell)
    return waiting, sweep


def _check_places(cells: Sequence[Cell], folder: Path) -> None:
    inside = folder / CELLS
    if inside.exists() and not inside.is_dir():
        raise DataError(f"{inside} must be a folder, for the cells' files: move it away")
    names = {f"{cell.key}{suffix}" for cell in cells for suffix in SUFFIXES}
    there = [path for path in inside.glob("*") if path.name in names]
    for path in (*there, folder / FAILURES):
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is no file, and one must be written there: move it away")


def run_sweep(
    cells: Sequence[Cell],
    folder: Path,
    engine: Engine,
    compress: bool = False,
    progress: Progress | None = None,
) -> Sweep:
    """Solves those of ``cells`` that are not in ``folder`` yet.

    Interrupted at any moment it leaves a folder that the next call goes on from.

    Args:
        cells: what to solve.
        folder: of the results.
        engine: who solves.
        compress: whether files are gzipped.
        progress: called with the number of cells that have ended: at the start, and then after
            each of them.

    Returns:
        What became of the cells; those that failed are listed, and tried again by the next call.

    Raises:
        DataError: as :func:`missing`, before anything is solved.
    """
    waiting, sweep = missing(cells, folder)
    _remove_leftovers(folder)
    if progress is not None:
        progress(len(sweep.finished))
    try:
        with closing(engine(waiting)) as outcomes:
            for index, result in outcomes:
                cell = waiting[index]
                if not isinstance(result, Failure):
                    result = _kept(folder, cell, result, compress)
                if isinstance(result, Failure):
                    sweep.failures.append((cell, result))
                else:
                    sweep.solved.append(cell)
                if progress is not None:
                    progress(len(cells) - len(waiting) + len(sweep.solved) + len(sweep.failures))
    finally:
        _write_failures(folder, sweep.failures)
    return sweep


def _kept(folder: Path, cell: Cell, run: Run, compress: bool) -> Run | Failure:
    """``run``, once it is in its cell's only file; a failure if it is of another cell."""
    try:
        write_cell(folder, cell, run, compress)
    except DataError as error:
        return Failure(error, traceback.format_exc())
    cell_path(folder, cell.key, not compress).unlink(missing_ok=True)
    return run


def _remove_leftovers(folder: Path) -> None:
    """Removes what a process left that was killed in the middle of writing."""
    written = (
        (folder / CELLS).glob(".*.tmp"),
        *(folder.glob(f".{n}.*.tmp") for n in (PLAN, FAILURES)),
    )
    for path in chain.from_iterable(written):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFTOVER:
                path.unlink()


def _write_failures(folder: Path, failures: Sequence[tuple[Cell, Failure]]) -> None:
    path = folder / FAILURES
    if not failures:
        path.unlink(missing_ok=True)
        return
    entries = [
        {"cell": cell.key, "run": cell.label, "error": describe(failure), "trace": failure.trace}
        for cell, failure in failures
    ]
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(entries, indent=1), encoding="utf-8")


def describe(failure: Failure) -> str:
    """The error of a failure in one line, e.g. ``"SolverError: reinforce needs choices"``."""
    first = (str(failure.error).splitlines() or [""])[0]
    return f"{type(failure.error).__name__}: {first}"
