"""Runs sorted for a report, and solvers over all environments."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from hwenvs.errors import ArgumentError
from hwenvs.reporting.blocks import Paragraph, Picture, Table
from hwenvs.reporting.comparisons import intervals
from hwenvs.reporting.overall import improvement, overall
from hwenvs.reporting.overview import overall_section
from hwenvs.reporting.results import Results, collect, summarise
from hwenvs.reporting.table import (
    budgets_note,
    effort_text,
    full_headings,
    full_rows,
    markdown,
    range_text,
    rich_table,
)
from hwenvs.solving import solve
from hwenvs.solving.records import Run

ID = "AMC-ResNet20-v0"
Record = Callable[..., Run]


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Real runs of four solvers."""
    tasks = [("random", 0), ("random", 1), ("shallow", 0), ("uniform", 0), ("exact", 0)]
    return [solve(solver, ID, evaluations=12, seed=seed) for solver, seed in tasks]


def test_a_summary_tells_the_best_of_every_run(record: Record) -> None:
    finals = [[0.0, 0.95, 0.2], [0.0, 0.0, 0.91], [0.1, 0.2, 0.3]]
    summary = summarise([record(f, seed=s, seconds=s + 1.0) for s, f in enumerate(finals)])
    assert summary.median == 0.91
    assert summary.mean == pytest.approx((0.95 + 0.91 + 0.3) / 3)
    assert (summary.effort, summary.reached) == (3, 2)
    assert summary.seconds == 2.0
    assert summary.best.seed == 0
    assert summary.accuracy == pytest.approx(0.595)


def test_the_accuracy_of_a_summary_is_its_best_designs(record: Record) -> None:
    # Where less accuracy buys more: the best design of all is not the most accurate one.
    runs = [
        replace(record([0.2, 0.9]), accuracies=[0.99, 0.7]),
        replace(record([0.1, 0.5]), accuracies=[0.6, 0.95]),
    ]
    summary = summarise(runs)
    assert runs[0].best == 1
    assert summary.accuracy == 0.7 == summary.best.accuracies[summary.best.best]


def test_a_summary_counts_evaluations_to_every_threshold(record: Record) -> None:
    summary = summarise([record([0.5, 0.9, 0.95, 0.96])])
    assert summary.efforts == {0.9: 2, 0.95: 3, 0.99: math.inf}
    assert summary.reaches == {0.9: 1, 0.95: 1, 0.99: 0}


def test_the_area_counts_scores_below_the_reference_as_none(record: Record) -> None:
    assert summarise([record([-3.0, 0.0, 0.5, 1.0])]).area == pytest.approx(1.5 / 4)
    short = record([1.0])
    short.evaluations = 10  # a solver that ends early keeps what it found
    assert summarise([short]).area == 1.0


def test_most_runs_missing_the_score_makes_the_effort_infinite(record: Record) -> None:
    finals = [[0.0, 0.95], [0.0, 0.1], [0.0, 0.2]]
    summary = summarise([record(scores, seed=seed) for seed, scores in enumerate(finals)])
    assert math.isinf(summary.effort or 0.0)
    assert summary.reached == 1


def test_efforts_say_how_far_runs_went_and_how_many_got_there() -> None:
    assert effort_text(12.0, 10, 10, 60) == "12"
    assert effort_text(12.0, 7, 10, 60) == "12 (7 of 10)"
    assert effort_text(math.inf, 3, 10, 60) == "> 60 (3 of 10)"
    assert effort_text(math.inf, 0, 10, 60) == "> 60"
    assert effort_text(math.inf, 1, 18, 1) == "> 1 (1 of 18)"
    assert effort_text(math.inf, 0, 18, 1) == "never"


def test_intervals_are_as_fine_as_what_they_are_of() -> None:
    assert range_text((0.9812, 0.9836)) == " [0.981, 0.984]"
    assert range_text((-0.0001, 0.5)) == " [0.000, 0.500]"
    assert range_text((0.125, 0.5), percent=True) == " [12, 50]"
    assert range_text((0.5, 0.5)) == range_text(None) == ""


def test_without_scores_a_summary_is_of_rewards(record: Record) -> None:
    made = record([0.0, 0.5])
    made.scores = None
    summary = summarise([made])
    assert not summary.scored
    assert (summary.area, summary.effort, summary.median) == (None, None, 0.55)


def test_results_are_sorted_by_environment_and_solver(runs: list[Run]) -> None:
    other = solve("uniform", ID, evaluations=1, budget=0.6)
    first, second = collect([*runs, other])
    assert first.summaries[0].solver == "exact"
    assert second.arguments == {"budget": 0.6}
    assert first.best.solver in ("random", "shallow")
    assert first.optimum is not None
    assert first.optimum.label == "certified optimum"


def test_a_solver_with_several_settings_is_told_apart_by_them(record: Record) -> None:
    made = [record([0.1], "tuned", seed) for seed in range(4)]
    for run in made:
        run.hyperparameters = {"size": 3, "rate": 0.5 if run.seed < 2 else 0.1}
    summaries = collect(made)[0].summaries
    assert {entry.solver for entry in summaries} == {"tuned (rate 0.5)", "tuned (rate 0.1)"}
    assert all(len(entry.runs) == 2 for entry in summaries)
    # Settings that only follow the environment make no two solvers.
    for run in made[2:]:
        run.arguments = {"budget": 0.6}
    assert [entry.solver for one in collect(made) for entry in one.summaries] == ["tuned"] * 2


def test_a_solver_with_several_budgets_is_told_apart_by_them(record: Record) -> None:
    made = [record([0.1] * length, "searcher", seed) for length in (3, 6) for seed in range(2)]
    made += [record([1.0], "exact"), record([0.2] * 3, "other")]
    (results,) = collect(made)
    assert {(entry.solver, len(entry.runs)) for entry in results.summaries} == {
        ("searcher (evaluations 3)", 2),
        ("searcher (evaluations 6)", 2),
        ("exact", 1),
        ("other", 1),
    }
    assert budgets_note(results) == (
        "Unequal numbers of evaluations were allowed: 3 (other, searcher (evaluations 3)); "
        "6 (searcher (evaluations 6))."
    )
    assert budgets_note(collect([run for run in made if run.evaluations != 6])[0]) is None


def test_where_one_solver_lacks_scores_all_are_compared_by_rewards(record: Record) -> None:
    first, second = record([0.0, 0.5], "first"), record([1.0], "second")
    second.scores = None
    (results,) = collect([first, second])
    assert {entry.solver: entry.median for entry in results.summaries} == {
        "first": 0.55,
        "second": 0.6,
    }


def test_the_table_has_a_row_per_solver(runs: list[Run]) -> None:
    (results,) = collect(runs)
    lines = markdown(full_headings(results), full_rows(results)).splitlines()
    assert len(lines) == 2 + 4
    assert len({line.count("|") for line in lines}) == 1
    assert "| exact | 1 | 1.000 | 1.000 |" in lines[2]


def test_a_terminal_shows_names_as_they_are(record: Record) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(rich_table(collect([record([0.1], "mine [red]")])[0]))
    assert "mine [red]" in console.export_text()


def test_names_cannot_break_a_table() -> None:
    text = markdown(["of |", "a\nb"], [["x|y\n# z", "1"]])
    assert text.splitlines() == ["| of \\| | a b |", "| --- | ---: |", "| x\\|y # z | 1 |"]


def test_the_table_fits_into_a_terminal_of_80_characters(runs: list[Run]) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(rich_table(collect(runs)[0]))
    printed = console.export_text()
    assert "a run" in printed
    assert "…" not in printed


def test_runs_recorded_with_other_tables_are_said_to_be(runs: list[Run]) -> None:
    assert not collect(runs)[0].stale
    changed = Run(**{**vars(runs[0]), "rewards": [reward + 0.01 for reward in runs[0].rewards]})
    assert collect([changed])[0].stale


def test_nothing_to_report_is_refused() -> None:
    with pytest.raises(ArgumentError, match="no runs"):
        collect([])
    with pytest.raises(ArgumentError, match="no evaluations"):
        collect([Run("random", ID, {}, 0, 5)])


@pytest.fixture
def two(record: Record) -> list[Results]:
    """Two environments: ``a`` and ``exact`` ran on both, ``b`` on the first only."""
    first = collect(
        [
            *(record([score], "a", seed) for seed, score in enumerate([0.2, 0.4])),
            *(record([score], "b", seed) for seed, score in enumerate([0.3, 0.9])),
            record([1.0], "exact"),
        ]
    )[0]
    entries = (
        summarise([record([score], "a", seed) for seed, score in enumerate([0.6, 0.95])]),
        summarise([record([1.0], "exact")]),
    )
    return [first, replace(first, environment="Other-v0", summaries=entries)]


def test_standings_pool_the_runs_of_all_environments(two: list[Results]) -> None:
    together = overall(two)
    assert together is not None
    assert [standing.solver for standing in together.standings] == ["exact", "a", "b"]
    of_a = together.standings[1]
    assert (of_a.runs, of_a.mean, of_a.median) == (4, pytest.approx(0.5), pytest.approx(0.5))
    assert of_a.reaches == {0.9: 1, 0.95: 1, 0.99: 0}
    assert (together.standings[0].evaluations, of_a.evaluations) == (1, 1)
    assert of_a.area == pytest.approx((0.3 + 0.775) / 2)
    assert of_a.interval is not None
    assert of_a.interval[0] < 0.5 < of_a.interval[1]
    assert together.standings[0].interval is None  # ran once, has no chance in it


def test_the_champion_had_to_look_on_all_environments(two: list[Results]) -> None:
    together = overall(two)
    assert together is not None
    assert together.champion.solver == "a"  # b is better where it ran, exact had not to look
    assert [together.complete(standing) for standing in together.standings] == [True, True, False]


@pytest.fixture
def unfinished(record: Record) -> list[Results]:
    """An easy and a hard environment: ``a`` ran on both, ``b`` the same but once on the hard."""
    hard, easy = [0.1, 0.2, 0.3, 0.4], [0.8, 0.85, 0.9, 0.95]

    def made(solver: str, scores: list[float]) -> list[Run]:
        return [record([score], solver, seed) for seed, score in enumerate(scores)]

    first = collect([*made("a", hard), *made("b", hard[-1:]), record([1.0], "exact")])[0]
    entries = [*map(summarise, (made("a", easy), made("b", easy), [record([1.0], "exact")]))]
    return [first, replace(first, environment="Easy-v0", summaries=tuple(entries))]


def test_runs_that_are_spread_unequally_are_another_exam(unfinished: list[Results]) -> None:
    together = overall(unfinished)
    assert together is not None
    complete = {one.solver: together.complete(one) for one in together.standings}
    # b has a better mean: of other tasks.
    assert [one.solver for one in together.standings] == ["exact", "a", "b"]
    assert together.standings[1].mean < together.standings[2].mean
    assert complete == {"exact": True, "b": False, "a": True}
    assert together.champion.solver == "a"


def test_a_report_says_whose_runs_are_spread_unequally(
    unfinished: list[Results], two: list[Results]
) -> None:
    def told(collected: list[Results]) -> str:
        together = overall(collected)
        assert together is not None
        section = overall_section(together, collected)
        texts = [block.text for block in section.blocks if isinstance(block, Paragraph)]
        shown = [block.caption for block in section.blocks if isinstance(block, Picture | Table)]
        return " ".join([*texts, *shown])

    assert "**Not all runs are there**: b ran more often on some" in told(unfinished)
    assert "Hollow: not run on all environments, or not equally often." in told(unfinished)
    assert "did not run equally often on all environments come last." in told(unfinished)
    assert "come last" not in told([unfinished[0]])
    assert "ran on some of the environments only" not in told(unfinished)
    assert "Not all runs" not in told(two)
    assert "Hollow: not run on all environments. " in told(two)
    together = overall(unfinished)
    assert together is not None
    labels = [text.get_text() for text in intervals(together).axes[0].get_yticklabels()]
    assert labels == ["exact", "a", "b (1 to 4 runs)"]


def test_improvement_is_over_common_environments(two: list[Results]) -> None:
    together = overall(two)
    assert together is not None
    found = together.against_champion["b"]
    assert found.environments == 1
    assert found.value == 0.75  # of 0.3 and 0.9 against 0.2 and 0.4: three of four pairs
    lone = replace(together.standings[2], strata={7: together.standings[2].strata[0]})
    assert improvement(lone, together.champion) is None


def test_environments_without_scores_are_left_out_and_named(two: list[Results]) -> None:
    rewards = replace(two[0].summaries[0], scored=False)
    unscored = replace(two[1], environment="Unscored-v0", summaries=(rewards,))
    together = overall([two[0], unscored])
    assert together is not None
    assert together.left_out == ("Unscored-v0",)
    assert overall([unscored]) is None
