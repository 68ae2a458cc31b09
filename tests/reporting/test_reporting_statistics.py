"""Statistics against cases that can be worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from hwenvs.errors import ArgumentError
from hwenvs.reporting.statistics import (
    aligned,
    area_under_curve,
    bootstrap_interval,
    columns,
    evaluations_to,
    improvement_interval,
    interquartile_mean,
    median,
    median_effort,
    performance_profile,
    probability_of_improvement,
    profile_band,
)


def test_interquartile_mean_is_the_mean_of_the_middle_half() -> None:
    assert interquartile_mean([100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -100.0]) == 3.5
    assert interquartile_mean([0.0, 1.0, 5.0]) == 2.0
    assert interquartile_mean([[9.0, 1.0, 2.0, -9.0], [1.0, 1.0, 1.0, 5.0]]).tolist() == [1.5, 1.0]


def test_median_is_the_middle_value() -> None:
    assert median([5.0, 1.0, 2.0]) == 2.0
    assert median([4.0, 1.0, 2.0, 3.0]) == 2.5


def test_bootstrap_intervals_repeat_contain_the_estimate_and_narrow_with_more_runs() -> None:
    random = np.random.default_rng(0)
    few, many = random.normal(size=10), random.normal(size=1000)
    low, high = bootstrap_interval([few])
    assert (low, high) == bootstrap_interval([few])
    assert low < interquartile_mean(few) < high
    wide, narrow = high - low, np.subtract(*bootstrap_interval([many], repetitions=500)[::-1])
    assert narrow < wide / 3


def test_bootstrap_draws_within_strata() -> None:
    assert bootstrap_interval([[0.0, 0.0], [1.0, 1.0]], lambda v: v.mean(axis=-1)) == (0.5, 0.5)


def test_the_columns_of_an_array_of_runs_and_tasks_are_the_strata() -> None:
    scores = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, np.nan]])
    assert [column.tolist() for column in columns(scores)] == [[0.0] * 3, [1.0] * 2]
    # Drawn within tasks, the mean is always that of three zeros and two ones.
    assert bootstrap_interval(columns(scores), lambda v: v.mean(axis=-1)) == (0.4, 0.4)


def test_arrays_that_are_not_runs_by_tasks_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"\[runs, tasks\]"):
        columns([1.0, 2.0])
    with pytest.raises(ArgumentError, match="at least one value"):
        columns([[1.0, np.nan]])


def test_bootstrap_of_two_runs_matches_the_binomial_distribution() -> None:
    # The mean of two draws from {0, 1} is 0, 1/2 or 1 with probability 1/4, 1/2, 1/4.
    assert bootstrap_interval([[0.0, 1.0]], lambda v: v.mean(axis=-1), 0.4) == (0.5, 0.5)
    assert bootstrap_interval([[0.0, 1.0]], lambda v: v.mean(axis=-1), 0.9) == (0.0, 1.0)


def test_statistics_of_nothing_are_refused() -> None:
    with pytest.raises(ArgumentError, match="at least one value"):
        interquartile_mean([])
    with pytest.raises(ArgumentError, match="no runs"):
        bootstrap_interval([])
    with pytest.raises(ArgumentError, match="no runs"):
        performance_profile([], [0.5])
    with pytest.raises(ArgumentError, match="no runs"):
        probability_of_improvement([], [])
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        bootstrap_interval([[1.0]], level=95)
    with pytest.raises(ArgumentError, match="repetitions must be at least 1, not 0"):
        bootstrap_interval([[1.0, 2.0]], repetitions=0)
    with pytest.raises(ArgumentError, match="no curves"):
        aligned([])


@pytest.mark.parametrize("statistic", [interquartile_mean, median])
def test_nan_is_no_score(statistic: Callable[..., object]) -> None:
    with pytest.raises(ArgumentError, match="one of the values is NaN"):
        statistic([1.0, np.nan, 2.0, 3.0])


def test_improvement_is_the_share_of_pairs_won_with_ties_as_halves() -> None:
    # 3 beats all of 0, 1, 2; 1 beats 0 and ties with 1: 4.5 of 6 pairs.
    assert probability_of_improvement([[3.0, 1.0]], [[0.0, 1.0, 2.0]]) == 0.75
    # A second environment, all lost, counts as much as the first however many runs it has.
    assert probability_of_improvement([[3.0, 1.0], [0.0]], [[0.0, 1.0, 2.0], [1.0]]) == 0.375


def test_improvement_of_each_on_the_other_sums_to_one() -> None:
    random = np.random.default_rng(1)
    first, second = list(random.integers(5, size=(3, 4))), list(random.integers(5, size=(3, 7)))
    there, back = (probability_of_improvement(*pair) for pair in ((first, second), (second, first)))
    assert there + back == pytest.approx(1.0)


def test_improvement_intervals_match_the_binomial_distribution() -> None:
    # Two draws from {0, 2} against a lone 1 win 0, 1/2 or 1 with probability 1/4, 1/2, 1/4.
    assert improvement_interval([[0.0, 2.0]], [[1.0]], 0.4) == (0.5, 0.5)
    assert improvement_interval([[0.0, 2.0]], [[1.0]], 0.9) == (0.0, 1.0)
    # The second solver's runs are drawn as well.
    assert improvement_interval([[1.0]], [[0.0, 2.0]], 0.9) == (0.0, 1.0)
    # Independent draws of both win 0, 1/4, 1/2, 3/4 or 1 with probability 1, 4, 6, 4, 1 of 16.
    assert improvement_interval([[0.0, 2.0]], [[0.0, 2.0]], 0.5) == (0.25, 0.75)


@pytest.mark.parametrize("sizes", [(14, 14), (10, 7), (3, 29)])
def test_equal_solvers_are_undecided_for_every_number_of_runs(sizes: tuple[int, int]) -> None:
    first, second = (np.ones(size) for size in sizes)
    assert improvement_interval([first], [second]) == (0.5, 0.5)
    assert improvement_interval([first] * 3, [second] * 3) == (0.5, 0.5)
    assert improvement_interval([first], [second - 1]) == (1.0, 1.0)
    assert improvement_interval([first - 1], [second]) == (0.0, 0.0)


def test_intervals_of_infinite_scores_are_refused() -> None:
    with pytest.raises(ArgumentError, match="must be finite"):
        bootstrap_interval([[np.inf, 1.0, 2.0]])


def test_improvement_needs_the_same_environments() -> None:
    with pytest.raises(ArgumentError, match="same environments, not 1 and 2"):
        probability_of_improvement([[1.0]], [[1.0], [2.0]])


def test_a_profile_is_the_fraction_of_runs_above_each_score() -> None:
    one = [0.0, 0.5, 1.0, 1.0]
    assert performance_profile([one], [-1.0, 0.0, 0.5, 0.75, 1.0]).tolist() == [
        1,
        0.75,
        0.5,
        0.5,
        0,
    ]
    # Mean over environments, not over runs.
    assert performance_profile([one, [0.0]], [0.75]).tolist() == [0.25]


def test_profile_bands_match_the_binomial_distribution_and_repeat() -> None:
    low, high = profile_band([[0.0, 1.0]], [-1.0, 0.5, 2.0], 0.9)
    assert low.tolist() == [1.0, 0.0, 0.0]
    assert high.tolist() == [1.0, 1.0, 0.0]
    low, high = profile_band([[0.0, 1.0]], [0.5], 0.4)
    assert (low.tolist(), high.tolist()) == ([0.5], [0.5])


def test_the_area_is_the_mean_best_score_over_the_budget() -> None:
    assert area_under_curve([0.0, 0.5, 1.0]) == 0.5
    assert area_under_curve([0.0, 1.0], evaluations=4) == 0.75  # keeps its last value
    assert area_under_curve([0.0, 1.0, 1.0], evaluations=2) == 0.5  # cut
    assert area_under_curve([-7.0, 1.0], floor=0.0) == 0.5
    assert area_under_curve([0.0, -1.0, 1.0], evaluations=2, floor=-0.5) == -0.25
    # A budget is no array: solvers that end early may be allowed any number.
    assert area_under_curve([0.0, 0.5], evaluations=10**20) == 0.5
    with pytest.raises(ArgumentError, match="at least 1, not 0"):
        area_under_curve([1.0], evaluations=0)


def test_evaluations_are_counted_from_one_to_the_first_that_reaches_the_score() -> None:
    assert evaluations_to([0.1, 0.9, 0.95], 0.9) == 2
    assert math.isinf(evaluations_to([0.1, 0.2], 0.9))


def test_the_median_effort_is_finite_as_long_as_half_of_the_runs_get_there() -> None:
    assert median_effort([5.0, math.inf, 7.0]) == 7.0
    assert median_effort([5.0, math.inf]) == 5.0
    assert math.isinf(median_effort([5.0, math.inf, math.inf]))


def test_short_curves_keep_their_last_value() -> None:
    assert aligned([[1.0], [0.0, 2.0, 3.0]]).tolist() == [[1.0, 1.0, 1.0], [0.0, 2.0, 3.0]]
