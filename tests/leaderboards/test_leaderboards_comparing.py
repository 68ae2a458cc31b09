"""Scores of runs that may differ: equal, different, and better by a little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwenvs.leaderboards.comparing import (
    SIGNIFICANCE,
    features,
    p_value,
    permutation_test,
    scores_of,
)
from hwenvs.leaderboards.entries import open_entry, read_traces
from hwenvs.leaderboards.reproduce import FEWEST_RUNS
from hwenvs.leaderboards.suites import TraceSuite
from hwenvs.leaderboards.verify import verify


def test_runs_that_are_compared_are_enough_to_tell_opposites_apart() -> None:
    def least(runs: int) -> float:
        return permutation_test([np.ones(runs)], [np.zeros(runs)])

    assert least(FEWEST_RUNS) < SIGNIFICANCE / 3
    assert least(FEWEST_RUNS - 2) > SIGNIFICANCE


def test_the_permutation_test_knows_equal_and_different() -> None:
    random = np.random.default_rng(0)
    alike = [random.random(5), random.random(5)]
    assert permutation_test(alike, alike) == 1.0
    apart = [values + 10 for values in alike]
    # Of the (10 choose 5) squared ways to deal the runs out, two are as extreme.
    assert permutation_test(alike, apart) < 5 * 2 / 252**2 + 2 / 20_000
    assert permutation_test(apart, alike) == permutation_test(alike, apart)


def test_the_permutation_test_keeps_its_level() -> None:
    random = np.random.default_rng(1)
    values = [
        permutation_test([random.random(5)], [random.random(5)], seed) < 0.05 for seed in range(200)
    ]
    # Binomial(200, 0.05): more than 22 has a probability of 0.0002.
    assert sum(values) <= 22


def test_one_wide_task_does_not_hide_what_the_others_show() -> None:
    random = np.random.default_rng(2)
    widths = (0.4, 0.02, 0.02, 0.02, 0.02)

    def scores(better: float) -> list[NDArray[np.float64]]:
        return [0.5 + better + width * random.standard_normal(10) for width in widths]

    found = [permutation_test(scores(0.05), scores(0.0), seed) for seed in range(10)]
    assert max(found) < SIGNIFICANCE / 3


def test_each_number_can_tell_runs_apart() -> None:
    random = np.random.default_rng(3)
    alike, other = ([random.random((10, 3)) for _ in range(3)] for _ in range(2))
    assert p_value(alike, alike) == 1.0
    for kind in range(3):
        better = [values + np.eye(3)[kind] for values in other]
        single = permutation_test([a[:, kind] for a in alike], [b[:, kind] for b in better])
        assert p_value(alike, better) == 3 * single < SIGNIFICANCE


def test_what_is_found_at_once_has_all_of_its_score_as_mean() -> None:
    found = features(np.array([[0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 0.25, 0.5], [0.0] * 4]))
    np.testing.assert_array_equal(found[:, 2], [1.0, 0.375, 1.0])


def test_scores_are_those_of_the_verifier(entry: Path, small_suite: TraceSuite) -> None:
    opened = open_entry(entry)
    traces = {(one.environment, one.seed): one.designs for one in read_traces(opened, small_suite)}
    cut = min(traces)
    traces[cut] = traces[cut][:7]
    (first, *_), judged = scores_of(traces, small_suite), verify(opened, small_suite).judged
    one = next(one for one in judged if one.task.key == cut[0])
    curve = one.curves[0].copy()
    curve[7:] = curve[6]
    np.testing.assert_array_equal(first[0, :2], [curve[-1], curve.mean()])
    np.testing.assert_array_equal(first[1:, 0], one.scores[1:])
    np.testing.assert_array_equal(first[1:, 1], one.curves[1:].mean(axis=1))
