"""What is profiled: a network that is pruned, or a search space whose blocks choose operators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.errors import unknown_name
from hwenvs.hardware import Workload
from hwenvs.networks import SPACES, ZOO, Network, Space, get_network, get_space, kept_channels
from hwenvs.networks.spaces import SPREAD
from hwenvs.profiling.designs import (
    Designs,
    grid_designs,
    latin_designs,
    pruned_shape,
    random_designs,
    whole_shape,
)

BLOCKS = (1, 2, 4, 8, 16, 32, 64)
"""Channels that a runtime may work on together."""

LEVELS = 8
"""Widths of each group of channels by default."""

SIGHTINGS = 4
"""Times that every operator of every block is seen by default."""


class Subject(ABC):
    """Designs to measure, and the networks that they stand for.

    Attributes:
        name: of the network or the search space.
        options: how its grid is made; belongs to the settings of a measurement.
        blocks: of how many channels a runtime's blocks may be.
    """

    name: str
    options: Mapping[str, int]
    blocks: tuple[int, ...]

    @abstractmethod
    def grid(self, seed: int) -> Designs:
        """Designs [D, T] that show every layer in all that it can be."""

    @abstractmethod
    def random(self, count: int, seed: int) -> Designs:
        """Random designs [count, T]."""

    @abstractmethod
    def workload(self, design: Designs) -> Workload:
        """The layers of ``design`` [T] and their channels, as a batch of one."""

    @abstractmethod
    def folded(self, design: Designs) -> FoldedNetwork:
        """A network of the shape of ``design`` [T] to run."""


class PrunedNetwork(Subject):
    """A network whose channels are pruned.

    Args:
        network: the layer table.
        levels: widths of each group of channels; the grid has as many designs squared.

    Raises:
        ArgumentError: if the network cannot be profiled.
    """

    blocks = BLOCKS

    def __init__(self, network: Network, levels: int = LEVELS) -> None:
        self.network, self.name, self.options = network, network.name, {"levels": levels}
        self._grid = grid_designs(network, levels)

    def grid(self, seed: int) -> Designs:  # noqa: ARG002 - every pair of widths, whatever the seed
        """See :func:`~hwenvs.profiling.designs.grid_designs`."""
        return self._grid

    def random(self, count: int, seed: int) -> Designs:
        """See :func:`~hwenvs.profiling.designs.random_designs`."""
        return random_designs(self.network, count, seed)

    def workload(self, design: Designs) -> Workload:
        """The network's layers with the channels that ``design`` keeps."""
        return Workload.make(self.network.layers, *kept_channels(self.network, design[None]))

    def folded(self, design: Designs) -> FoldedNetwork:
        """See :func:`~hwenvs.profiling.designs.pruned_shape`."""
        return pruned_shape(self.network, design)


class Architectures(Subject):
    """A search space.

    Args:
        space: the search space.
        sightings: times that every operator of every block is seen, at least.
    """

    # Every layer is asked about in a width that it was measured in: there is nothing to fill.
    blocks = (1,)

    def __init__(self, space: Space, sightings: int = SIGHTINGS) -> None:
        self.space, self.name, self.options = space, space.name, {"sightings": sightings}
        self._sightings = sightings

    def grid(self, seed: int) -> Designs:
        """See :func:`~hwenvs.profiling.designs.latin_designs`."""
        return latin_designs(self.space, self._sightings, seed)

    def random(self, count: int, seed: int) -> Designs:
        """Random architectures, small and large ones among them."""
        return self.space.sample(count, seed, SPREAD)

    def workload(self, design: Designs) -> Workload:
        """The layers of an architecture."""
        return Workload.of(self.space.network(design))

    def folded(self, design: Designs) -> FoldedNetwork:
        """An architecture with random weights."""
        return whole_shape(self.space.network(design))


def get_subject(name: str, levels: int = LEVELS, sightings: int = SIGHTINGS) -> Subject:
    """The network or search space called ``name``.

    Args:
        name: of the zoo or among the search spaces.
        levels: of a network, see :class:`PrunedNetwork`.
        sightings: of a search space, see :class:`Architectures`.

    Raises:
        UnknownNameError: if there is none; the message suggests the nearest.
        ArgumentError: if the network cannot be profiled.
    """
    if name in SPACES:
        return Architectures(get_space(name), sightings)
    if name in ZOO:
        return PrunedNetwork(get_network(name), levels)
    raise unknown_name("network or search space", name, {*ZOO, *SPACES})
