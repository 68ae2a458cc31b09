"""Rows of a union: all cells of its parts, one solver, nothing submitted twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest

from hwenvs.leaderboards.badges import BADGES, weakest
from hwenvs.leaderboards.board import Board
from hwenvs.leaderboards.ranking import THRESHOLD, Row
from hwenvs.leaderboards.suites import UnionSuite
from hwenvs.leaderboards.unions import Joint, joined, parts_of
from hwenvs.leaderboards.verify import Verdict
from hwenvs.reporting.statistics import evaluations_to, interquartile_mean

PARTS = ("bits-v1", "ops-v1")


def test_a_row_holds_all_cells_of_its_parts(rows: dict[str, Row], checked: Board) -> None:
    own = [checked.verdicts[part, "random"] for part in PARTS]
    row = rows["random"]
    assert list(parts_of(row.verdict)) == own
    assert np.array_equal(row.verdict.scores, np.concatenate([one.scores for one in own]))
    assert row.verdict.scores.shape == (3, 10)
    assert row.mean == interquartile_mean(row.verdict.scores.ravel())
    curves = [curve for one in own for judged in one.judged for curve in judged.curves]
    reached = [np.isfinite(evaluations_to(curve, THRESHOLD)) for curve in curves]
    assert row.solved == np.mean(reached)


def test_parts_without_an_entry_count_as_zero(rows: dict[str, Row]) -> None:
    row = rows["uniform"]
    assert [part.suite.id for part in parts_of(row.verdict)] == ["bits-v1"]
    assert row.verdict.missing == 20
    assert row.verdict.effective == 0
    assert not row.verdict.scores[1:].any()
    assert [one.task.key for one in row.verdict.judged] == [
        one.task.key for one in rows["random"].verdict.judged
    ]


def test_leaving_a_part_out_never_helps(checked: Board, union: UnionSuite) -> None:
    whole = {row.name: row.mean for row in checked.rows(union)}
    less = dict(checked.verdicts)
    del less["ops-v1", "random"]
    partial = {row.name: row.mean for row in replace(checked, verdicts=less).rows(union)}
    assert partial["random"] < whole["random"]


def test_a_row_has_the_weakest_badge_of_its_parts(rows: dict[str, Row]) -> None:
    assert rows["random"].badge == "replayed"
    assert rows["uniform"].badge == "indistinguishable", "nothing is claimed where nothing is"
    for pair in combinations_with_replacement(BADGES, 2):
        assert weakest(pair) == weakest(pair[::-1]) == pair[0]


def test_equal_names_of_different_solvers_are_rows_apart(rows: dict[str, Row]) -> None:
    mine, other = (rows[f"regularized-evolution@{part}"] for part in PARTS)
    assert (mine.verdict.missing, other.verdict.missing) == (20, 10)
    assert [row.verdict.entry.about.authors for row in (mine, other)] == [["Ada"], ["Bo"]]
    assert len(rows) == 4


def changed(checked: Board, **fields: Any) -> Iterable[Verdict]:
    """The verdicts on ``random``, of which the second entry says something else."""
    first, second = (checked.verdicts[part, "random"] for part in PARTS)
    about = second.entry.about.model_copy(update=fields)
    return first, replace(second, entry=replace(second.entry, about=about))


@pytest.mark.parametrize(
    "other",
    [
        {"authors": ["Ada", "Bo"]},
        {"account": "bo"},
        {"solver": "genetic"},
        {"hyperparameters": {"rate": 0.1}},
        {"hyperparameters": {"rate": float("inf")}},
        {"track": "design"},
    ],
    ids=str,
)
def test_a_row_is_one_solver_of_one_account(
    other: dict[str, Any], checked: Board, union: UnionSuite
) -> None:
    found = joined(union, checked.suites, changed(checked, **other))
    assert [one.name for one in found] == ["random@bits-v1", "random@ops-v1"]
    assert len({one.digest for one in found}) == 2


@pytest.mark.parametrize("field", ["method", "description", "tuning", "commit", "hardware"])
def test_other_words_may_differ(field: str, checked: Board, union: UnionSuite) -> None:
    (one,) = joined(union, checked.suites, changed(checked, **{field: "Other words"}))
    assert one.name == "random"


def test_sites_do_not_tell_upper_from_lower_case_accounts(
    checked: Board, union: UnionSuite
) -> None:
    first, second = changed(checked, account="Ada-L")
    about = first.entry.about.model_copy(update={"account": "ada-l"})
    first = replace(first, entry=replace(first.entry, about=about))
    assert len(joined(union, checked.suites, [first, second])) == 1


def test_the_order_of_verdicts_changes_nothing(checked: Board, union: UnionSuite) -> None:
    def told(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
        rows = joined(union, checked.suites, verdicts)
        assert all(isinstance(row, Joint) for row in rows)
        return sorted((row.to_dict() for row in rows), key=lambda row: row["entry"])

    verdicts = list(checked.verdicts.values())
    assert told(verdicts) == told(verdicts[::-1])
