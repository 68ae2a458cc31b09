"""What each family of problems does to a real network: the part of a calibration that differs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.reference import Recipe, Reference
from hwenvs.networks import Group, Network

Designs = NDArray[np.int64]
Floats = NDArray[np.float64]


class Family(ABC):
    """How designs of a family are made real.

    Attributes:
        name: of the family.
        cost: what its designs save, in words.
        spread: smallest and largest cost of designs of all sizes, as fractions.
        shrink: how strongly fitted weights are pulled towards the plain sum of the sweeps.
    """

    name: ClassVar[str]
    cost: ClassVar[str]
    spread: ClassVar[tuple[float, float]]
    shrink: ClassVar[float] = 0.1

    @abstractmethod
    def groups(self, network: Network) -> tuple[Group, ...]:
        """The decisions."""

    @abstractmethod
    def share(self, network: Network, designs: Designs) -> Floats:
        """Cost ``[B]`` of ``designs [B, T]`` as a fraction of the full network's."""

    @abstractmethod
    def counts(self, group: Group) -> list[int]:
        """Kept counts at which a decision is swept, ascending, everything excluded."""

    @abstractmethod
    def prepare(self, reference: Reference) -> None:
        """Computes what workers shall share."""

    def whole(self, reference: Reference) -> FoldedNetwork:
        """The real network that nothing is taken from."""
        return reference.folded

    @abstractmethod
    def compress(self, reference: Reference, design: Sequence[int]) -> FoldedNetwork:
        """The real network of a design."""

    @abstractmethod
    def alone(self, reference: Reference, index: int, count: int) -> FoldedNetwork:
        """The real network with one decision taken; layers before its readers stay as they are."""

    @abstractmethod
    def about(self, recipe: Recipe) -> str:
        """How the remaining weights are chosen, for the card."""
