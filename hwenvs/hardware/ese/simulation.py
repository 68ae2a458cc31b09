"""ESE on given matrices: every element's entries and queues, and the words of DRAM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwenvs.errors import ArgumentError
from hwenvs.hardware.eie import queue_cycles, stored_entries
from hwenvs.hardware.eie.simulation import Simulation, entries_without_fillers
from hwenvs.hardware.ese.chip import ESEChip
from hwenvs.hardware.ese.timing import fetched_bytes, pass_cycles, pass_rows, renewal_cycles


@dataclass(frozen=True)
class MatrixRun(Simulation):
    """What a multiplication with one vector took in each channel.

    Attributes:
        multiply: cycles that the elements alone would take.
        fetch: cycles that DRAM alone would take.
        weights: of the matrix, zeros included.
    """

    multiply: float
    fetch: float
    weights: int


@dataclass(frozen=True)
class StepRun:
    """One step of an LSTM, on all channels.

    Attributes:
        matrices: what the matrices took.
        renewal: cycles of the element-wise part that nothing hides.
        chip: the chip.
    """

    matrices: tuple[MatrixRun, ...]
    renewal: float
    chip: ESEChip

    @property
    def seconds(self) -> float:
        """Time of the step."""
        cycles = sum(run.cycles for run in self.matrices) + self.renewal
        return float(cycles / self.chip.clock)

    @property
    def balanced_seconds(self) -> float:
        """Time if all elements were always busy, with fillers: the paper's theoretical time."""
        return sum(run.balanced_seconds for run in self.matrices)

    @property
    def multiply_seconds(self) -> float:
        """Time of the matrices if DRAM were never late."""
        return sum(run.multiply for run in self.matrices) / self.chip.clock

    @property
    def operations_per_second(self) -> float:
        """Multiplications and additions of stored entries, of all channels together."""
        entries = sum(run.entries for run in self.matrices)
        return 2.0 * self.chip.channels * entries / self.seconds

    @property
    def dense_operations_per_second(self) -> float:
        """The same, counted as if no weight were zero."""
        weights = sum(run.weights for run in self.matrices)
        return 2.0 * self.chip.channels * weights / self.seconds


def simulate_matrix(
    matrix: Any,
    activations: ArrayLike | None = None,
    chip: ESEChip | None = None,
    weight_bits: float | None = None,
) -> MatrixRun:
    """Multiplies ``matrix`` with one vector in each channel.

    Args:
        matrix: ``[outputs, inputs]``, an array or one of scipy's sparse matrices.
        activations: ``[inputs]``; zeros are skipped.  By default there are none, as in an LSTM.
        chip: the chip; the paper's by default.
        weight_bits: bits of a stored weight; the chip's by default, and at most.

    Raises:
        ArgumentError: if shapes do not fit.
    """
    chip = chip or ESEChip()
    if len(getattr(matrix, "shape", ())) != 2:
        raise ArgumentError(f"a matrix [outputs, inputs] is wanted, not {type(matrix).__name__}")
    matrix = matrix.tocsr() if hasattr(matrix, "tocsr") else np.asarray(matrix)
    vector = np.ones(matrix.shape[1]) if activations is None else np.asarray(activations)
    if vector.shape != matrix.shape[1:]:
        raise ArgumentError(
            f"the matrix {matrix.shape} needs {matrix.shape[1]} activations, not {vector.shape}"
        )
    active = np.flatnonzero(vector)
    cycles = multiply = fetch = 0.0
    entries = 0
    for rows in pass_rows(matrix.shape[0], chip):
        stored = stored_entries(matrix[rows], chip.array)
        work = stored[active]
        busy = float(queue_cycles(work, chip.queue)) if len(active) else 0.0
        fullest = stored.sum(0, dtype=np.int64).max()
        brought = float(fetched_bytes(fullest, matrix.shape[1], chip, weight_bits))
        cycles += float(pass_cycles(busy, brought, chip))
        multiply, fetch = multiply + busy, fetch + brought * chip.clock / chip.bandwidth
        entries += int(work.sum(dtype=np.int64))
    fillers = entries - entries_without_fillers(matrix, active)
    weights = matrix.shape[0] * matrix.shape[1]
    return MatrixRun(cycles, entries, fillers, chip, multiply, fetch, weights)


def simulate_step(
    matrices: Sequence[Any],
    cells: int,
    chip: ESEChip | None = None,
    weight_bits: float | None = None,
) -> StepRun:
    """One step of an LSTM of ``cells`` cells.

    Args:
        matrices: ``[outputs, inputs]`` each: of the gates, together or one by one, and of the
            projection.
        cells: memory cells.
        chip: the chip; the paper's by default.
        weight_bits: see :func:`simulate_matrix`.

    Raises:
        ArgumentError: if a matrix is none.
    """
    chip = chip or ESEChip()
    runs = tuple(simulate_matrix(one, None, chip, weight_bits) for one in matrices)
    return StepRun(runs, float(renewal_cycles(cells, chip)), chip)
