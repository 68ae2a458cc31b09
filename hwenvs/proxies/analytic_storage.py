"""The analytic table of deep compression: Gaussian weights, and nothing measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hwenvs.networks import CODEBOOK_BITS, FLOAT_BITS, PERCENT, Network, storage_groups
from hwenvs.networks.storage import CODEBOOK, DENSITY
from hwenvs.proxies.analytic import (
    CONSTANTS,
    PUBLISHED_TOP1,
    UNKNOWN_BASELINE,
    accuracy_curve,
    analytic_card,
    reach_of,
)
from hwenvs.proxies.surrogate import SurrogateProxy, Sweep


def analytic_storage(network: Network) -> SurrogateProxy:
    """The analytic table of deep compression for ``network``."""
    reach = reach_of(network)
    percents = np.arange(1, PERCENT + 1)
    bits = np.array([*CODEBOOK_BITS, FLOAT_BITS])
    lost = {DENSITY: (percents, pruned_energy(percents / PERCENT)), CODEBOOK: (bits, shared(bits))}
    sweeps = []
    for group in storage_groups(network):
        kept, energy = lost[group.kind]
        sweeps.append(Sweep(group.name, group.channels, kept, reach[group.layer] * energy))
    baseline, source = PUBLISHED_TOP1.get(network.name, UNKNOWN_BASELINE)
    card = replace(
        analytic_card(network, baseline, source),
        family="deep_compression",
        command="none: hwenvs.proxies.analytic.analytic_storage",
        reconstruction="none",
        notes=(
            "Made from the layer table alone. Weights are taken as Gaussian: the smallest ones, "
            "which go, and the rounding to an optimal codebook lose a share of the energy, "
            "weighted with the share of the residual stream that passes through the layer; "
            "accuracy falls like 1/(1 + (D/D0)^2), "
            f"D0 = {CONSTANTS.half_divergence}. Baseline {baseline:.2%}: {source}."
        ),
    )
    zeros = np.zeros(len(sweeps))
    return SurrogateProxy(sweeps, zeros, accuracy_curve(network, baseline), card)


def pruned_energy(density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energy that Gaussian weights lose when only the ``density`` largest stay."""
    x = np.linspace(0.0, 8.0, 80_001)
    bell = np.exp(-x * x / 2)
    above = 1.0 - np.cumsum(bell) / bell.sum()
    energy = np.cumsum(x * x * bell) / (x * x * bell).sum()
    lost = np.interp(density, above[::-1], energy[::-1])
    rounded: NDArray[np.float64] = np.rint(np.where(density < 1.0, lost, 0.0) * 1e9) / 1e9
    return rounded


def shared(bits: NDArray[np.int64]) -> NDArray[np.float64]:
    """Energy lost to a codebook of ``bits``: sqrt(3) pi / 2 4^-b (Panter and Dite, 1951)."""
    lost = np.sqrt(3.0) * np.pi / 2 * 0.25**bits
    rounded: NDArray[np.float64] = np.rint(np.where(bits < FLOAT_BITS, lost, 0.0) * 1e9) / 1e9
    return rounded
