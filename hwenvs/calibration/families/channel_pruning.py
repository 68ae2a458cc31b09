"""Channel pruning of real networks."""

from __future__ import annotations

from collections.abc import Sequence

from hwenvs.calibration.families.base import Designs, Family, Floats
from hwenvs.compression.channel_pruning import prune_channels, refit_readers
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.hardware import Workload
from hwenvs.networks import ChannelGroup, Group, Network, channel_groups, kept_channels

KEEP_RATIOS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Fractions of channels at which a group is swept; finer where the divergence bends most."""


class ChannelPruning(Family):
    """Input channels of layers are removed."""

    name = "channel_pruning"
    cost = "MACs"
    spread = (0.3, 0.95)

    def groups(self, network: Network) -> tuple[ChannelGroup, ...]:
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


def sweep_counts(channels: int, round_to: int = 1) -> list[int]:
    """Kept-channel counts to measure for a group, ascending, without ``channels`` itself."""
    counts = {max(round_to, round(ratio * channels / round_to) * round_to) for ratio in KEEP_RATIOS}
    return sorted(count for count in counts if count < channels)
