"""Which element stores how much: interleaved rows, relative indexes and filler zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import ArgumentError
from hwenvs.hardware.eie.chip import EIEChip

Ints = NDArray[np.int64]


def stored_entries(
    matrix: Any, chip: EIEChip, columns: ArrayLike | None = None
) -> NDArray[np.int32]:
    """Entries that every element stores of every column, fillers included, ``[columns, elements]``.

    Within an element a column is a list of (weight, zeros before it); where more than
    ``chip.reach - 1`` zeros come first, a zero is stored for every ``chip.reach`` of them.  Zeros
    behind the last weight are not stored.

    Args:
        matrix: ``[outputs, inputs]``: an array, or anything with ``tocsc`` such as a sparse matrix
            of scipy's.
        chip: the chip.
        columns: which columns, as indices or a mask; all by default.

    Raises:
        ArgumentError: if the matrix has not two dimensions.
    """
    if len(getattr(matrix, "shape", ())) != 2:
        raise ArgumentError(f"a matrix [outputs, inputs] is wanted, not {type(matrix).__name__}")
    rows, inputs = matrix.shape
    chosen = np.arange(inputs) if columns is None else _indices(columns, inputs)
    depth = -(-rows // chip.elements)
    present = np.zeros((depth, len(chosen), chip.elements), dtype=bool)
    at, column = _nonzeros(matrix, chosen)
    present[at // chip.elements, column, at % chip.elements] = True
    return fill(present, chip.reach)


def fill(present: NDArray[np.bool_], reach: int) -> NDArray[np.int32]:
    """Entries ``[columns, elements]`` of weights ``[rows per element, columns, elements]``."""
    # Row by row, so that one pass needs a few small arrays only, which stay in cache.
    entries = np.zeros(present.shape[1:], dtype=np.int32)
    gap = np.zeros(present.shape[1:], dtype=np.int32)
    for row in present:
        entries += row * (1 + gap // reach)
        gap += 1
        gap[row] = 0
    return entries


def _nonzeros(matrix: Any, chosen: Ints) -> tuple[Ints, Ints]:
    """Rows of the non-zeros, and for each the position of its column among ``chosen``."""
    if not hasattr(matrix, "tocsc"):
        column, row = np.nonzero(np.asarray(matrix).T[chosen])
        return row, column
    sparse = matrix.tocsc()
    starts, ends = sparse.indptr[chosen], sparse.indptr[chosen + 1]
    counts = (ends - starts).astype(np.int64)
    column = np.repeat(np.arange(len(chosen)), counts)
    first = np.concatenate([[0], counts.cumsum()[:-1]])
    place = np.arange(counts.sum()) + np.repeat(starts - first, counts)
    stored = sparse.data[place] != 0
    return sparse.indices[place][stored].astype(np.int64), column[stored]


def _indices(columns: ArrayLike, inputs: int) -> Ints:
    array = np.asarray(columns)
    if array.dtype == bool:
        if array.shape != (inputs,):
            raise ArgumentError(f"a mask of {inputs} columns is wanted, not {array.shape}")
        return np.flatnonzero(array)
    return array.astype(np.int64)
