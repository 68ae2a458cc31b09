"""From measurements of layers to the table that the ``device`` hardware model reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import ArgumentError
from hwenvs.hardware.device import DeviceModel
from hwenvs.hardware.grids import FORMAT, GEOMETRY, key_of
from hwenvs.networks import Layer
from hwenvs.profiling.subjects import Subject

Seconds = NDArray[np.float64]
Designs = NDArray[np.int64]


@dataclass(frozen=True)
class Sighting:
    """A layer as one design has it.

    Attributes:
        layer: row of the design's layer table.
        read: channels read.
        written: channels written.
        seconds: [rounds, 3] quartiles of the repetitions.
    """

    layer: Layer
    read: int
    written: int
    seconds: Seconds


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
    subject: Subject,
    designs: Designs,
    layers: Sequence[Seconds],
    probes: Designs,
    probe_layers: Sequence[Seconds],
    probe_whole: Sequence[Seconds],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """The table of :class:`hwenvs.hardware.device.DeviceModel`.

    Args:
        subject: what was measured.
        designs: [D, T] the grid.
        layers: per design [rounds, layers, 3] seconds, quartiles of the repetitions.
        probes: [P, T] other designs, which show what lies between the grid's.
        probe_layers: per probe [rounds, layers, 3] seconds.
        probe_whole: per probe [rounds, 3] seconds of whole runs.
        facts: ``name``, ``source`` and what else the file shall hold.

    Raises:
        ArgumentError: if the designs do not show a layer in all combinations of its channels.
    """
    seen: dict[tuple[Any, ...], list[Sighting]] = {}
    for design, measured in zip(designs, layers, strict=True):
        for one in _sightings(subject, design, measured):
            seen.setdefault(key_of(one.layer), []).append(one)
    rows = [_row(sightings) for sightings in seen.values()]
    table = {"format": FORMAT, **facts, "network": subject.name, "layers": rows}
    single = [_medians(measured) for measured in probe_layers]
    table["block"] = min(
        subject.blocks, key=lambda block: _misfit(subject, table, block, probes, single)
    )
    table |= _whole_runs(single, np.array([_medians(measured) for measured in probe_whole]))
    return table


def predict(subject: Subject, table: Mapping[str, Any], designs: Designs) -> list[Seconds]:
    """Per design the seconds [layers] that the table gives."""
    model = DeviceModel(table)
    return [model.layer_costs(subject.workload(design))["latency"][0] for design in designs]


def _misfit(
    subject: Subject,
    table: Mapping[str, Any],
    block: int,
    probes: Designs,
    measured: Sequence[Seconds],
) -> float:
    """Mean distance of the layers' measured and expected times with blocks of ``block``."""
    expected = predict(subject, {**table, "block": block, "factor": 1.0}, probes)
    return float(np.abs(np.concatenate(expected) - np.concatenate(measured)).mean())


def _whole_runs(layers: Sequence[Seconds], whole: Seconds) -> dict[str, float]:
    """What takes the sums of layers to the times of whole runs: a factor, or seconds a layer.

    Profilers take some time for every layer, which counts where layers are short; where runtimes
    take more between layers, the seconds are below 0.  One figure is chosen, the one that leaves
    smaller errors: two of them could not be told apart by few probes.

    Args:
        layers: per probe the seconds [layers].
        whole: [P] seconds of whole runs.
    """
    sums, counts = (np.array([f(one) for one in layers]) for f in (np.sum, len))
    factor = float(np.median(whole / sums))
    overhead = float(np.median((sums - whole) / counts))
    # No layer may end below zero.
    overhead = min(overhead, min(float(one.min()) for one in layers))
    scaled, shifted = (
        np.abs(sums * factor / whole - 1),
        np.abs((sums - counts * overhead) / whole - 1),
    )
    if scaled.mean() <= shifted.mean():
        return {"factor": factor, "overhead_us": 0.0}
    return {"factor": 1.0, "overhead_us": round(overhead * 1e6, 4)}


def _medians(measured: Seconds) -> Seconds:
    """Medians [...] of [rounds, ..., 3]."""
    return np.asarray(measured[..., 1].min(axis=0))


def _sightings(subject: Subject, design: Designs, measured: Seconds) -> list[Sighting]:
    """The layers of ``design`` with their [rounds, layers, 3] seconds."""
    workload = subject.workload(design)
    channels = (workload.in_channels[0].tolist(), workload.out_channels[0].tolist())
    columns = measured.swapaxes(0, 1)
    return [Sighting(*one) for one in zip(workload.layers, *channels, columns, strict=True)]


def _row(seen: Sequence[Sighting]) -> dict[str, Any]:
    """The grid of a layer."""
    layer = seen[0].layer
    reads, writes = (np.array([getattr(one, side) for one in seen]) for side in ("read", "written"))
    if layer.kind == "depthwise":  # it reads what it writes
        reads[:] = max(one.layer.in_channels for one in seen)
    first, last = np.unique(reads), np.unique(writes)
    medians, spreads = np.zeros((2, len(first), len(last)))
    for row, read in enumerate(first):
        for column, written in enumerate(last):
            here = (reads == read) & (writes == written)
            there = [one.seconds for one, same in zip(seen, here, strict=True) if same]
            if not there:
                raise ArgumentError(
                    f"layer {layer.name!r} was not measured with {read} -> {written} channels: its "
                    f"table needs every pair of {first.tolist()} and {last.tolist()}"
                )
            medians[row, column], spreads[row, column] = _pooled(there)
    return {
        "name": layer.name,
        **{key: getattr(layer, key) for key in GEOMETRY},
        "in_channels": first.tolist(),
        "out_channels": last.tolist(),
        "median_ms": np.round(medians * 1e3, 5).tolist(),
        "spread_ms": np.round(spreads * 1e3, 5).tolist(),
    }


def _pooled(measured: Sequence[Seconds]) -> tuple[float, float]:
    """Median and spread of a layer that several designs show in the same width.

    Args:
        measured: per design [rounds, 3].
    """
    each = [summary(one) for one in measured]
    return float(np.median([m for m, _ in each])), float(np.median([s for _, s in each]))
