"""Fronts of accuracy against cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.errors import ArgumentError, UnknownNameError
from hwenvs.reporting.fronts import front, non_dominated
from hwenvs.solving.records import Run

VALUES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=0, max_size=30)


def test_a_front_runs_from_the_cheapest_to_the_most_accurate() -> None:
    accuracies = [0.5, 0.9, 0.7, 0.7, 0.9, 0.4]
    costs = [1.0, 4.0, 2.0, 3.0, 4.0, 1.0]
    assert non_dominated(accuracies, costs).tolist() == [0, 2, 1]


@given(VALUES)
def test_a_front_is_what_nobody_dominates_each_point_once(points: list[tuple[int, int]]) -> None:
    found = non_dominated([a for a, _ in points], [c for _, c in points]).tolist()
    best = {
        (a, c)
        for a, c in points
        if not any((b >= a and d <= c) and (b, d) != (a, c) for b, d in points)
    }
    assert sorted(points[index] for index in found) == sorted(best)
    assert all(points.index(points[index]) == index for index in found)


def test_a_front_is_read_from_a_record() -> None:
    run = Run("random", "AMC-ResNet20-v0", {}, 0, 3)
    run.accuracies, run.costs = [0.5, 0.6, 0.4], {"macs": [2.0, 3.0, 1.0], "size": [1.0, 1.0, 1.0]}
    assert front(run, "macs").tolist() == [2, 0, 1]
    assert front(run, "size").tolist() == [1]
    with pytest.raises(UnknownNameError, match="Did you mean 'macs'"):
        front(run, "mac")


def test_a_front_of_odd_values_is_refused() -> None:
    with pytest.raises(ArgumentError, match="one accuracy and one cost"):
        non_dominated([0.5], [1.0, 2.0])
    with pytest.raises(ArgumentError, match="NaN"):
        non_dominated([np.nan], [1.0])
