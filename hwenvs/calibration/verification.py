"""The real check: designs applied to the real network and measured on unseen images."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hwenvs.calibration.bench import Bench, Measurement
from hwenvs.calibration.designs import DesignSampler


@dataclass(frozen=True)
class Verdict:
    """A design on the real network.

    Attributes:
        label: what the design is called.
        design: an entry a decision, as the family's problem takes them.
        cost: fraction of what the family counts of the full network, see :attr:`Family.cost`.
        measured: accuracy and divergence on the evaluation images.
        seconds: wall time of pruning and measuring.
    """

    label: str
    design: tuple[int, ...]
    cost: float
    measured: Measurement
    seconds: float


def verify_designs(bench: Bench, designs: Mapping[str, Sequence[int]]) -> list[Verdict]:
    """Measures the full network and every design.

    Raises:
        DesignError: if a design does not fit the network.
    """
    full = tuple(group.channels for group in bench.groups)
    sampler = DesignSampler(bench.counted, 0.0, 1, 0, bench.family)
    verdicts = [Verdict("full network", full, 1.0, bench.baseline, 0.0)]
    for label, design in designs.items():
        started = time.perf_counter()
        measured = bench.measure(design)
        seconds = time.perf_counter() - started
        cost = float(sampler.share(np.array([design]))[0])
        verdicts.append(Verdict(label, tuple(int(k) for k in design), cost, measured, seconds))
    return verdicts
