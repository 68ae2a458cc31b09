"""Cells of a sweep: one solver on one environment with one seed, each in a file of its own.

A cell's configuration is canonical JSON, and its sha256 names the file ``cells/<sha256>.json`` (or
``.json.gz``) that holds the cell's :class:`Run`.  The record repeats the configuration, so a file
proves by itself that it is the cell it is named after.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hwenvs.canonical import canonical, digest, settled
from hwenvs.errors import DataError, SolverError
from hwenvs.files import replacing
from hwenvs.solving import ONE_DESIGN, Callback, get_solver, solve
from hwenvs.solving.checking import checked_run
from hwenvs.solving.records import Run

CELLS = "cells"
"""The folder of the cells' files in the folder of a sweep's results."""

CONFIGURATION = (
    "environment",
    "arguments",
    "solver",
    "hyperparameters",
    "seed",
    "evaluations",
)
"""What tells cells apart: attributes of :class:`Cell` and of :class:`Run`; and their ``files``."""

SUFFIXES = (".json", ".json.gz")
"""Of cells' files: plain and compressed."""


@dataclass(frozen=True)
class Cell:
    """One solver on one environment with one seed.

    Attributes:
        environment: registered id.
        arguments: of ``gym.make``, JSON-able.
        solver: its name, as records have it.
        hyperparameters: all of the solver's, JSON-able; defaults belong to the configuration too.
        given: those that replace the solver's defaults.
        seed: of the solver.
        evaluations: how many are allowed.
        maker: what makes the solver where that is not its name: ``package.module:Class``.
        files: sha256 of the files that the arguments name, by name: with other content it is
            another cell.
    """

    environment: str
    arguments: Mapping[str, Any]
    solver: str
    hyperparameters: Mapping[str, Any]
    given: Mapping[str, Any]
    seed: int
    evaluations: int
    maker: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """sha256 of the configuration, 64 hexadecimal digits."""
        return key_of(self)

    @property
    def label(self) -> str:
        """The cell in words, e.g. ``"ddpg on AMC-ResNet20-v0 (budget=0.4), seed 3"``."""
        return (
            f"{self.solver}{_listed(self.given)} on {self.environment}{_listed(self.arguments)}, "
            f"seed {self.seed}"
        )


def solve_cell(cell: Cell, callback: Callback | None = None) -> Run:
    """The run of ``cell``, as its file will be read.

    Its problem and optimum are kept for later cells of this process.

    Raises:
        SolverError: if the solver cannot work there, evaluates no design, or leaves a record that
            makes no sense.
    """
    solver = get_solver(cell.maker or cell.solver, **cell.given)
    run = solve(
        solver, cell.environment, cell.evaluations, cell.seed, callback, **dict(cell.arguments)
    )
    _ = run.best  # raises where nothing was evaluated: such a record helps nobody
    try:
        return checked_run(json.loads(json.dumps(vars(run))))
    except (TypeError, ValueError) as error:
        raise SolverError(f"it leaves a record that makes no sense: {error}") from error


def cell_path(folder: Path, key: str, compress: bool = False) -> Path:
    """Where the cell ``key`` belongs in the results folder ``folder``."""
    return folder / CELLS / f"{key}{SUFFIXES[compress]}"


def find_cell(folder: Path, key: str) -> Path | None:
    """The file of the cell ``key``, compressed or not; None if there is none."""
    paths = (cell_path(folder, key, compress) for compress in (False, True))
    return next((path for path in paths if path.is_file()), None)


def write_cell(folder: Path, cell: Cell, run: Run, compress: bool = False) -> Path:
    """Writes the run of ``cell`` in one atomic step and returns its path.

    Raises:
        DataError: if ``run`` is not of ``cell``.
    """
    path = cell_path(folder, cell.key, compress)
    if key_of(run) != cell.key:
        changed = "" if run.files == cell.files else ": a file that it names was changed meanwhile"
        raise DataError(f"{path}: the run that belongs there is not one of {cell.label}{changed}")
    content = json.dumps(asdict(run)).encode()
    with replacing(path) as temporary:
        # Without the time of writing: equal runs make equal files.
        temporary.write_bytes(gzip.compress(content, mtime=0) if compress else content)
    return path


def read_cell(path: Path) -> Run:
    """The run in a cell's file.

    Raises:
        DataError: if the file is damaged, or holds another cell than its name says.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        run = checked_run(json.loads(content))
        key = key_of(run)
    except (OSError, EOFError, ValueError, TypeError, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}; sweep again to redo it") from error
    if path.name.partition(".")[0] != key:
        raise DataError(f"{path} holds another cell than its name says: move it away")
    return run


def read_cells(folder: Path) -> list[Run]:
    """All runs in the results folder of a sweep, ordered by environment, solver and seed.

    Args:
        folder: with the folder ``cells`` in it.

    Raises:
        DataError: if there is no finished cell, or a file that is damaged or foreign.
    """
    inside = folder / CELLS
    paths = sorted(path for suffix in SUFFIXES for path in inside.glob(f"*{suffix}"))
    if not paths:
        raise DataError(f"{folder} has no finished cells: there is no {inside.name}/*.json in it")
    # Where a cell lies there twice, plain and compressed, the file that a sweep looks at counts.
    files = {path.name.partition(".")[0]: path for path in reversed(paths)}
    return sorted((read_cell(path) for path in files.values()), key=_order)


def _order(run: Run) -> tuple[Any, ...]:
    settings = canonical([run.arguments, run.hyperparameters])
    return (run.environment, run.solver, settings, run.seed, run.evaluations)


def key_of(source: Cell | Run) -> str:
    """sha256 of the configuration: equal for what would be made alike."""
    return digest(_configuration(source))


def identity_of(source: Cell | Run) -> str:
    """sha256 that is equal for what comes to the same, however its numbers are written.

    Solvers without any chance make one design, whatever seed and evaluations they are given.
    """
    whole = {name: settled(value) for name, value in _configuration(source).items()}
    if source.solver in ONE_DESIGN:
        whole.update(seed=0, evaluations=1)
    return digest(whole)


def _configuration(source: Cell | Run) -> dict[str, Any]:
    names = (*CONFIGURATION, "files") if source.files else CONFIGURATION
    values = {name: getattr(source, name) for name in names}
    return {k: dict(v) if isinstance(v, Mapping) else v for k, v in values.items()}


def _listed(values: Mapping[str, Any]) -> str:
    """``" (a=1, b=2)"``; nothing if there is nothing to list."""
    listed = ", ".join(f"{name}={value}" for name, value in values.items())
    return f" ({listed})" if listed else ""
