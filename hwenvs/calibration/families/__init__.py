"""What each family of problems does to a real network, by name."""

from __future__ import annotations

from hwenvs.calibration.families.base import Designs, Family, Floats
from hwenvs.calibration.families.bit_allocation import BitAllocation
from hwenvs.calibration.families.channel_pruning import ChannelPruning, sweep_counts
from hwenvs.calibration.families.deep_compression import DeepCompression
from hwenvs.calibration.families.fine_grained_pruning import FineGrainedPruning
from hwenvs.errors import unknown_name
from hwenvs.networks import Group

FAMILIES: dict[str, type[Family]] = {
    family.name: family
    for family in (ChannelPruning, FineGrainedPruning, BitAllocation, DeepCompression)
}
"""Families that can be measured, by name."""


def get_family(name: str) -> Family:
    """The family called ``name``.

    Raises:
        UnknownNameError: if it cannot be measured.
    """
    if name not in FAMILIES:
        raise unknown_name("family to measure", name, FAMILIES)
    return FAMILIES[name]()


__all__ = [
    "FAMILIES",
    "BitAllocation",
    "ChannelPruning",
    "DeepCompression",
    "Designs",
    "Family",
    "FineGrainedPruning",
    "Floats",
    "Group",
    "get_family",
    "sweep_counts",
]
