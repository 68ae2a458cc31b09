"""Reports: statistics by hand, tables, figures and the folder."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from hwenvs.errors import ArgumentError
from hwenvs.records import Run, read_runs
from hwenvs.reporting import palette
from hwenvs.reporting.report import report_files, write_report
from hwenvs.reporting.results import collect, summarise
from hwenvs.reporting.statistics import (
    aligned,
    bootstrap_interval,
    evaluations_to,
    interquartile_mean,
    median,
)
from hwenvs.reporting.table import markdown_table, rich_table
from hwenvs.solving import solve

ID = "AMC-ResNet20-v0"


def run(scores: list[float], solver: str = "searcher", seed: int = 0, seconds: float = 1.0) -> Run:
    """A record with given scores."""
    made = Run(solver, ID, {}, seed, len(scores))
    made.designs = [[16] for _ in scores]
    made.rewards = made.accuracies = [0.5 + score / 10 for score in scores]
    made.scores, made.seconds = scores, seconds
    return made


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Real runs of three solvers."""
    tasks = [("random", 0), ("random", 1), ("shallow", 0), ("uniform", 0), ("exact", 0)]
    return [solve(solver, ID, evaluations=12, seed=seed) for solver, seed in tasks]


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


def test_bootstrap_of_two_runs_matches_the_binomial_distribution() -> None:
    # The mean of two draws from {0, 1} is 0, 1/2 or 1 with probability 1/4, 1/2, 1/4.
    assert bootstrap_interval([[0.0, 1.0]], lambda v: v.mean(axis=-1), 0.4) == (0.5, 0.5)
    assert bootstrap_interval([[0.0, 1.0]], lambda v: v.mean(axis=-1), 0.9) == (0.0, 1.0)


def test_statistics_of_nothing_are_refused() -> None:
    with pytest.raises(ArgumentError, match="at least one value"):
        interquartile_mean([])
    with pytest.raises(ArgumentError, match="no runs"):
        bootstrap_interval([])
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        bootstrap_interval([[1.0]], level=95)


def test_evaluations_are_counted_from_one_to_the_first_that_reaches_the_score() -> None:
    assert evaluations_to([0.1, 0.9, 0.95], 0.9) == 2
    assert math.isinf(evaluations_to([0.1, 0.2], 0.9))


def test_short_curves_keep_their_last_value() -> None:
    assert aligned([[1.0], [0.0, 2.0, 3.0]]).tolist() == [[1.0, 1.0, 1.0], [0.0, 2.0, 3.0]]


def test_a_summary_tells_the_best_of_every_run() -> None:
    finals = [[0.0, 0.95, 0.2], [0.0, 0.0, 0.91], [0.1, 0.2, 0.3]]
    summary = summarise([run(f, seed=s, seconds=s + 1.0) for s, f in enumerate(finals)])
    assert summary.median == 0.91
    assert summary.mean == pytest.approx((0.95 + 0.91 + 0.3) / 3)
    assert (summary.effort, summary.reached) == (3, 2)
    assert summary.seconds == 2.0
    assert summary.best.seed == 0
    assert summary.accuracy == pytest.approx(0.595)


def test_most_runs_missing_the_score_makes_the_effort_infinite() -> None:
    summary = summarise([run([0.0, 0.95]), run([0.0, 0.1], seed=1), run([0.0, 0.2], seed=2)])
    assert math.isinf(summary.effort or 0.0)
    assert summary.reached == 1


def test_results_are_sorted_by_environment_and_solver(runs: list[Run]) -> None:
    other = solve("uniform", ID, evaluations=1, budget=0.6)
    first, second = collect([*runs, other])
    assert first.summaries[0].solver == "exact"
    assert second.arguments == {"budget": 0.6}
    assert first.best.solver in ("random", "shallow")
    assert first.optimum is not None
    assert first.optimum.label == "certified optimum"


def test_the_table_has_a_row_per_solver(runs: list[Run]) -> None:
    lines = markdown_table(collect(runs)[0]).splitlines()
    assert len(lines) == 2 + 4
    assert len({line.count("|") for line in lines}) == 1
    assert "| exact | 1 | 1.000 | 1.000 |" in lines[2]


def test_a_report_is_a_folder_with_a_page_figures_and_runs(runs: list[Run], tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    write_report(runs, tmp_path / "report")
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"report.md", "learning_curves.png", "channels.png", "runs.jsonl"}
    for name in ("learning_curves.png", "channels.png"):
        pixels = image.imread(tmp_path / "report" / name)
        assert pixels.shape[0] > 400
        assert pixels.std() > 0.01
    page = (tmp_path / "report" / "report.md").read_text()
    assert f"hwenvs run {ID} --solver random --evaluations 12 --seeds 2" in page
    assert "proved optimal" in page
    assert read_runs(tmp_path / "report" / "runs.jsonl") == runs


def test_every_environment_gets_its_own_figures(runs: list[Run], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_report([runs[0], solve("random", ID, evaluations=3, budget=0.6)], tmp_path)
    assert set(tmp_path.iterdir()) == set(report_files(tmp_path, 2))
    assert "channels-2.png" in (tmp_path / "report.md").read_text()


def test_runs_recorded_with_other_tables_are_said_to_be(runs: list[Run]) -> None:
    assert not collect(runs)[0].stale
    changed = Run(**{**vars(runs[0]), "rewards": [reward + 0.01 for reward in runs[0].rewards]})
    assert collect([changed])[0].stale


def test_nothing_to_report_is_refused() -> None:
    with pytest.raises(ArgumentError, match="no runs"):
        collect([])
    with pytest.raises(ArgumentError, match="no evaluations"):
        collect([Run("random", ID, {}, 0, 5)])


def test_known_solvers_keep_their_colours_and_others_differ() -> None:
    chosen = palette.colours(["mine", "ddpg", "yours"])
    assert chosen["ddpg"] == palette.SOLVER_COLOURS["ddpg"]
    assert len(set(chosen.values())) == 3


def test_the_table_fits_into_a_terminal_of_80_characters(runs: list[Run]) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(rich_table(collect(runs)[0]))
    printed = console.export_text()
    assert "a run" in printed
    assert "…" not in printed
