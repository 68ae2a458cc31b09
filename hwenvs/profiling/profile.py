"""Profiles a subject: rounds over its designs, kept in a journal, until the table can be made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.calibration.fidelity import spearman
from hwenvs.calibration.journal import Journal
from hwenvs.files import replacing
from hwenvs.profiling.machine import describe_machine, load
from hwenvs.profiling.runtimes import Runtime
from hwenvs.profiling.subjects import Subject
from hwenvs.profiling.table import make_table, predict, summary

Report = Callable[[str, int, int], None]
Seconds = NDArray[np.float64]
Designs = NDArray[np.int64]

QUARTILES = (25, 50, 75)

PROBES = 8
"""Random designs that show what lies between the grid's; they are none of those of a check."""


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        rounds: times that all networks are visited, one after the other.
        repetitions: runs that count at each visit.
        warm_up: runs before them.
        seed: of the random designs.
    """

    rounds: int = 3
    repetitions: int = 20
    warm_up: int = 5
    seed: int = 0


class Profiler:
    """Measures a network or a search space and writes the table, resumably.

    Networks take turns instead of being measured to the end one by one, so that a busy minute of
    the machine falls on all alike; the calmest round counts.

    Args:
        subject: what to measure.
        runtime: what runs it.
        out: the table to write; the journal lies beside it.
        settings: how to measure.
        report: called with label, visits done and visits in all.

    Raises:
        DataError: if the journal holds measurements made with other settings or on another machine.
    """

    def __init__(
        self,
        subject: Subject,
        runtime: Runtime,
        out: Path,
        settings: Settings | None = None,
        report: Report | None = None,
    ) -> None:
        self.subject, self.runtime, self.out = subject, runtime, out
        self.settings = settings or Settings()
        self.report = report
        self.machine = {
            **describe_machine(),
            "threads": runtime.threads,
            "runtime": runtime.name,
            "runtime_version": runtime.version,
        }
        self.asked = {**subject.options, **asdict(self.settings)}
        asked = {"network": subject.name, **self.asked, **self.machine}
        self.journal = Journal(out.with_name(f"{out.name}.journal"), asked)

    def table(self) -> dict[str, Any]:
        """Measures what is not measured yet, and writes and returns the table."""
        grid = self.subject.grid(self.settings.seed)
        probes = self.subject.random(PROBES, self.settings.seed)
        table = make_table(
            self.subject,
            grid,
            self._visit("layers", "layers", grid),
            probes,
            self._visit("between", "layers", probes),
            self._visit("whole networks", "whole", probes),
            self._facts(),
        )
        return self._write(table)

    def check(self, table: dict[str, Any], count: int) -> dict[str, Any]:
        """Predicts ``count`` random designs, measures them as a whole, and adds how they agree.

        The designs are drawn anew: the table has not seen them.

        Raises:
            HardwareError: if the table is none.
        """
        designs = self.subject.random(count, self.settings.seed + 1)
        measured = self._visit("check", "whole", designs)
        medians, spreads = np.array([summary(one) for one in measured]).T
        predicted = np.array([layers.sum() for layers in predict(self.subject, table, designs)])
        errors = predicted / medians - 1.0
        rank = spearman(predicted, medians)
        table["check"] = {
            "date": _now(),
            "designs": designs.tolist(),
            "predicted_ms": np.round(predicted * 1e3, 4).tolist(),
            "measured_ms": np.round(medians * 1e3, 4).tolist(),
            "measured_spread_ms": np.round(spreads * 1e3, 4).tolist(),
            "spearman": round(rank, 4) if np.isfinite(rank) else None,
            "mean_error": round(float(np.abs(errors).mean()), 4),
            "largest_error": round(float(np.abs(errors).max()), 4),
            "load": load(),
        }
        return self._write(table)

    def _visit(self, label: str, what: str, designs: Designs) -> list[Seconds]:
        """Per design the quartiles in seconds, [rounds, layers, 3] or [rounds, 3]."""
        rounds, total = self.settings.rounds, self.settings.rounds * len(designs)
        for visit in range(total):
            at, index = divmod(visit, len(designs))
            key = f"{label} {designs[index].tolist()} {at}"
            if key not in self.journal:
                self.journal.add(key, quartiles=self._measure(what, designs[index]), load=load())
            if self.report is not None:
                self.report(label, visit + 1, total)
        records = self.journal.records
        return [
            np.array([records[f"{label} {one.tolist()} {at}"]["quartiles"] for at in range(rounds)])
            for one in designs
        ]

    def _measure(self, what: str, design: Designs) -> list[Any]:
        """Quartiles over the repetitions, [layers, 3] or [3]."""
        timed = self.runtime.layers if what == "layers" else self.runtime.whole
        seconds = timed(
            self.subject.folded(design), self.settings.warm_up, self.settings.repetitions
        )
        quartiles: list[Any] = np.round(np.percentile(seconds, QUARTILES, axis=0).T, 9).tolist()
        return quartiles

    def _facts(self) -> dict[str, Any]:
        machine, settings = self.machine, self.settings
        clock = "thread's processor time" if self.runtime.threads == 1 else "wall clock"
        source = (
            f"hwenvs profile on {machine['processor']} ({machine['cores']} cores), "
            f"{machine['runtime']} {machine['runtime_version']}, {machine['threads']} thread(s), "
            f"batch 1, float32, {_now()}; median of {settings.repetitions} repetitions in the "
            f"calmest of {settings.rounds} rounds"
        )
        return {
            "name": self.out.stem,
            "source": source,
            "date": _now(),
            "machine": machine,
            "settings": {**self.asked, "batch": 1, "clock_of_whole_runs": clock},
        }

    def _write(self, table: dict[str, Any]) -> dict[str, Any]:
        with replacing(self.out) as path:
            path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
        return table


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
