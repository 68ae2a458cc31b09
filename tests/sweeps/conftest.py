"""Sweeps small enough to be run many times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hwenvs.solving.records import Run
from hwenvs.sweeps.cells import CELLS, Cell, solve_cell
from hwenvs.sweeps.plan import Plan
from hwenvs.sweeps.sweep import Outcomes

ID = "AMC-ResNet20-v0"

SMALL: dict[str, Any] = {
    "environments": [ID],
    "solvers": ["random", "uniform"],
    "seeds": 3,
    "evaluations": 10,
}

WritePlan = Callable[..., Path]
MakeCells = Callable[..., list[Cell]]


@pytest.fixture
def write_plan(tmp_path: Path) -> WritePlan:
    """Writes a small sweep, with some of its fields replaced."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "sweep.yaml"
        path.write_text(yaml.safe_dump({**SMALL, **changes}))
        return path

    return write


@pytest.fixture
def make_cells() -> MakeCells:
    """Cells of a small sweep, with some of its fields replaced."""
    return lambda **changes: Plan.model_validate({**SMALL, **changes}).cells()


def here(cells: Any) -> Outcomes:
    """The plainest engine: this process."""
    for index, cell in enumerate(cells):
        yield index, solve_cell(cell)


def same(first: list[Run], second: list[Run]) -> bool:
    return [(r.solver, r.seed, r.designs) for r in first] == [
        (r.solver, r.seed, r.designs) for r in second
    ]


def stamps(folder: Path) -> dict[str, int]:
    """When each cell's file was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / CELLS).iterdir()}
