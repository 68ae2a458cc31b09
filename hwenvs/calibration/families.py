"""What each family of problems does to a real network: the part of a calibration that differs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hwenvs.compression.channel_pruning import prune_channels, refit_readers
from hwenvs.compression.fine_grained import SparseLibrary
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.reference import Recipe, Reference
from hwenvs.errors import unknown_name
from hwenvs.hardware import Workload
from hwenvs.networks import (
    PERCENT,
    ChannelGroup,
    Network,
    WeightGroup,
    channel_groups,
    kept_channels,
    weight_groups,
)

Group = ChannelGroup | WeightGroup
Designs = NDArray[np.int64]
Floats = NDArray[np.float64]

KEEP_RATIOS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Fractions of channels at which a group is swept; finer where the divergence bends most."""


class Family(ABC):
    """How designs of a family are made real.

    Attributes:
        name: of the family.
        cost: what its designs save, in words.
        spread: smallest and largest cost of designs of all sizes, as fractions.
    """

    name: ClassVar[str]
    cost: ClassVar[str]
    spread: ClassVar[tuple[float, float]]

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

    @abstractmethod
    def compress(self, reference: Reference, design: Sequence[int]) -> FoldedNetwork:
        """The real network of a design."""

    @abstractmethod
    def alone(self, reference: Reference, index: int, count: int) -> FoldedNetwork:
        """The real network with one decision taken; layers before its readers stay as they are."""

    @abstractmethod
    def about(self, recipe: Recipe) -> str:
        """How the remaining weights are chosen, for the card."""


class ChannelPruning(Family):
    """Input channels of layers are removed."""

    name = "channel_pruning"
    cost = "MACs"
    spread = (0.3, 0.95)

    def groups(self, network: Network) -> tuple[Group, ...]:
        """The channel groups."""
        return channel_groups(network)

    def share(self, network: Network, designs: Designs) -> Floats:
        """Fraction of the multiply-accumulates."""
        ins, outs = kept_channels(network, designs)
        macs = Workload.make(network.layers, ins, outs).macs
        share: Floats = macs.sum(1) / network.macs
        return share

    def counts(self, group: Group) -> list[int]:
        """See :func:`sweep_counts`."""
        return sweep_counts(group.channels)

    def prepare(self, reference: Reference) -> None:
        """Orders all channels by importance."""
        for group in channel_groups(reference.folded.network):
            reference.order(group)

    def compress(self, reference: Reference, design: Sequence[int]) -> FoldedNetwork:
        """See :func:`hwenvs.compression.channel_pruning.prune_channels`."""
        return prune_channels(reference, design)

    def alone(self, reference: Reference, index: int, count: int) -> FoldedNetwork:
        """See :func:`hwenvs.compression.channel_pruning.refit_readers`."""
        group = channel_groups(reference.folded.network)[index]
        return refit_readers(reference, group, count)

    def about(self, recipe: Recipe) -> str:
        """The recipe in words."""
        return (
            f"{recipe.method} least squares, {recipe.points} pixels per image and layer, ridge "
            f"{recipe.ridge:g}, {recipe.rectified_steps} rectified steps; channels chosen by "
            f"{recipe.criterion}; forward passes in {recipe.precision}; no fine-tuning"
        )


class FineGrainedPruning(Family):
    """Single weights of layers are set to zero."""

    name = "fine_grained_pruning"
    cost = "weights"
    spread = (0.1, 0.6)
    step = 5
    """Percents between the densities of joint designs."""

    def __init__(self) -> None:
        self._library: SparseLibrary | None = None

    def groups(self, network: Network) -> tuple[Group, ...]:
        """The weight groups."""
        return weight_groups(network)

    def share(self, network: Network, designs: Designs) -> Floats:
        """Fraction of the weights that are not zero."""
        weights = np.array([network.layer(g.name).weights for g in weight_groups(network)])
        total = sum(layer.weights for layer in network.layers)
        share: Floats = 1.0 - ((PERCENT - designs) * weights).sum(1) / (PERCENT * total)
        return share

    def counts(self, group: Group) -> list[int]:  # noqa: ARG002
        """Densities in percent; finer where the divergence bends most."""
        return [5, 10, 15, 20, 30, 40, 50, 60, 80]

    def prepare(self, reference: Reference) -> None:
        """Prunes every layer to every density of joint designs."""
        library = self._of(reference)
        for group in weight_groups(reference.folded.network):
            for percent in range(self.step, PERCENT, self.step):
                library.weight(group, percent)

    def compress(self, reference: Reference, design: Sequence[int]) -> FoldedNetwork:
        """See :class:`hwenvs.compression.fine_grained.SparseLibrary`."""
        return self._of(reference).network(design)

    def alone(self, reference: Reference, index: int, count: int) -> FoldedNetwork:
        """One layer at ``count`` percent."""
        groups = weight_groups(reference.folded.network)
        design = [count if t == index else PERCENT for t in range(len(groups))]
        return self._of(reference).network(design)

    def about(self, recipe: Recipe) -> str:
        """The method in words."""
        return (
            "every layer by itself, one threshold a layer; each weight that goes is made up for "
            f"through the inverse Gram matrix of {recipe.points} pixels per image; forward passes "
            f"in {recipe.precision}; no fine-tuning"
        )

    def _of(self, reference: Reference) -> SparseLibrary:
        if self._library is None or self._library.reference is not reference:
            self._library = SparseLibrary(reference)
        return self._library


FAMILIES: dict[str, type[Family]] = {
    family.name: family for family in (ChannelPruning, FineGrainedPruning)
}
"""Families that can be measured, by name."""


def sweep_counts(channels: int, round_to: int = 1) -> list[int]:
    """Kept-channel counts to measure for a group, ascending, without ``channels`` itself."""
    counts = {max(round_to, round(ratio * channels / round_to) * round_to) for ratio in KEEP_RATIOS}
    return sorted(count for count in counts if count < channels)


def get_family(name: str) -> Family:
    """The family called ``name``.

    Raises:
        UnknownNameError: if it cannot be measured.
    """
    if name not in FAMILIES:
        raise unknown_name("family to measure", name, FAMILIES)
    return FAMILIES[name]()
