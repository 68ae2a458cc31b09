"""Measures the table of a search space: architectures, fit, held-out architectures, card."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwenvs.calibration.digests import digest_of
from hwenvs.calibration.journal import Journal
from hwenvs.calibration.measuring import DesignTask, Progress, run_tasks
from hwenvs.calibration.spaces.bench import SupernetBench
from hwenvs.calibration.spaces.fit import PairTable, cheapest, fit_pairs
from hwenvs.calibration.spaces.table import FAMILY, Records, SpaceResult, columns
from hwenvs.canonical import digest
from hwenvs.errors import ArgumentError
from hwenvs.hardware import get_hardware
from hwenvs.hardware.operators import operator_costs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOISE = 0.15
"""Of the tables that near-best architectures are drawn with, over the table's mean entry."""

TOLERANCE = 0.01
"""How far "equal" latencies lie apart, relatively."""


@dataclass(frozen=True)
class SpacePlan:
    """Settings of a calibration.

    Attributes:
        norm_images: rows that batch norms are estimated on.
        evaluation_images: rows that fitted architectures are measured on.
        share: images among them that each is measured on, others for each, in comparison with
            reference architectures; None: all. See :class:`SupernetBench`.
        references: those that all are compared with.
        heldout_images: rows that held-out ones are measured on: others, and many, since
            architectures of equal latency differ by little; None: the same.
        fitted: architectures that the table is fitted on.
        heldout: architectures that it is judged on, a third each of all sizes,
            random of equal latency, and near-best of equal latency.
        spread: see :meth:`hwenvs.networks.spaces.Space.sample`.
        hardware: whose latency is held equal.
        budget: that latency, as a fraction of the largest architecture's.
        seed: of architectures.
    """

    norm_images: tuple[int, int] = (0, 256)
    evaluation_images: tuple[int, int] = (0, 2000)
    share: int | None = None
    references: int = 32
    heldout_images: tuple[int, int] | None = None
    fitted: int = 2000
    heldout: int = 180
    spread: float = 1.5
    hardware: str = "cpu"
    budget: float = 0.5
    seed: int = 0


PLANS: dict[str, SpacePlan] = {
    "proxyless_cifar": SpacePlan(
        evaluation_images=(0, 5000), share=1500, heldout_images=(5000, 10000)
    ),
    "proxyless_digits": SpacePlan((0, 256), (0, 797), hardware="mobile"),
}
"""What is measured by default, by search space."""


class SpaceCalibration:
    """Measures what a plan asks for and fits the table; every step continues where it stopped.

    Args:
        bench: supernet and images.
        plan: the settings.
        out: folder for the journal and the result.
        workers: processes.
        progress: see :data:`hwenvs.calibration.measuring.Progress`.
        judge: the same supernet with the plan's ``heldout_images``, where it has any.

    Raises:
        ArgumentError: if ``judge`` and the plan do not fit each other, or if there are too few
            architectures to fit or to judge by.
        DataError: if ``out`` holds measurements made with other settings.
    """

    def __init__(
        self,
        bench: SupernetBench,
        plan: SpacePlan,
        out: Path,
        workers: int = 1,
        progress: Progress | None = None,
        judge: SupernetBench | None = None,
    ) -> None:
        if plan.fitted < 40 or plan.heldout < 6:
            raise ArgumentError(
                f"{plan.fitted} architectures to fit and {plan.heldout} to judge by are too few; "
                "at least 40 and 6"
            )
        if (judge is None) != (plan.heldout_images is None):
            raise ArgumentError("a bench to judge on and heldout_images of the plan go together")
        if plan.share is not None:
            drawn = bench.space.sample(plan.references, plan.seed + 3, plan.spread)
            bench = replace(bench, share=plan.share, references=drawn.tolist())
        self.bench, self.plan, self.out = bench, plan, out
        self.judge = bench if judge is None else judge
        self.workers, self.progress = workers, progress
        self.space = bench.space
        self.weights = supernet_digest(bench)
        settings = {key: value for key, value in asdict(plan).items() if key not in COUNTED}
        settings = {
            "space": self.space.name,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()},
            "weights": self.weights,
            "images": digest_of(bench.seen, bench.images, bench.labels),
            "geometry": digest(self.space.geometry),
        }
        if judge is not None:
            settings["heldout"] = digest_of(judge.images, judge.labels)
        path = out / f"{self.space.name}.{FAMILY}.journal.jsonl"
        self.journal = Journal(path, settings, untold=["geometry"])

    def run(self) -> SpaceResult:
        """Measures everything that is missing and fits the table."""
        plan, space = self.plan, self.space
        drawn = space.sample(plan.fitted, plan.seed, plan.spread)
        fitted = self._measured(self.bench, "fitted", lambda: drawn, plan.fitted)
        designs, loss, accuracy = columns(fitted, "loss", "top1")
        table = fit_pairs(space, designs, loss, accuracy, plan.seed)
        third = plan.heldout // 3
        makers: dict[str, tuple[int, Callable[[int], Ints]]] = {
            "spread": (
                plan.heldout - 2 * third,
                lambda count: space.sample(count, plan.seed + 1, plan.spread),
            ),
            "random": (third, self._equal),
            "guided": (third, partial(self._guided, table)),
        }
        heldout = {
            kind: self._measured(self.judge, f"heldout-{kind}", partial(make, count), count)
            for kind, (count, make) in makers.items()
        }
        return SpaceResult(space.name, table, fitted, heldout, 1 / space.classes)

    def _measured(
        self, bench: SupernetBench, kind: str, make: Callable[[], Ints], count: int
    ) -> Records:
        keys = [f"{kind}/{index}" for index in range(count)]
        if not all(key in self.journal for key in keys):
            tasks = [
                DesignTask(key, tuple(int(entry) for entry in design))
                for key, design in zip(keys, make(), strict=True)
            ]
            run_tasks(bench, tasks, self.journal, self.workers, kind, self.progress)
        return [self.journal.records[key] for key in keys]

    def _latencies(self) -> tuple[Floats, float, float]:
        """Latencies [T, n] of operators, of the rest, and the common one, in seconds."""
        costs = operator_costs(self.space, get_hardware(self.plan.hardware))
        rest = float(costs.constant[costs.quantities.index("latency")])
        whole = float(costs.totals(self.space.largest[None], "latency")[0])
        return costs.of("latency"), rest, self.plan.budget * whole

    def _equal(self, count: int) -> Ints:
        """Random architectures [count, T] of the common latency."""
        table, rest, most = self._latencies()
        found: list[Ints] = []
        for attempt in range(1000):
            drawn = self.space.sample(1000, self.plan.seed + 1000 + attempt, self.plan.spread)
            spent = rest + sum(row[column - 1] for row, column in zip(table, drawn.T, strict=True))
            found += list(drawn[np.abs(spent / most - 1) <= TOLERANCE])
            if len(found) >= count:
                return np.array(found[:count])
        raise ArgumentError(
            f"no architectures cost {self.plan.budget:.0%} of the largest's latency"
        )

    def _guided(self, table: PairTable, count: int) -> Ints:
        """Architectures [count, T] that are best at the common latency on noisy tables."""
        costs, rest, most = self._latencies()
        random = np.random.default_rng(self.plan.seed + 2)
        size = NOISE * float(table.pairs.mean())
        tables = [
            np.maximum(table.pairs + size * random.standard_normal(table.pairs.shape), 0.0)
            for _ in range(count)
        ]
        return np.array([cheapest(self.space, one, costs, most - rest) for one in tables])


COUNTED = ("fitted", "heldout")
"""Settings that may grow: what is measured already is kept."""


def supernet_digest(bench: SupernetBench) -> str:
    """sha256 of the supernet's weights, so that a table says what it belongs to."""
    sha = hashlib.sha256()
    for name, tensor in sorted(bench.supernet.state_dict().items()):
        sha.update(name.encode())
        sha.update(tensor.contiguous().numpy().tobytes())
    return sha.hexdigest()
