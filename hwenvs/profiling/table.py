"""From measurements of layers to the table that the ``device`` hardware model reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.hardware import Workload
from hwenvs.hardware.device import FORMAT, GEOMETRY, DeviceModel
from hwenvs.networks import Layer, Network, kept_channels

Seconds = NDArray[np.float64]
Designs = NDArray[np.int64]

BLOCKS = (1, 2, 4, 8, 16, 32, 64)
"""Channels that a runtime may work on together."""


def summary(rounds: Seconds) -> tuple[float, float]:
    """Median and spread of what was measured in several rounds.

    Args:
        rounds: [rounds, 3] lower quartile, median and upper quartile of the repetitions.

    Returns:
        The median of the calmest round, and its distance between the quartiles: in the others,
        programs beside this one took part.
    """
    lower, median, upper = rounds[np.argmin(rounds[:, 1])]
    return float(median), float(upper - lower)


def make_table(
    network: Network,
    designs: Designs,
    layers: Seconds,
    probes: Designs,
    probe_layers: Seconds,
    probe_whole: Seconds,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """The table of :class:`hwenvs.hardware.device.DeviceModel`.

    Args:
        network: what was measured.
        designs: [D, groups] the grid.
        layers: [rounds, D, layers, 3] seconds of its layers, quartiles of the repetitions.
        probes: [P, groups] other designs, which show what lies between the grid's.
        probe_layers: [rounds, P, layers, 3] seconds of their layers.
        probe_whole: [rounds, P, 3] seconds of whole runs.
        facts: ``name``, ``source`` and what else the file shall hold.
    """
    read, written = kept_channels(network, designs)
    rows = [
        _row(layer, read[:, index], written[:, index], layers[:, :, index])
        for index, layer in enumerate(network.layers)
    ]
    table = {"format": FORMAT, **facts, "network": network.name, "layers": rows}
    single = _medians(probe_layers)
    table["block"] = min(BLOCKS, key=lambda block: _misfit(network, table, block, probes, single))
    ratios = _medians(probe_whole) / single.sum(axis=1)
    table["factor"] = float(np.median(ratios))
    return table


def predict(network: Network, table: Mapping[str, Any], designs: Designs) -> Seconds:
    """Seconds [B, layers] that the table gives for ``designs [B, groups]``."""
    workload = Workload.make(network.layers, *kept_channels(network, designs))
    return DeviceModel(table).layer_costs(workload)["latency"]


def _misfit(
    network: Network, table: Mapping[str, Any], block: int, probes: Designs, measured: Seconds
) -> float:
    """Mean distance of the layers' measured and expected times with blocks of ``block``."""
    expected = predict(network, {**table, "block": block, "factor": 1.0}, probes)
    return float(np.abs(expected - measured).mean())


def _medians(measured: Seconds) -> Seconds:
    """Medians [...] of [rounds, ..., 3]."""
    return np.asarray(measured[..., 1].min(axis=0))


def _row(
    layer: Layer, reads: NDArray[np.int64], writes: NDArray[np.int64], measured: Seconds
) -> dict[str, Any]:
    """The grid of a layer from [rounds, D, 3] seconds."""
    if layer.kind == "depthwise":  # it reads what it writes
        reads = np.full_like(reads, layer.in_channels)
    first, last = np.unique(reads), np.unique(writes)
    medians, spreads = np.zeros((2, len(first), len(last)))
    for row, read in enumerate(first):
        for column, written in enumerate(last):
            there = (reads == read) & (writes == written)
            medians[row, column], spreads[row, column] = _pooled(measured[:, there])
    return {
        "name": layer.name,
        **{key: getattr(layer, key) for key in GEOMETRY},
        "in_channels": first.tolist(),
        "out_channels": last.tolist(),
        "median_ms": np.round(medians * 1e3, 5).tolist(),
        "spread_ms": np.round(spreads * 1e3, 5).tolist(),
    }


def _pooled(measured: Seconds) -> tuple[float, float]:
    """Median and spread of a layer that several designs show in the same width.

    Args:
        measured: [rounds, designs, 3].
    """
    each: Sequence[tuple[float, float]] = [
        summary(measured[:, index]) for index in range(measured.shape[1])
    ]
    return float(np.median([m for m, _ in each])), float(np.median([s for _, s in each]))
