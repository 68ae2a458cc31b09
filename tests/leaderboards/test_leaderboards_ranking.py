"""Ranking: tiers where order would be luck, and nothing gained by leaving something out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.leaderboards import ranking
from hwenvs.leaderboards.entries import About, Entry
from hwenvs.leaderboards.ranking import Row, rank
from hwenvs.leaderboards.suites import Task, TraceSuite
from hwenvs.leaderboards.verify import Judged, Verdict
from hwenvs.reporting.statistics import interquartile_mean

RUNS, EVALUATIONS = 10, 4
TASKS = [
    Task(
        key=key,
        environment=key,
        uniform=0.0,
        optimum=1.0,
        proved=True,
        design=[1],
        dynamics="0" * 64,
    )
    for key in ("One-v0", "Two-v0")
]
SUITE = TraceSuite(
    name="made",
    version=1,
    title="Made by hand",
    evaluations=EVALUATIONS,
    seeds=list(range(RUNS)),
    tasks=TASKS,
)


def verdict(name: str, scores: Sequence[Sequence[float]], reached: int = EVALUATIONS) -> Verdict:
    """An entry with final ``scores`` [tasks][runs], reached at evaluation ``reached``."""
    about = About(
        name=name,
        suite=SUITE.id,
        track="design",
        method="By hand",
        authors=["Somebody"],
        code="https://example.org",
        commit="0",
        tuning="None.",
        trained_on_test_instances=False,
        licence="MIT",
    )
    judged = []
    for task, finals in zip(TASKS, scores, strict=True):
        curves = np.zeros((RUNS, EVALUATIONS))
        curves[:, reached - 1 :] = np.array(finals)[:, None]
        judged.append(Judged(task, curves, (), RUNS, (1,), 1.0, (2.0,) * RUNS))
    return Verdict(Entry(Path(name), about, "0" * 64), SUITE, tuple(judged))


def spread(middle: float) -> list[list[float]]:
    """Scores of two tasks around ``middle``."""
    offsets = np.linspace(-0.05, 0.05, RUNS)
    return [list(middle + offsets), list(middle + offsets[::-1])]


def ranked(*verdicts: Verdict) -> list[Row]:
    return rank([(one, "replayed") for one in verdicts])


def tiers(*verdicts: Verdict) -> dict[str, int]:
    return {row.name: row.tier for row in ranked(*verdicts)}


def test_clearly_better_entries_stand_in_tiers_of_their_own() -> None:
    found = tiers(
        verdict("low", spread(0.3)), verdict("high", spread(0.9)), verdict("mid", spread(0.6))
    )
    assert found == {"high": 1, "mid": 2, "low": 3}
    assert list(found) == ["high", "mid", "low"]


def test_entries_that_cannot_be_told_apart_share_a_tier() -> None:
    rows = ranked(
        verdict("a1", spread(0.60)), verdict("b1", spread(0.605)), verdict("c1", spread(0.3))
    )
    assert [(row.name, row.tier) for row in rows] == [("b1", 1), ("a1", 1), ("c1", 2)]
    first, second, third = rows
    assert first.better is None
    assert third.better is None
    probability, (low, high) = second.better or (0.0, (0.0, 0.0))
    assert low <= 0.5 <= high
    assert low <= probability <= high


def test_tiers_are_about_their_first_entry_not_about_neighbours() -> None:
    # Each of a long chain is like the next one, the last not like the first.
    chain = [verdict(f"e{number}", spread(0.6 - 0.02 * number)) for number in range(8)]
    found = tiers(*chain)
    assert found["e0"] == found["e1"] == 1
    assert found["e7"] > 1
    rows = ranked(*chain)
    for row in rows:
        assert row.better is None or row.better[1][0] <= 0.5


def test_means_that_single_runs_contradict_are_no_order() -> None:
    # Higher mean by a few large scores, yet beaten by most runs of the other.
    few = [[0.50] * 6 + [1.0] * 4, [0.50] * 6 + [1.0] * 4]
    many = [[0.55] * 10, [0.55] * 10]
    rows = ranked(verdict("many", many), verdict("few", few))
    assert [row.name for row in rows] == ["few", "many"]
    assert {row.tier for row in rows} == {1}


def test_columns_are_computed_over_all_runs_of_all_tasks() -> None:
    scores = [[1.0] * 10, [0.0] * 10]
    (row,) = ranked(verdict("half", scores, reached=2))
    assert row.mean == pytest.approx(0.5)
    assert row.solved == 0.5
    assert row.effort == 2.0
    assert row.seconds == 2.0
    (row,) = ranked(verdict("less", [[1.0] * 9 + [0.0], [0.0] * 10]))
    assert row.effort == np.inf


def test_evaluations_are_counted_as_reports_count_them(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[float]] = []
    monkeypatch.setattr(ranking, "median_effort", lambda efforts: seen.append(efforts) or 7.0)
    (row,) = ranked(verdict("half", [[1.0] * 10, [0.0] * 10], reached=2))
    assert row.effort == 7.0
    assert seen == [[2.0] * 10 + [np.inf] * 10]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_of_entries_changes_nothing(order: tuple[int, ...]) -> None:
    made = [
        verdict("aa", spread(0.6)),
        verdict("bb", spread(0.6)),
        verdict("cc", spread(0.61)),
        verdict("dd", spread(0.2)),
    ]
    expected = [(row.name, row.tier, row.mean, row.interval, row.better) for row in ranked(*made)]
    shuffled = ranked(*[made[place] for place in order])
    found = [(row.name, row.tier, row.mean, row.interval, row.better) for row in shuffled]
    assert found == expected
    assert [name for name, *_ in expected] == ["cc", "aa", "bb", "dd"]


def test_an_entry_with_a_missing_task_never_stands_above_one_it_loses_to() -> None:
    # Equal on the first task; the second is missing, which others would leave out of the mean.
    whole = [[0.95] * 10, [0.4] * 10]
    partial = [[0.95] * 10, [0.0] * 10]
    assert tiers(verdict("partial", partial), verdict("whole", whole)) == {"whole": 1, "partial": 2}


Scores = st.lists(st.lists(st.floats(0, 1.2), min_size=RUNS, max_size=RUNS), min_size=2, max_size=2)


@given(Scores, st.sets(st.integers(0, 2 * RUNS - 1)))
def test_leaving_runs_out_never_raises_the_mean(
    scores: list[list[float]], dropped: set[int]
) -> None:
    left = np.array(scores)
    left.reshape(-1)[sorted(dropped)] = 0.0  # what the verifier gives for a missing run
    whole, partial = (float(interquartile_mean(s.ravel())) for s in (np.array(scores), left))
    assert partial <= whole + 1e-12


def test_no_entries_make_no_table() -> None:
    assert rank([]) == []
