"""What operations and reads cost in energy: Horowitz's figures, and a model made of them."""

from __future__ import annotations

from dataclasses import dataclass

from hwenvs.errors import HardwareError
from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.figures import check_figures, is_number
from hwenvs.hardware.workload import FloatArray, Workload

PICO = 1e-12


@dataclass(frozen=True)
class EnergyTable:
    """Energy per operation at 45 nm and 0.9 V, in joules.

    Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014.

    Attributes:
        multiply: an 8-bit integer multiplication; energy grows with the product of the widths
            (32 bits: 3.1 pJ, 15.5 times as much).
        add: a 32-bit integer addition.
        sram_bit: a bit read from a 32 KB SRAM.
        dram_bit: a bit read from or written to DRAM.

    Raises:
        HardwareError: if one is negative or not finite.
    """

    multiply: float = 0.2 * PICO
    add: float = 0.1 * PICO
    sram_bit: float = 10.0 / 32 * PICO
    dram_bit: float = 640.0 / 32 * PICO

    def __post_init__(self) -> None:
        check_figures("energy table", self, may_be_zero=self.__dataclass_fields__)


HOROWITZ = EnergyTable()


class HorowitzEnergy(HardwareModel):
    """Energy of one image on a plain accelerator at 45 nm.

    Per layer::

        energy = MACs * (multiply * w * a / 64 + add)
               + MACs * (w + a) / reuse * sram_bit
               + (weights * w + (input + output) * a) * dram_bit

    with ``w`` and ``a`` bits of a weight and of an activation.  Every number is moved from or to
    DRAM once, and read from SRAM once in ``reuse`` operations (the side of a square array that
    passes operands on).

    Args:
        table: energy per operation.
        reuse: operations per SRAM read.

    Raises:
        HardwareError: if the table is none, or the reuse is not positive and finite.
    """

    name = "horowitz"
    source = "Horowitz, ISSCC 2014 (45 nm, 0.9 V); reuse of 16 operations per SRAM read assumed"
    quantities = ("energy",)
    monotone = True

    def __init__(self, table: EnergyTable = HOROWITZ, reuse: float = 16.0) -> None:
        if not isinstance(table, EnergyTable):
            raise HardwareError(
                f"hardware {self.name!r}: table must be an EnergyTable, not {table!r}"
            )
        if not is_number(reuse) or reuse <= 0:
            raise HardwareError(
                f"hardware {self.name!r}: reuse must be positive and finite, not {reuse!r}"
            )
        self.table, self.reuse = table, float(reuse)

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Energy of every layer, [B, L]."""
        table, w, a = self.table, workload.weight_bits, workload.activation_bits
        arithmetic = table.multiply * (w * a / 64.0) + table.add
        operand = (w + a) / self.reuse * table.sram_bit
        moved = dram_bits(workload)
        return {"energy": workload.macs * (arithmetic + operand) + moved * table.dram_bit}


def dram_bits(workload: Workload, images: int = 1) -> FloatArray:
    """Bits of weights, and of inputs and outputs of ``images`` images, [B, L].

    Outputs count at the layer's own activation bits.
    """
    elements = (workload.input_elements + workload.output_elements) * float(images)
    bits: FloatArray = workload.weights * workload.weight_bits + elements * workload.activation_bits
    return bits
