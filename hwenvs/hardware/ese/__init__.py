"""The Efficient Speech Recognition Engine (Han et al., FPGA 2017): exact and expected costs."""

from hwenvs.hardware.ese.chip import ESEChip
from hwenvs.hardware.ese.model import ESE
from hwenvs.hardware.ese.simulation import MatrixRun, StepRun, simulate_matrix, simulate_step
from hwenvs.hardware.ese.timing import fetched_bytes, pass_cycles, pass_rows, renewal_cycles

__all__ = [
    "ESE",
    "ESEChip",
    "MatrixRun",
    "StepRun",
    "fetched_bytes",
    "pass_cycles",
    "pass_rows",
    "renewal_cycles",
    "simulate_matrix",
    "simulate_step",
]
