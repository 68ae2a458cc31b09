"""What designs cost: hardware models and the workload they are asked about."""

from __future__ import annotations

from hwenvs.hardware.base import (
    COST_UNITS,
    DEFINITIONS,
    MAXIMA,
    CheckedHardware,
    Costs,
    HardwareModel,
    aggregate,
)
from hwenvs.hardware.bismo import BitSerial, BitSerialChip
from hwenvs.hardware.bitfusion import BitFusion, BitFusionChip
from hwenvs.hardware.counts import Counts
from hwenvs.hardware.device import DeviceModel
from hwenvs.hardware.eie import EIE, EIEChip
from hwenvs.hardware.energy import EnergyTable, HorowitzEnergy
from hwenvs.hardware.ese import ESE, ESEChip
from hwenvs.hardware.lookup import LookupModel
from hwenvs.hardware.presets import PRESETS, Preset
from hwenvs.hardware.registry import HardwareRow, get_hardware, list_hardware
from hwenvs.hardware.roofline import RooflineModel
from hwenvs.hardware.systolic import Systolic, SystolicChip
from hwenvs.hardware.workload import Workload

__all__ = [
    "COST_UNITS",
    "DEFINITIONS",
    "EIE",
    "ESE",
    "MAXIMA",
    "PRESETS",
    "BitFusion",
    "BitFusionChip",
    "BitSerial",
    "BitSerialChip",
    "CheckedHardware",
    "Costs",
    "Counts",
    "DeviceModel",
    "EIEChip",
    "ESEChip",
    "EnergyTable",
    "HardwareModel",
    "HardwareRow",
    "HorowitzEnergy",
    "LookupModel",
    "Preset",
    "RooflineModel",
    "Systolic",
    "SystolicChip",
    "Workload",
    "aggregate",
    "get_hardware",
    "list_hardware",
]
