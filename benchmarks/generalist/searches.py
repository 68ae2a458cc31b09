"""Searches: each gets one task for itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from lines import Row

from hwenvs.solving.pool import solve_many
from hwenvs.tasks import Task

SEARCHES = ("random", "cma-es", "regularized-evolution")
READ = (50, 400)
"""Evaluations after which searches are read off."""


def search(
    tasks: Sequence[Task], cells: Sequence[tuple[str, str, int]], workers: int
) -> Iterator[Row]:
    """Searches single tasks; ``cells`` are (solver, task id, seed)."""
    by_id = {task.id: task for task in tasks}
    wanted = [
        {
            "solver": solver,
            "environment": by_id[name].environment,
            "evaluations": max(READ),
            "seed": seed,
            **by_id[name].arguments,
        }
        for solver, name, seed in cells
    ]
    for index, run in solve_many(wanted, workers):
        solver, name, seed = cells[index]
        best = np.maximum.accumulate(run.scores or [])
        read = {str(count): float(best[min(count, len(best)) - 1]) for count in READ}
        row = {"method": solver, "task": name, "seed": seed, "best": read}
        yield {**row, "evaluations": max(READ), "seconds": run.seconds}
