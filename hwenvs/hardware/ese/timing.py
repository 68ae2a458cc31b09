"""What a pass over a matrix takes: the formulas that the simulation and the expected values share.

The elements multiply while DRAM delivers: a pass takes the longer of the two.  A word of DRAM holds
one entry of every element, so a matrix is as long as the list of its fullest element.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.hardware.ese.chip import ESEChip

Floats = NDArray[np.float64]


def pass_rows(rows: int, chip: ESEChip) -> list[slice]:
    """Rows of every pass over a matrix."""
    return [slice(at, min(at + chip.rows, rows)) for at in range(0, rows, chip.rows)]


def fetched_bytes(
    entries: ArrayLike, columns: ArrayLike, chip: ESEChip, weight_bits: ArrayLike | None = None
) -> Floats:
    """Bytes that a pass brings in: entries, padded to the fullest element's, and pointers.

    Args:
        entries: of the fullest element, fillers included.
        columns: of the matrix.
        chip: the chip.
        weight_bits: bits of a weight; the chip's by default, and at most.
    """
    width = np.minimum(chip.weight_bits if weight_bits is None else weight_bits, chip.weight_bits)
    pointers = (np.asarray(columns, float) + 1.0) * chip.pointer_bits
    bits: Floats = np.asarray(entries, float) * (width + chip.index_bits) + pointers
    return chip.elements * bits / 8.0


def pass_cycles(multiply: ArrayLike, fetched: ArrayLike, chip: ESEChip) -> Floats:
    """Cycles of a pass whose multiplications take ``multiply`` cycles on ``fetched`` bytes."""
    fetch = np.asarray(fetched, float) * (chip.clock / chip.bandwidth)
    cycles: Floats = np.maximum(np.asarray(multiply, float), fetch) + chip.pipeline
    return cycles


def renewal_cycles(cells: ArrayLike, chip: ESEChip) -> Floats:
    """Cycles until the new output of a cell can be read, after its last matrix.

    Gates are applied while later gates are multiplied; for the last one, additions, look-ups of
    sigmoid and tanh and the products follow one another in a pipeline as wide as the element-wise
    unit, and nothing else can run: the projection, or the next step, reads the result.
    """
    cycles: Floats = np.ceil(np.asarray(cells, float) / chip.multipliers) + chip.pipeline
    return cycles
