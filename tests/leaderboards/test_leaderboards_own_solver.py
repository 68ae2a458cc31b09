"""Entries of solvers of one's own: found among others, made again, refused if they cannot be."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from hwenvs.errors import ArgumentError, HwenvsError
from hwenvs.leaderboards.reproduce import reproduce, solver_of
from hwenvs.leaderboards.submit import submit
from hwenvs.leaderboards.suites import TraceSuite
from hwenvs.solving import Run, get_solver, solve

DOCUMENTED = Path(__file__).parents[2] / "docs" / "solvers.md"

MINE = """
from hill_climbers import HillClimber


class Plain:
    name, hyperparameters, deterministic = "plain", {"step": 0.2}, True

    def solve(self, env, seed):
        HillClimber().solve(env, seed)


class Named:
    deterministic = True

    def __init__(self, step):
        self.name, self.hyperparameters = "named", {"step": step}

    def solve(self, env, seed):
        HillClimber(**self.hyperparameters).solve(env, seed)


class Forgetful(Plain):
    name = "forgetful"

    def __init__(self):
        self.hyperparameters = {"step": 0.1}
"""


@pytest.fixture(autouse=True)
def _mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of one's own in the working directory, beside the one of docs/solvers.md."""
    text = DOCUMENTED.read_text(encoding="utf-8").partition("## Your own")[2]
    example = text.partition("```python\n")[2].partition("\n\n\nrun = ")[0]
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "hill_climbers.py").write_text(example)
    (folder / "mine.py").write_text(MINE)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("mine", "hill_climbers"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def runs_of(solver: object, suite: TraceSuite) -> list[Run]:
    task = suite.tasks[0]
    return [
        solve(solver, task.environment, suite.evaluations, seed, **task.arguments)  # type: ignore[arg-type]
        for seed in suite.seeds[:2]
    ]


@pytest.mark.parametrize("words", ["hill_climbers:HillClimber", "mine:Plain"])
def test_an_entry_is_found_among_others_and_reproduced(
    words: str, small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    runs = runs_of("random", small_suite) + runs_of(words, small_suite)
    verdict = submit(runs, small_suite, "mine", {**fields, "solver": words}, tmp_path)
    assert verdict.entry.about.hyperparameters == {"step": 0.2}
    found = reproduce(verdict.entry, small_suite)
    assert (found.badge, found.equal) == ("reproduced", 2)


@pytest.mark.parametrize("words", ["hill_climbers:HillClimber", "mine:Named"])
def test_a_solver_is_made_with_the_hyperparameters_of_its_records(
    words: str, small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    runs = runs_of(get_solver(words, step=0.5), small_suite)
    entry = submit(runs, small_suite, "mine", {**fields, "solver": words}, tmp_path).entry
    assert solver_of(entry.about).hyperparameters == {"step": 0.5}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("forgetful", "solver 'forgetful' is none of the bundled ones: .*package.module:Class"),
        (None, "solver 'forgetful' is none of the bundled ones: .*package.module:Class"),
        ("mine:Forgetful", "no hyper-parameters step"),
        ("mine:Plain", "2 records of forgetful, not mine:Plain, which is called 'plain'"),
        ("random", "2 records of forgetful, not random"),
        ("nowhere:Mine", "no module 'nowhere'"),
    ],
)
def test_a_search_that_could_not_run_again_is_refused(
    words: str | None,
    message: str,
    small_suite: TraceSuite,
    tmp_path: Path,
    fields: dict[str, Any],
) -> None:
    runs = runs_of("mine:Forgetful", small_suite)
    for run in runs:
        run.hyperparameters = {"step": 0.3}
    named = {} if words is None else {"solver": words}
    with pytest.raises(HwenvsError, match=message):
        submit(runs, small_suite, "mine", {**fields, **named}, tmp_path / "entries")
    assert not (tmp_path / "entries").exists()


def test_designs_need_no_solver(
    small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    runs = runs_of("mine:Plain", small_suite)
    about = {**fields, "track": "design"}
    assert submit(runs, small_suite, "found", about, tmp_path).entry.about.solver is None
    with pytest.raises(ArgumentError, match=re.escape("'plain' is none of the bundled ones")):
        submit(runs, small_suite, "other", {**about, "solver": "plain"}, tmp_path)
