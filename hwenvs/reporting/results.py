"""Runs sorted for a report: by environment, by solver, beside the optimum and the reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import ArgumentError, SolverError
from hwenvs.making import problem_of
from hwenvs.problems import Problem
from hwenvs.reporting.statistics import (
    aligned,
    area_under_curve,
    bootstrap_interval,
    evaluations_to,
    interquartile_mean,
    median,
    median_effort,
)
from hwenvs.reporting.variants import labels
from hwenvs.solving.records import Run

THRESHOLDS = (0.9, 0.95, 0.99)
"""Scores that evaluations are counted to."""

KNOWING = ("uniform", "exact", "milp")
"""Solvers that know or compute their design: yardsticks for those that have to look for one."""

THRESHOLD = THRESHOLDS[0]
"""Score that counts as solved."""


@dataclass(frozen=True)
class Summary:
    """All runs of one solver on one environment.

    Attributes:
        solver: its name, with settings where it ran with several.
        runs: the records.
        scored: whether values are scores; rewards otherwise.
        median: over the runs, of the best value.
        mean: interquartile mean of the same.
        interval: 95 % bootstrap interval of ``mean``; None for a single run.
        accuracy: of the best design of all runs, a fraction.
        area: mean area under the curves of best scores, those below the reference as 0; None for
            rewards.
        efforts: by threshold the median evaluations to it, infinite where most runs miss it; empty
            for rewards.
        reaches: by threshold the number of runs that reach it.
        seconds: mean wall time of a run.
    """

    solver: str
    runs: tuple[Run, ...]
    scored: bool
    median: float
    mean: float
    interval: tuple[float, float] | None
    accuracy: float
    area: float | None
    efforts: dict[float, float]
    reaches: dict[float, int]
    seconds: float

    @property
    def effort(self) -> float | None:
        """Median evaluations to :data:`THRESHOLD`; None for rewards."""
        return self.efforts.get(THRESHOLD)

    @property
    def reached(self) -> int:
        """Runs that reach :data:`THRESHOLD`."""
        return self.reaches[THRESHOLD]

    @property
    def finals(self) -> NDArray[np.float64]:
        """[runs] best values."""
        return np.array([curve[-1] for curve in _curves(self.runs, self.scored)])

    @property
    def best(self) -> Run:
        """The run with the best design, the earliest of equals."""
        return max(self.runs, key=lambda run: max(run.rewards))

    @property
    def evaluations(self) -> int:
        """Evaluations of the longest run."""
        return max(len(run.rewards) for run in self.runs)

    def curves(self) -> NDArray[np.float64]:
        """[runs, E] best value so far."""
        return aligned(_curves(self.runs, self.scored))


@dataclass(frozen=True)
class Reference:
    """A design to compare with.

    Attributes:
        label: what to call it.
        design: [T] kept channels.
        accuracy: its accuracy, a fraction.
        note: what makes it a reference.
    """

    label: str
    design: tuple[int, ...]
    accuracy: float
    note: str


@dataclass(frozen=True)
class Results:
    """All runs on one environment with one set of arguments.

    Attributes:
        environment: id.
        arguments: of ``gym.make``.
        problem: rebuilt from these.
        summaries: one per solver, best interquartile mean first.
        uniform: the reference at the same budget, score 0.
        optimum: the best design there is, score 1; None where it cannot be found.
        files: sha256 of the files that the arguments named in the runs, by name.
    """

    environment: str
    arguments: dict[str, Any]
    problem: Problem
    summaries: tuple[Summary, ...]
    uniform: Reference
    optimum: Reference | None
    files: dict[str, str]

    @property
    def title(self) -> str:
        """Environment and arguments, for headings."""
        # Files by their content: runs with another are on another environment.
        files = [f"{name} of sha256 {digest[:12]}" for name, digest in self.files.items()]
        settings = ", ".join([f"{k} {v}" for k, v in self.arguments.items()] + files)
        return f"{self.environment} ({settings})" if settings else self.environment

    @property
    def best(self) -> Run:
        """The run with the best design of all solvers that had to look for it."""
        looked = [entry for entry in self.summaries if entry.solver not in KNOWING]
        return max((entry.best for entry in looked or self.summaries), key=lambda r: max(r.rewards))

    @property
    def stale(self) -> bool:
        """Whether the environment judges the best designs of the runs differently by now."""
        runs = [entry.best for entry in self.summaries]
        now = self.problem.evaluate([run.designs[run.best] for run in runs]).reward
        return not np.allclose(now, [max(run.rewards) for run in runs], rtol=0.0, atol=1e-9)


def collect(runs: Sequence[Run]) -> list[Results]:
    """Sorts ``runs`` by environment and solver.

    Raises:
        ArgumentError: if there are no runs, or one of them has no evaluations.
        HwenvsError: if an environment cannot be rebuilt from its record.
    """
    if not runs:
        raise ArgumentError("there are no runs to report on")
    for run in runs:
        if not run.rewards:
            raise ArgumentError(f"the run of {run.solver} with seed {run.seed} has no evaluations")
    groups: dict[str, dict[str, list[Run]]] = {}
    for run, label in zip(runs, labels(runs), strict=True):
        groups.setdefault(run.task, {}).setdefault(label, []).append(run)
    return [_results(solvers) for solvers in groups.values()]


def summarise(runs: Sequence[Run], label: str | None = None, scored: bool | None = None) -> Summary:
    """Statistics of the runs of one solver on one environment.

    Args:
        runs: of the solver, at least one.
        label: stands for its name.
        scored: whether values are scores; by default if all runs have them.
    """
    if scored is None:
        scored = have_scores(runs)
    curves = _curves(runs, scored)
    finals = [float(curve[-1]) for curve in curves]
    areas = [
        area_under_curve(curve, max(run.evaluations, len(curve)), floor=0.0)
        for run, curve in zip(runs, curves, strict=True)
    ]
    best = max(runs, key=lambda run: max(run.rewards))
    efforts = {level: [evaluations_to(c, level) for c in curves] for level in THRESHOLDS}
    return Summary(
        label or runs[0].solver,
        tuple(runs),
        scored,
        float(median(finals)),
        float(interquartile_mean(finals)),
        bootstrap_interval([finals]) if len(finals) > 1 else None,
        best.accuracies[best.best],
        float(np.mean(areas)) if scored else None,
        {level: median_effort(needed) for level, needed in efforts.items()} if scored else {},
        {level: int(np.isfinite(needed).sum()) for level, needed in efforts.items()},
        float(np.mean([run.seconds for run in runs])),
    )


def have_scores(runs: Iterable[Run]) -> bool:
    """Whether all runs have scores; where one has none, all are compared by their rewards."""
    return all(run.scores is not None for run in runs)


def _curves(runs: Sequence[Run], scored: bool) -> list[NDArray[np.float64]]:
    """Best value so far of every run."""
    values = [run.scores if scored else run.rewards for run in runs]
    return [np.maximum.accumulate(np.array(one, dtype=np.float64)) for one in values]


def _results(solvers: dict[str, list[Run]]) -> Results:
    """Runs on one environment by the label of their solver."""
    first = next(iter(solvers.values()))[0]
    environment, arguments = first.environment, first.arguments
    problem = problem_of(environment, arguments)
    scored = have_scores(run for runs in solvers.values() for run in runs)
    entries = [summarise(runs, label, scored) for label, runs in solvers.items()]
    summaries = sorted(entries, key=lambda entry: -entry.mean)
    outcome = problem.reference
    uniform = Reference(
        "uniform",
        tuple(int(kept) for kept in outcome.designs[0]),
        float(outcome.accuracy[0]),
        "the same fraction everywhere, at the same budget",
    )
    return Results(
        environment,
        dict(arguments),
        problem,
        tuple(summaries),
        uniform,
        _optimum(problem),
        dict(first.files),
    )


def _optimum(problem: Problem) -> Reference | None:
    from hwenvs.baselines.exact import optimum

    try:
        found = optimum(problem)
    except SolverError:
        return None
    label = "certified optimum" if found.proved else "best known design"
    return Reference(label, found.design, found.accuracy, found.certificate)
