"""What each family of problems does to a real network: the part of a calibration that differs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.networks import Group, Network

Designs = NDArray[np.int64]
Floats = NDArray[np.float64]


class Family(ABC):
    """How designs of a family are made real.

    Attributes:
        name: of the family.
        cost: what its designs save, in words.
        spread: smallest and largest cost of designs of all sizes, as fractions.
        variety: least and most that random designs vary from layer to layer, standard deviations
            of the logarithm.
        shrink: how strongly fitted weights are pulled towards the plain sum of the sweeps.
    """

    name: ClassVar[str]
    cost: ClassVar[str]
    spread: ClassVar[tuple[float, float]]
    variety: ClassVar[tuple[float, float]] = (0.05, 0.35)
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

    def snap(self, designs: Designs) -> Designs:
        """``designs [..., T]`` moved to entries that there are."""
        return designs

    def best(
        self,
        network: Network,  # noqa: ARG002
        values: Sequence[Floats],  # noqa: ARG002
        budget: float,  # noqa: ARG002
    ) -> Designs | None:
        """The best design ``[T]`` of a table at ``budget``; None leaves it to a greedy search.

        Args:
            network: the layer table whose costs count.
            values: divergence per decision and kept count.
            budget: fraction of the cost.
        """
        return None

    def extras(self, reference: Reference) -> dict[str, np.ndarray]:  # noqa: ARG002
        """Further arrays of the table file."""
        return {}

    @abstractmethod
    def about(self, recipe: Recipe) -> str:
        """How the remaining weights are chosen, for the card."""


class Library(Protocol):
    """Layers of a network, compressed once."""

    reference: Reference


L = TypeVar("L", bound=Library)


class LibraryFamily(Family, Generic[L]):
    """A family whose networks are put together from layers that were compressed once.

    Args:
        make: makes the library of a full network.
    """

    def __init__(self, make: Callable[[Reference], L]) -> None:
        self._make = make
        self._library: L | None = None

    def library(self, reference: Reference) -> L:
        """The library of ``reference``, made when it is first asked for."""
        if self._library is None or self._library.reference is not reference:
            self._library = self._make(reference)
        return self._library
