"""Comparing runs of a solver whose traces may differ, by their scores.

Three numbers stand for a run: the final score, which is ranked, the mean of the best so far over
all evaluations, and the share of the former that the latter is.  That is how early a run finds what
it finds: what is found late cannot pass for found at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwenvs.leaderboards.suites import Task, TraceSuite

Floats = NDArray[np.float64]

Cell = tuple[str, int]
"""A task's key and a seed."""

Traces = dict[Cell, list[list[int]]]
"""Designs of runs, in order."""

SIGNIFICANCE = 0.05
"""Below this p-value runs count as different."""

PERMUTATIONS = 20_000


def scores_of(traces: Traces, suite: TraceSuite) -> list[Floats]:
    """What stands for runs, see :func:`features`, by task [runs, 3]."""
    curves: dict[str, list[Floats]] = {}
    for (key, _), designs in sorted(traces.items()):
        curve = _curve(suite.task(key), designs, suite.evaluations)
        curves.setdefault(key, []).append(curve)
    return [features(np.stack(each)) for each in curves.values()]


def features(curves: Floats) -> Floats:
    """Final score, mean, and share of the former that the latter is, of runs [runs, 3].

    Args:
        curves: [runs, E] best score so far, at least 0.
    """
    final, mean = curves[:, -1], curves.mean(axis=1)
    early = np.divide(mean, final, out=np.ones_like(mean), where=final > 0)
    return np.stack([final, mean, early], axis=1)


def p_value(
    first: list[Floats], second: list[Floats], seed: int = 0, permutations: int = PERMUTATIONS
) -> float:
    """p-value of the difference in any of several numbers of runs: the smallest, by Bonferroni.

    Args:
        first: numbers [runs, kinds] of some runs, by task.
        second: those of others, on the same tasks in the same order.
        seed: of the permutations.
        permutations: how many.
    """
    kinds = first[0].shape[1]
    found = [
        permutation_test(
            [a[:, kind] for a in first], [b[:, kind] for b in second], seed, permutations
        )
        for kind in range(kinds)
    ]
    return min(1.0, float(kinds * min(found)))


def permutation_test(
    first: list[Floats], second: list[Floats], seed: int = 0, permutations: int = PERMUTATIONS
) -> float:
    """p-value of the difference of mean ranks between two samples of scores, by task.

    How probably the ranks differ at least as much, in either direction, if the samples have one
    distribution on each task: the share of random exchanges of scores within tasks in which they
    do.  It is not the probability that the distributions are one.  Ranks, since a task with wide
    scores would drown in a mean what all the others show.
    """
    random = np.random.default_rng(seed)
    observed, total = 0.0, np.zeros(permutations)
    for a, b in zip(first, second, strict=True):
        ranks = _ranks(np.concatenate([a, b]))
        mixed = random.permuted(np.tile(ranks, (permutations, 1)), axis=1)
        observed += float(ranks[len(a) :].mean() - ranks[: len(a)].mean())
        total += mixed[:, len(a) :].mean(axis=1) - mixed[:, : len(a)].mean(axis=1)
    # One more on either side: the observed arrangement is one of them.
    return float((np.sum(np.abs(total) >= abs(observed) - 1e-12) + 1) / (permutations + 1))


def _ranks(scores: Floats) -> Floats:
    """Share of the scores below each, ties counting half; what differs in the last bits is tied."""
    rounded = np.round(scores, 9)
    below, tied = (each(rounded[:, None], rounded).mean(axis=1) for each in (np.greater, np.equal))
    ranks: Floats = below + 0.5 * tied
    return ranks


def _curve(task: Task, designs: list[list[int]], evaluations: int) -> Floats:
    """Best score so far after every evaluation, as the verifier has it."""
    rewards = task.problem().evaluate(np.array(designs)).reward
    scores = [max(task.score(float(reward)), 0.0) for reward in np.maximum.accumulate(rewards)]
    return np.pad(np.array(scores), (0, evaluations - len(scores)), mode="edge")
