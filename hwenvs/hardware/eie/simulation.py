"""Cycle by cycle: elements with queues, and a broadcast that waits for the fullest.

Activation ``k`` is broadcast at cycle ``b[k]``; element ``p`` starts on it at ``s[p, k]`` and works
on it for ``w[p, k]`` cycles, one a stored entry, and at least one to read its pointers:

    s[p, k] = max(b[k], s[p, k - 1] + w[p, k - 1])
    b[k]    = max(b[k - 1] + 1, max_p s[p, k - queue])

because an activation can only be sent when every queue has a place left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import ArgumentError
from hwenvs.hardware.eie.chip import EIEChip
from hwenvs.hardware.eie.encoding import stored_entries


class Clocked(Protocol):
    """Elements that do one multiplication a cycle."""

    @property
    def elements(self) -> int:
        """Number of them."""
        ...

    @property
    def clock(self) -> float:
        """Cycles a second."""
        ...


@dataclass(frozen=True)
class Simulation:
    """What a multiplication took.

    Attributes:
        cycles: all cycles.
        entries: entries that were multiplied, fillers included.
        fillers: those of them that are fillers.
        chip: the chip.
    """

    cycles: float
    entries: int
    fillers: int
    chip: Clocked

    @property
    def seconds(self) -> float:
        """Time."""
        return self.cycles / self.chip.clock

    @property
    def balanced_seconds(self) -> float:
        """Time if all elements were always busy: the paper's theoretical time."""
        return self.entries / self.chip.elements / self.chip.clock

    @property
    def balance(self) -> float:
        """Fraction of the elements' cycles in which they multiply."""
        return self.entries / self.chip.elements / self.cycles


def simulate(matrix: Any, activations: ArrayLike, chip: EIEChip | None = None) -> Simulation:
    """Multiplies ``matrix`` with one vector.

    Args:
        matrix: ``[outputs, inputs]``, dense or of scipy's sparse kinds; zeros are skipped.
        activations: ``[inputs]``; zeros are skipped.
        chip: the chip; the paper's by default.

    Raises:
        ArgumentError: if shapes do not fit.
    """
    chip = chip or EIEChip()
    vector = np.asarray(activations)
    if vector.ndim != 1 or vector.shape[0] != matrix.shape[-1]:
        raise ArgumentError(
            f"the matrix {matrix.shape} needs {matrix.shape[-1]} activations, not {vector.shape}"
        )
    active = np.flatnonzero(vector)
    entries = stored_entries(matrix, chip, active)
    weights = entries_without_fillers(matrix, active)
    total = int(entries.sum())
    cycles = int(queue_cycles(entries, chip.queue)) + chip.pipeline
    return Simulation(cycles, total, total - weights, chip)


def entries_without_fillers(matrix: Any, active: NDArray[np.int64]) -> int:
    """Non-zeros in the active columns."""
    if hasattr(matrix, "tocsc"):
        return int((matrix.tocsc()[:, active]).count_nonzero())
    return int(np.count_nonzero(np.asarray(matrix)[:, active]))


def queue_cycles(work: NDArray[np.integer[Any]], queue: int) -> NDArray[np.int64]:
    """Cycles until all elements are done.

    Args:
        work: entries per activation and element, ``[K, elements]``, or ``[K, B, elements]`` for B
            vectors of equally many activations.
        queue: places in front of every element.

    Returns:
        ``[]`` or ``[B]``.
    """
    busy = np.maximum(work, 1).astype(np.int64)
    batch = busy.shape[1:-1]
    free = np.zeros(busy.shape[1:], dtype=np.int64)
    sent = np.full(batch, -1, dtype=np.int64)
    latest = np.zeros((len(busy), *batch), dtype=np.int64)
    for k, cycles in enumerate(busy):
        sent = np.maximum(sent + 1, latest[k - queue]) if k >= queue else sent + 1
        np.maximum(free, sent[..., None], out=free)
        latest[k] = free.max(-1)
        free += cycles
    last: NDArray[np.int64] = free.max(-1)
    return last
