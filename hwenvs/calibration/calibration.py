"""Measures a table: sweeps, joint designs, fit, table and card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hwenvs.calibration.bench import Bench, open_bench
from hwenvs.calibration.designs import Designs, DesignSampler
from hwenvs.calibration.digests import digest_of, table_digest, weights_digest
from hwenvs.calibration.families import Family
from hwenvs.calibration.fit import (
    AdditiveTable,
    FloatArray,
    fit_weights,
    greedy_design,
    sweep_curve,
    unfitted,
)
from hwenvs.calibration.images import find_dataset
from hwenvs.calibration.journal import Journal
from hwenvs.calibration.measuring import DesignTask, Progress, SweepTask, run_tasks
from hwenvs.calibration.plan import COUNTS, Plan, fitted_designs, heldout_designs
from hwenvs.calibration.table import Result
from hwenvs.compression.recipe import Recipe

NOTES = {
    "imagenet_sample": (
        "One clear training image per ImageNet class: absolute accuracies lie about 17 points "
        "above those on the validation set; differences between designs are what the table is for."
    ),
    "resnet50": (
        "Sensitivities are those of a ResNet-50 trained on 20,000 CIFAR-10 images, enlarged; costs "
        "are those of the published network at 224 x 224 with 1,000 classes. With ImageNet weights "
        "of your own: pass them as --weights and the images as --data (docs/calibration.md), then "
        "proxy='<folder>/resnet50.<family>.npz'."
    ),
}
"""What a user of a data set or of a network should know."""


LATER = ("levels", "elements")
"""Entries of recipes that older journals do not name: they are theirs at the default."""


UNTOLD = ("images", "table")
"""Settings that older journals do not tell."""


class Calibration:
    """Measures what a plan asks for and fits the table; every step continues where it stopped.

    Args:
        name: network of the zoo.
        plan: the settings.
        out: folder for the journal and the result.
        data: folder with the data sets.
        weights: weights file.
        workers: processes.
        progress: see :data:`hwenvs.calibration.measuring.Progress`.
        device: where to compute; anything but ``"cpu"`` needs ``workers=1``.
        family: what designs decide.
        dataset: see :func:`hwenvs.calibration.images.find_dataset`.
        bench: a bench instead of ``data``, ``weights``, ``device`` and ``dataset``.

    Raises:
        DataError, WeightsError, UnknownNameError: from opening the bench, or if ``out`` holds
            measurements made with other settings.
    """

    def __init__(
        self,
        name: str,
        plan: Plan,
        out: Path,
        data: str | Path | None = None,
        weights: str | Path | None = None,
        workers: int = 1,
        progress: Progress | None = None,
        device: str = "cpu",
        family: str = "channel_pruning",
        dataset: str | None = None,
        bench: Bench | None = None,
    ) -> None:
        self.name, self.plan, self.out = name, plan, out
        self.workers, self.progress = workers, progress
        self.bench: Bench = bench or open_bench(
            name,
            range(*plan.calibration_images),
            range(*plan.evaluation_images),
            plan.recipe,
            data,
            weights,
            device,
            family,
            dataset,
        )
        self.channels = [group.channels for group in self.bench.groups]
        settings: dict[str, Any] = {"network": name, **asdict(plan)}
        settings = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in settings.items()
            if key not in COUNTS
        }
        settings["recipe"] = {
            key: value
            for key, value in settings["recipe"].items()
            if key not in LATER or value != getattr(Recipe, key)
        }
        self.digest = weights_digest(self.bench)
        settings["weights"] = self.digest
        if dataset is not None:
            settings["dataset"] = dataset
        made = self.bench
        settings["images"] = digest_of(made.reference.images, made.images, made.labels)
        settings["table"] = table_digest(made)
        if bench is not None:
            family = bench.family.name
        self.journal = Journal(out / f"{name}.{family}.journal.jsonl", settings, UNTOLD)

    def run(self) -> Result:
        """Measures everything that is missing and fits the table."""
        curves = self.sweeps()
        table, fitted = self.fitted(curves)
        with self.bench.computing():
            extras = self.bench.family.extras(self.bench.reference)
        return Result(
            self.name,
            self.bench.groups,
            table,
            self.bench.baseline,
            fitted,
            self.heldout(table),
            1 / self.bench.network.classes,
            self.bench.family.name,
            extras,
        )

    def sweeps(self) -> list[FloatArray]:
        """Divergence per decision and kept count, measured one decision at a time."""
        tasks = [
            SweepTask(
                f"sweep/{group.name}",
                index,
                tuple(self.bench.family.counts(group)),
                self.plan.sweep_images,
            )
            for index, group in enumerate(self.bench.groups)
        ]
        run_tasks(self.bench, tasks, self.journal, self.workers, "sweeps", self.progress)
        curves = []
        for task, channels in zip(tasks, self.channels, strict=True):
            rows = self.journal.records[task.key]["rows"]
            curves.append(
                sweep_curve([r["kept"] for r in rows], [r["divergence"] for r in rows], channels)
            )
        return curves

    def joint(
        self, kind: str, make: Callable[[], list[Designs]], count: int
    ) -> list[dict[str, Any]]:
        """Measured joint designs of a kind; designs already in the journal are not drawn again."""
        keys = [f"{kind}/{index}" for index in range(count)]
        if not all(key in self.journal for key in keys):
            tasks = [
                DesignTask(key, tuple(int(k) for k in design))
                for key, design in zip(keys, make(), strict=True)
            ]
            run_tasks(self.bench, tasks, self.journal, self.workers, kind, self.progress)
        return [self.journal.records[key] for key in keys]

    def sampler(self, stream: int) -> DesignSampler:
        """A design sampler with a random stream of its own."""
        plan = self.plan
        return DesignSampler(
            self.bench.counted, plan.floor, plan.round_to, plan.seed + stream, self.bench.family
        )

    def best(self, table: AdditiveTable, sampler: DesignSampler, budget: float) -> Designs:
        """What looks best on ``table`` at ``budget``."""
        found = self.bench.family.best(self.bench.counted, table.values, budget)
        return greedy_design(table, sampler, budget) if found is None else found

    def fitted(self, curves: list[FloatArray]) -> tuple[AdditiveTable, list[dict[str, Any]]]:
        """The fitted table and the designs that it was fitted on."""
        plain = unfitted(curves)

        def make() -> list[Designs]:
            sampler = self.sampler(1)
            budget = self.plan.budget
            best = {b: self.best(plain, sampler, b) for b in (budget, 0.8 * budget, 1.3 * budget)}
            return fitted_designs(self.plan, sampler, best)

        records = self.joint("fitted", make, self.plan.fitted)
        designs = np.array([record["design"] for record in records])
        divergence = np.array([record["divergence"] for record in records])
        return fit_weights(curves, designs, divergence, self.bench.family.shrink), records

    def heldout(self, table: AdditiveTable) -> dict[str, list[dict[str, Any]]]:
        """Measured designs that the table was not fitted on, by kind."""
        sampler = self.sampler(2)
        designs = heldout_designs(self.plan, sampler, self.best(table, sampler, self.plan.budget))
        return {
            kind: self.joint(f"heldout-{kind}", lambda some=some: some, len(some))  # type: ignore[misc]
            for kind, some in designs.items()
        }


def about(
    plan: Plan, network: str, command: str, family: Family, images: str | None = None
) -> dict[str, Any]:
    """What a card says about how its table was measured."""
    dataset, evaluation, calibration = find_dataset(network, images)
    return {
        "data": dataset,
        "images": {
            "weights re-fitted on": f"{calibration} rows {_span(plan.calibration_images)}",
            "joint designs measured on": f"{evaluation} rows {_span(plan.evaluation_images)}",
            "single decisions swept on": f"the first {plan.sweep_images} of these",
        },
        "reconstruction": family.about(plan.recipe),
        "budget": f"equal-budget designs cost {plan.budget:.0%} of the {family.cost}",
        "command": command,
        "notes": NOTES.get(network, NOTES.get(dataset, "")) if images is None else "",
    }


def _span(rows: tuple[int, int]) -> str:
    return f"{rows[0]} to {rows[1] - 1}"
