"""The Efficient Inference Engine as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hwenvs.errors import HardwareError
from hwenvs.hardware.figures import changed, check_figures, is_number

WIDEST_INDEX = 30
"""Bits of a relative index, at most: gaps are counted in integers of 32 bits."""


@dataclass(frozen=True)
class EIEChip:
    """An array of processing elements that multiply a sparse matrix with a sparse vector.

    Row ``i`` of the matrix belongs to element ``i mod elements``.  Figures are those of Han et al.
    (ISCA 2016) unless said otherwise.

    Attributes:
        elements: processing elements, each with one multiplier.
        clock: cycles per second.
        index_bits: bits of a relative row index; longer gaps store zeros in between.
        weight_bits: bits of a codebook index.
        pointer_bits: bits of a column pointer.
        queue: activations that wait in front of an element.
        matrix_bytes: SRAM for the matrix in each element.
        pointer_bytes: SRAM for column pointers in each element; no cost depends on it.
        activation_bytes: SRAM for activations in each element; no cost depends on it.
        pipeline: cycles from the broadcast of the last activation to its last result, work apart:
            pointer read, matrix read, arithmetic and write-back.
        word_bits: bits that a read of the matrix SRAM delivers.
        word_read: joules per such read.  64 bits from 128 KB; Horowitz (ISSCC 2014) has 20 pJ for
            32 KB and 100 pJ for 1 MB, between which it grows with the square root of the size.
        multiply_add: joules of a 16-bit fixed-point multiplication and addition (0.8 + 0.05 pJ;
            Horowitz's 8-bit figures, multiplication scaled with the square of the width).
        register_access: joules of reading and writing back an accumulator of 16 bits in a register
            file (an assumption: a tenth of a read of 16 bits from 8 KB of SRAM, each way).
        pointer_read: joules of reading two pointers of 16 bits from 32 KB (Horowitz: 10 pJ).

    Raises:
        HardwareError: if a figure is not positive and finite, or a count not whole.
    """

    elements: int = 64
    clock: float = 800e6
    index_bits: int = 4
    weight_bits: int = 4
    pointer_bits: int = 16
    queue: int = 8
    matrix_bytes: int = 128 * 1024
    pointer_bytes: int = 32 * 1024
    activation_bytes: int = 2 * 1024
    pipeline: int = 4
    word_bits: int = 64
    word_read: float = 40e-12
    multiply_add: float = 0.85e-12
    register_access: float = 0.5e-12
    pointer_read: float = 10e-12

    def __post_init__(self) -> None:
        check_figures("EIE", self)
        check_index_bits("EIE", self.index_bits)

    @property
    def reach(self) -> int:
        """Zeros after which a filler zero is stored: what an index cannot tell any more."""
        return int(2**self.index_bits)

    @property
    def entry_bytes(self) -> float:
        """Bytes of a stored weight and its index."""
        return (self.weight_bits + self.index_bits) / 8

    @property
    def capacity(self) -> int:
        """Bytes of matrices that fit on the chip."""
        return self.elements * self.matrix_bytes

    def changed(self, **changes: Any) -> EIEChip:
        """The chip with other figures.

        Raises:
            HardwareError: if it has no such figure.
        """
        return changed("EIE", self, EIEChip, changes)


def check_index_bits(hardware: str, bits: int) -> None:
    """Raises a :class:`HardwareError` if a relative index of ``bits`` bits is too wide."""
    if bits > WIDEST_INDEX:
        raise HardwareError(f"{hardware}: index_bits must be at most {WIDEST_INDEX}, not {bits!r}")


def checked_density(hardware: str, density: float) -> float:
    """The fraction of activations that are not zero.

    Raises:
        HardwareError: if it is no fraction above 0.
    """
    if not is_number(density) or not 0 < density <= 1:
        raise HardwareError(
            f"hardware {hardware!r}: activation_density must be a fraction above 0, not {density!r}"
        )
    return float(density)
