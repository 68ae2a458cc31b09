"""The Efficient Inference Engine (Han et al., ISCA 2016): exact simulation and expected costs."""

from hwenvs.hardware.eie.chip import EIEChip, checked_density
from hwenvs.hardware.eie.encoding import stored_entries
from hwenvs.hardware.eie.expected import column_cycles, entries_per_column
from hwenvs.hardware.eie.model import EIE
from hwenvs.hardware.eie.simulation import Simulation, queue_cycles, simulate

__all__ = [
    "EIE",
    "EIEChip",
    "Simulation",
    "checked_density",
    "column_cycles",
    "entries_per_column",
    "queue_cycles",
    "simulate",
    "stored_entries",
]
