"""Bayesian optimisation against reinforcement learning: scores, and the time they take.

    OMP_NUM_THREADS=1 python benchmarks/bayesian_time.py AMC-MobileNetV1-v0 --evaluations 200

Every solver runs with every seed, one run at a time.  Seconds are processor time around ``solve``
with all imports done, so that they mean the same on a machine that is busy otherwise; ratios are to
``ddpg``, from the same process.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from hwenvs.reporting.statistics import (
    bootstrap_interval,
    improvement_interval,
    interquartile_mean,
    median,
)
from hwenvs.reporting.table import markdown, number, range_text
from hwenvs.solving import solve

SOLVERS = ("ddpg", "cma-es", "tpe", "turbo", "gp")
"""The first is what others are compared with."""

WARM_UP = 25
"""Evaluations of a run that is thrown away: enough to import and compile everything."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", nargs="?", default="AMC-MobileNetV1-v0")
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    scores: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for solver in SOLVERS:
        solve(solver, given.environment, WARM_UP, seed=given.seeds)
        for seed in range(given.seeds):
            started = time.process_time()
            run = solve(solver, given.environment, given.evaluations, seed)
            seconds.setdefault(solver, []).append(time.process_time() - started)
            scores.setdefault(solver, []).append(float(run.best_so_far()[-1]))
        print(f"{solver}: {np.sum(seconds[solver]):.0f} s", flush=True)
    rows = [row(solver, scores, seconds) for solver in SOLVERS]
    heads = ["solver", "median score", "IQM [95 %]", "CPU seconds a run", "times", "beats [95 %]"]
    print(markdown(heads, rows))


def row(solver: str, scores: dict[str, list[float]], seconds: dict[str, list[float]]) -> list[str]:
    """A line of the table."""
    first, mine = SOLVERS[0], scores[solver]
    spent, reference = float(median(seconds[solver])), float(median(seconds[first]))
    beats = range_text(improvement_interval([mine], [scores[first]]), percent=True).strip()
    return [
        f"`{solver}`",
        number(float(median(mine))),
        number(float(interquartile_mean(mine))) + range_text(bootstrap_interval([mine])),
        f"{spent:.1f}",
        f"{spent / reference:.2g}",
        "" if solver == first else f"{beats} %",
    ]


if __name__ == "__main__":
    main()
