"""Reproduction: a submitted solver is run again from its seeds, and its traces are compared.

The code of an entry is run by this, and by this alone: verifying runs nothing of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from hwenvs.canonical import canonical, settled
from hwenvs.errors import EntryError, SolverError
from hwenvs.leaderboards.comparing import SIGNIFICANCE, Cell, Traces, p_value, scores_of
from hwenvs.leaderboards.entries import About, Entry, read_traces
from hwenvs.leaderboards.log import Badge
from hwenvs.leaderboards.suites import Suite, TraceSuite
from hwenvs.solving import Solver, get_solver
from hwenvs.solving.pool import solve_many

FEWEST_RUNS = 5
"""Of each task of the suite, for scores to be compared: of fewer, the most different ones may pass
for alike, and tasks that are left out would be spared the test."""

SAMPLED_SEEDS = 3
"""Runs of each task that are run again of a deterministic solver, unless more is asked for."""


@dataclass(frozen=True)
class Reproduction:
    """What running a solver again showed.

    Attributes:
        badge: ``"reproduced"`` (equal traces), ``"indistinguishable"`` (a solver that is not
            deterministic by its own words, no difference of scores, all runs were run again, and
            they are at least :data:`FEWEST_RUNS` on each task of the suite), ``"different"``
            (neither).
        cells: what was run again.
        equal: how many traces were equal.
        p_value: how probably scores would differ at least as much if both sets of runs came from
            one distribution, see :func:`hwenvs.leaderboards.comparing.p_value`.
    """

    badge: Badge
    cells: tuple[Cell, ...]
    equal: int
    p_value: float


def sampled(entry: Entry, suite: Suite, random: np.random.Generator | None = None) -> list[Cell]:
    """Which runs to repeat: some seeds of every task that has any, in the order of tasks.

    All of them if the solver is not deterministic by its own words: a few scores cannot be told
    apart from somewhat better ones.

    Args:
        entry: of the track ``"search"``.
        suite: its suite.
        random: draws the seeds. Default: a new one that nobody can foresee, since whoever knew the
            draw beforehand could forge the other runs.

    Raises:
        EntryError: if there are none, or it is a policy.
    """
    cells = sorted(every(entry, suite))
    if not cells:
        raise EntryError(f"{entry.folder} has no runs to repeat")
    if not entry.about.deterministic:
        return cells
    random = np.random.default_rng() if random is None else random
    chosen: list[Cell] = []
    for _, runs in groupby(cells, key=lambda cell: cell[0]):
        known = list(runs)
        drawn = random.choice(len(known), min(SAMPLED_SEEDS, len(known)), replace=False)
        chosen += [known[place] for place in sorted(drawn)]
    return chosen


def every(entry: Entry, suite: Suite) -> list[Cell]:
    """All runs of an entry, in its order."""
    traces = read_traces(entry, _traced(entry, suite))
    return [(trace.environment, trace.seed) for trace in traces]


def _traced(entry: Entry, suite: Suite) -> TraceSuite:
    if not isinstance(suite, TraceSuite):
        raise EntryError(
            f"{entry.folder} is a policy: verifying rolls it out, and there is no run to repeat"
        )
    return suite


def reproduce(
    entry: Entry,
    suite: Suite,
    cells: Iterable[Cell] | None = None,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 1,
) -> Reproduction:
    """Runs the solver of an entry again and compares.

    Args:
        entry: of the track ``"search"``.
        suite: its suite.
        cells: what to run again; default: :func:`sampled`.
        progress: called with runs done and runs in all.
        workers: processes.

    Raises:
        EntryError: if the entry names no solver, lacks a run that is asked for, or is a policy.
        HwenvsError: if there is no such solver, or it does not take its hyper-parameters.
    """
    traced = _traced(entry, suite)
    chosen = list(sampled(entry, suite) if cells is None else cells)
    traces = _traces(entry, traced, chosen)
    again = _run(entry, traced, chosen, workers, progress)
    equal = sum(again[cell] == traces[cell] for cell in chosen)
    submitted = scores_of(traces, traced)
    p = p_value(submitted, scores_of(again, traced), int(entry.digest[:8], 16))
    badge: Badge = "reproduced"
    if equal < len(chosen):
        whole = set(chosen) == set(every(entry, suite))
        runs = Counter(key for key, _ in chosen)
        enough = whole and min(runs[task.key] for task in traced.tasks) >= FEWEST_RUNS
        as_good = not entry.about.deterministic and enough and p >= SIGNIFICANCE
        badge = "indistinguishable" if as_good else "different"
    return Reproduction(badge, tuple(chosen), equal, p)


def solver_of(about: About) -> Solver:
    """The solver of an entry, as it was submitted: a new one at each call.

    It is made with its hyper-parameters; or with none, if its class takes none and says these.

    Raises:
        EntryError: if no solver is named.
        HwenvsError: if there is no such solver, or it does not take its hyper-parameters.
    """
    if about.solver is None:
        raise EntryError("entry.json names no solver to run again")
    try:
        return get_solver(about.solver, **about.hyperparameters)
    except SolverError:
        with suppress(SolverError):
            own = get_solver(about.solver)
            if canonical(settled(own.hyperparameters)) == canonical(settled(about.hyperparameters)):
                return own
        raise


def _traces(entry: Entry, suite: TraceSuite, cells: list[Cell]) -> Traces:
    wanted = set(cells)
    found = {
        (trace.environment, trace.seed): trace.designs
        for trace in read_traces(entry, suite)
        if (trace.environment, trace.seed) in wanted
    }
    for key, seed in cells:
        if (key, seed) not in found:
            raise EntryError(f"{entry.folder} has no run on {key} with seed {seed}")
    return found


def _run(
    entry: Entry,
    suite: TraceSuite,
    cells: list[Cell],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> Traces:
    """Designs that the solver of an entry finds today; every cell gets a solver of its own."""
    about = entry.about
    tasks = [
        {
            "solver": solver_of(about),
            "environment": suite.task(key).environment,
            "evaluations": suite.evaluations,
            "seed": seed,
            **suite.task(key).arguments,
        }
        for key, seed in cells
    ]
    found: Traces = {}
    for index, run in solve_many(tasks, workers):
        if not run.designs:
            raise EntryError(f"{about.solver} tries no design on {cells[index][0]}")
        found[cells[index]] = run.designs
        if progress is not None:
            progress(len(found), len(cells))
    return found
