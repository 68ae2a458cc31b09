"""Reproduction: a submitted solver is run again from its seeds, and its traces are compared.

The code of an entry is run by this, and by this alone: verifying runs nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.canonical import canonical, settled
from hwenvs.errors import EntryError, SolverError
from hwenvs.leaderboards.entries import About, Entry, read_traces
from hwenvs.leaderboards.log import Badge
from hwenvs.leaderboards.suites import Suite, Task, TraceSuite
from hwenvs.solving import Solver, get_solver
from hwenvs.solving.pool import solve_many

Floats = NDArray[np.float64]
Cell = tuple[str, int]
"""A task's key and a seed."""

Traces = dict[Cell, list[list[int]]]
"""Designs of runs, in order."""

FEWEST_RUNS = 5
"""Of a task, for scores to be compared: of fewer, the most different ones may pass for alike."""

SAMPLED_TASKS, SAMPLED_SEEDS = 2, FEWEST_RUNS
"""What is run again unless more is asked for."""

SIGNIFICANCE = 0.05
"""Below this p-value runs count as different."""

PERMUTATIONS = 20_000


@dataclass(frozen=True)
class Reproduction:
    """What running a solver again showed.

    Attributes:
        badge: ``"reproduced"`` (equal traces), ``"indistinguishable"`` (a solver that is not
            deterministic by its own words, no difference of scores, and at least
            :data:`FEWEST_RUNS` runs on each task that was run again), ``"different"`` (neither).
        cells: what was run again.
        equal: how many traces were equal.
        p_value: how probably mean scores would differ at least as much if both sets of runs came
            from one distribution, see :func:`permutation_test`.
    """

    badge: Badge
    cells: tuple[Cell, ...]
    equal: int
    p_value: float


def sampled(
    entry: Entry, suite: Suite, tasks: int = SAMPLED_TASKS, seeds: int = SAMPLED_SEEDS
) -> list[Cell]:
    """Which runs to repeat: drawn from the digests of entry and suite, so not before submission."""
    random = np.random.default_rng([int(entry.digest[:16], 16), int(suite.digest[:16], 16)])
    found: dict[str, list[int]] = {}
    for trace in read_traces(entry, _traced(entry, suite)):
        found.setdefault(trace.environment, []).append(trace.seed)
    keys = sorted(found)
    if not keys:
        raise EntryError(f"{entry.folder} has no runs to repeat")
    chosen = sorted(random.choice(len(keys), min(tasks, len(keys)), replace=False).tolist())
    cells: list[Cell] = []
    for index in chosen:
        known = sorted(found[keys[index]])
        drawn = random.choice(known, min(seeds, len(known)), replace=False)
        cells += [(keys[index], int(seed)) for seed in sorted(drawn)]
    return cells


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
    submitted = _by_task(traced, traces)
    p_value = permutation_test(submitted, _by_task(traced, again), int(entry.digest[:8], 16))
    badge: Badge = "reproduced"
    if equal < len(chosen):
        enough = min(map(len, submitted)) >= FEWEST_RUNS
        as_good = not entry.about.deterministic and enough and p_value >= SIGNIFICANCE
        badge = "indistinguishable" if as_good else "different"
    return Reproduction(badge, tuple(chosen), equal, p_value)


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


def permutation_test(first: list[Floats], second: list[Floats], seed: int = 0) -> float:
    """p-value of the difference of means between two samples of scores, by task.

    How probably the means differ at least as much, in either direction, if the samples have one
    distribution on each task: the share of random exchanges of scores within tasks in which they
    do.  It is not the probability that the distributions are one.
    """
    random = np.random.default_rng(seed)
    observed = abs(sum(float(b.mean() - a.mean()) for a, b in zip(first, second, strict=True)))
    total = np.zeros(PERMUTATIONS)
    for a, b in zip(first, second, strict=True):
        pooled = np.tile(np.concatenate([a, b]), (PERMUTATIONS, 1))
        mixed = random.permuted(pooled, axis=1)
        total += mixed[:, len(a) :].mean(axis=1) - mixed[:, : len(a)].mean(axis=1)
    # One more on either side: the observed arrangement is one of them.
    return float((np.sum(np.abs(total) >= observed - 1e-12) + 1) / (PERMUTATIONS + 1))


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


def _by_task(suite: TraceSuite, traces: Traces) -> list[Floats]:
    """Final scores of runs, by task."""
    scores: dict[str, list[float]] = {}
    for (key, _), designs in sorted(traces.items()):
        scores.setdefault(key, []).append(_final(suite.task(key), designs))
    return [np.array(values) for values in scores.values()]


def _final(task: Task, designs: list[list[int]]) -> float:
    rewards = task.problem().evaluate(np.array(designs)).reward
    return max(task.score(float(rewards.max())), 0.0)
