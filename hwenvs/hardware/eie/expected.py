"""Expected cycles of matrices with zeros at random: closed forms and one table.

An element stores of a column, on average over ``n`` rows of density ``d``,

    n d + sum_m d (1 - d)^(reach m) max(0, n - reach m)

entries: its weights, and a filler for every ``reach`` zeros in front of one.  Elements finish at
different times, and a full queue stalls all of them: how many cycles a column leaves the average
element idle is tabulated over ``n`` and ``d`` from the exact simulation of random matrices.  The
tables of EIE and of a channel of ESE come with the package; for other chips it is simulated once a
process.

    python -m hwenvs.hardware.eie.expected

writes it again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.files import replacing
from hwenvs.hardware.eie.chip import EIEChip
from hwenvs.hardware.eie.encoding import fill
from hwenvs.hardware.eie.simulation import queue_cycles

Floats = NDArray[np.float64]

TABLE = Path(__file__).with_name("idle.json")
ROWS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Rows per element that are simulated."""
DENSITIES = (
    0.0,
    0.01,
    0.02,
    0.03,
    0.05,
    0.07,
    0.1,
    0.15,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    1.0,
)
"""Densities that are simulated."""
COLUMNS = 1600
"""Columns of a simulated matrix; the first half fills the queues and is not counted."""
SEED = 0
SHIPPED = ((64, 8, 16), (32, 8, 16))
"""Elements, queue and reach of the chips whose tables come with the package: EIE, ESE."""


@dataclass(frozen=True, eq=False)
class IdleTable:
    """Cycles per column that the average element does not multiply in.

    Attributes:
        rows, densities: where it is known, ascending.
        idle: ``[rows, densities]``.
    """

    rows: Floats
    densities: Floats
    idle: Floats

    def __call__(self, rows: Floats, density: Floats) -> Floats:
        """Idle cycles at ``rows`` per element and ``density``, linear in between."""
        i, u = _place(self.rows, rows)
        j, v = _place(self.densities, density)
        table = self.idle
        low = table[i, j] * (1.0 - v) + table[i, j + 1] * v
        high = table[i + 1, j] * (1.0 - v) + table[i + 1, j + 1] * v
        between: Floats = low * (1.0 - u) + high * u
        return between


def entries_per_column(rows: ArrayLike, density: ArrayLike, reach: int) -> Floats:
    """Expected entries of an element in a column, fillers included.

    Args:
        rows: rows of the element; fractions stand for averages over elements.
        density: fraction of the weights that are not zero.
        reach: see :attr:`EIEChip.reach`.
    """
    rows, density = np.broadcast_arrays(np.asarray(rows, float), np.asarray(density, float))
    entries: Floats = rows * density
    zeros = (1.0 - density) ** reach
    chance = density * zeros
    for m in range(1, int(rows.max(initial=0.0)) // reach + 1):
        entries = entries + chance * np.maximum(rows - reach * m, 0.0)
        chance = chance * zeros
    return entries


def column_cycles(rows: ArrayLike, density: ArrayLike, chip: EIEChip) -> Floats:
    """Expected cycles that an activation takes when many follow one another.

    Args:
        rows: rows of the matrix per element, of the elements that have most.
        density: fraction of the weights that are not zero.
        chip: the chip.
    """
    rows, density = np.broadcast_arrays(np.asarray(rows, float), np.asarray(density, float))
    busy = entries_per_column(rows, density, chip.reach)
    cycles: Floats = np.maximum(busy + idle_table(chip)(rows, density), 1.0)
    return cycles


def idle_table(chip: EIEChip) -> IdleTable:
    """The table of ``chip``: read for the published ones, else simulated once a process."""
    key = chip.elements, chip.queue, chip.reach
    return _published(*key) if key in SHIPPED else _simulated(*key)


@lru_cache
def _published(elements: int, queue: int, reach: int) -> IdleTable:
    data = json.loads(TABLE.read_text(encoding="utf-8"))
    idle = np.array(data["idle"][SHIPPED.index((elements, queue, reach))])
    return IdleTable(np.array(data["rows"], float), np.array(data["densities"]), idle)


@lru_cache
def _simulated(elements: int, queue: int, reach: int) -> IdleTable:
    generator = np.random.Generator(np.random.PCG64(SEED))
    uniform = generator.random((ROWS[-1], COLUMNS, elements), dtype=np.float32)
    idle = np.empty((len(ROWS), len(DENSITIES)))
    for j, density in enumerate(DENSITIES):
        present = uniform < density
        for i, rows in enumerate(ROWS):
            work = fill(present[:rows], reach)
            half = COLUMNS // 2
            cycles = queue_cycles(work, queue) - queue_cycles(work[:half], queue)
            busy = work[half:].mean()
            idle[i, j] = max(float(cycles) / (COLUMNS - half) - busy, 0.0)
    return IdleTable(np.array(ROWS, float), np.array(DENSITIES, float), idle)


def _place(grid: Floats, values: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Cell of ``grid`` and place in it, at the ends beyond them."""
    cell = np.clip(np.searchsorted(grid, values, side="right") - 1, 0, len(grid) - 2)
    return cell, np.clip((values - grid[cell]) / (grid[cell + 1] - grid[cell]), 0.0, 1.0)


def main() -> None:
    """Simulates the published chips and writes :data:`TABLE`."""
    record = {
        "source": f"{COLUMNS} columns of random matrices, PCG64({SEED}); "
        "python -m hwenvs.hardware.eie.expected",
        "chips": [dict(zip(("elements", "queue", "reach"), key, strict=True)) for key in SHIPPED],
        "rows": list(ROWS),
        "densities": list(DENSITIES),
        "idle": [np.round(_simulated(*key).idle, 6).tolist() for key in SHIPPED],
    }
    with replacing(TABLE) as temporary:
        temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
