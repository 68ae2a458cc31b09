"""Joint designs to measure: spread over all sizes, random at equal budget, and near the optimum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwenvs.calibration.families import ChannelPruning, Family
from hwenvs.networks import Network

Designs = NDArray[np.int64]


class DesignSampler:
    """Draws designs of a network.

    Args:
        network: the layer table.
        floor: smallest kept fraction.
        round_to: kept channels are multiples of this.
        seed: of the random numbers.
        family: what designs decide; default: channel pruning.
    """

    def __init__(
        self,
        network: Network,
        floor: float,
        round_to: int,
        seed: int,
        family: Family | None = None,
    ) -> None:
        self.network, self.floor, self.round_to = network, floor, round_to
        self.family = family or ChannelPruning()
        self.channels = np.array([group.channels for group in self.family.groups(network)])
        self.random = np.random.default_rng(seed)

    def share(self, designs: Designs) -> NDArray[np.float64]:
        """Cost as a fraction of the full network's, ``[B]``."""
        return self.family.share(self.network, designs)

    def round(self, ratios: NDArray[np.float64]) -> Designs:
        """Kept channels for ratios ``[..., T]``, clipped to the floor and rounded."""
        step = np.minimum(self.round_to, self.channels)
        lowest = np.ceil(self.floor * self.channels / step - 1e-9) * step
        kept = np.round(ratios * self.channels / step) * step
        return self.family.snap(np.clip(kept, lowest, self.channels).astype(np.int64))

    def fit_budget(self, ratios: NDArray[np.float64], budget: float) -> Designs:
        """The largest common scaling of ``ratios [T]`` whose design costs at most ``budget``."""
        low, high = 0.0, 1.0 / max(float(ratios.min()), 1e-3)
        for _ in range(40):
            middle = (low + high) / 2
            fits = self.share(self.round(middle * ratios)[None])[0] <= budget
            low, high = (middle, high) if fits else (low, middle)
        return self.round(low * ratios)

    def random_design(self, budget: float) -> Designs:
        """A random design at ``budget``: a drift over depth plus independent noise per layer."""
        count = len(self.channels)
        spread = self.random.uniform(*self.family.variety)
        knots = self.random.normal(0, spread, 5)
        drift = np.interp(np.linspace(0, 4, count), np.arange(5), knots)
        ratios = np.exp(drift + self.random.normal(0, spread, count))
        return self.fit_budget(ratios, budget)

    def neighbour(self, design: Designs, budget: float, spread: float) -> Designs:
        """A random variation of ``design`` at ``budget``."""
        noise = self.random.normal(0, spread, len(self.channels))
        return self.fit_budget(design / self.channels * np.exp(noise), budget)
