"""Sparse vectors as gaps: how many zeros come before each value, in few bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import ArgumentError, CodingError

Ints = NDArray[np.int64]


def to_gaps(positions: Ints, bits: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Gaps of ``bits`` bits, and which of them belong to filler zeros.

    A gap tells how many zeros come before a stored value, 0 to ``2**bits - 1``.  Where more do, a
    filler (a stored zero behind ``2**bits - 1`` zeros) comes first for every ``2**bits`` of them.

    Args:
        positions: ``[n]`` places of the values, ascending.
        bits: bits of a gap, 1 to 16.

    Raises:
        ArgumentError: if the bits are out of range.
    """
    if not 1 <= bits <= 16:
        raise ArgumentError(f"relative indexes have 1 to 16 bits, not {bits}")
    zeros = np.diff(positions, prepend=-1) - 1
    fillers = zeros >> bits
    ends = (fillers + 1).cumsum()
    gaps = np.full(int(ends[-1]) if len(ends) else 0, (1 << bits) - 1, dtype=np.int64)
    filler = np.ones(len(gaps), dtype=bool)
    gaps[ends - 1] = zeros & ((1 << bits) - 1)
    filler[ends - 1] = False
    return gaps, filler


def from_gaps(gaps: Ints, size: int) -> Ints:
    """Places of all stored values, fillers included.

    Args:
        gaps: as of :func:`to_gaps`.
        size: length of the vector.

    Raises:
        CodingError: if a place lies behind the end.
    """
    positions: Ints = (gaps + 1).cumsum() - 1
    if len(positions) and positions[-1] >= size:
        raise CodingError(f"an index lies behind the end of {size} values")
    return positions
