"""The Efficient Speech Recognition Engine as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hwenvs.hardware.eie import EIEChip
from hwenvs.hardware.eie.chip import check_index_bits
from hwenvs.hardware.figures import changed, check_figures


@dataclass(frozen=True)
class ESEChip:
    """Channels that run one sequence each, with processing elements that share a sparse matrix.

    A channel works like EIE: row ``i`` of a matrix belongs to element ``i mod elements``.  Weights
    stay in DRAM and come in once for all channels, which run in step.  Figures are those of Han et
    al. (FPGA 2017) unless said otherwise.

    Attributes:
        channels: sequences at a time.
        elements: processing elements of a channel, each with one multiplier.
        clock: cycles per second.
        weight_bits: bits of a weight, at most.
        index_bits: bits of a relative row index; longer gaps store zeros in between.
        pointer_bits: bits of a column pointer (EIE's).
        queue: activations that wait in front of an element (EIE's; the paper tries 1 to 16).
        accumulators: rows that an element adds up at a time: one gate of 1,024 cells on 32
            elements.  Matrices of more rows run in several passes.
        bandwidth: bytes per second from DRAM.  An assumption: one 64-bit channel of DDR3-1600,
            whose controller hands over 512 bits a cycle at 200 MHz: 16 bits for each element.
        multipliers: of the element-wise unit of a channel (recalled).
        pipeline: cycles from the last operand of a matrix or of an element-wise product to its last
            result (EIE's).
        power: watts of the board.

    Raises:
        HardwareError: if a figure is not positive and finite, or a count not whole.
    """

    channels: int = 32
    elements: int = 32
    clock: float = 200e6
    weight_bits: int = 12
    index_bits: int = 4
    pointer_bits: int = 16
    queue: int = 8
    accumulators: int = 32
    bandwidth: float = 12.8e9
    multipliers: int = 16
    pipeline: int = 4
    power: float = 41.0

    def __post_init__(self) -> None:
        check_figures("ESE", self)
        check_index_bits("ESE", self.index_bits)

    @cached_property
    def array(self) -> EIEChip:
        """The elements of one channel, as EIE has them."""
        return EIEChip(
            elements=self.elements,
            clock=self.clock,
            index_bits=self.index_bits,
            weight_bits=self.weight_bits,
            queue=self.queue,
            pipeline=self.pipeline,
        )

    @property
    def rows(self) -> int:
        """Rows of a matrix that are multiplied in one pass."""
        return self.elements * self.accumulators

    @property
    def peak(self) -> float:
        """Operations per second when every element always multiplies; an addition counts too."""
        return 2.0 * self.channels * self.elements * self.clock

    def changed(self, **changes: Any) -> ESEChip:
        """The chip with other figures.

        Raises:
            HardwareError: if it has no such figure.
        """
        return changed("ESE", self, ESEChip, changes)
