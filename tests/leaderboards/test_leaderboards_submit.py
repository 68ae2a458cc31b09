"""Submitting: from run records to a folder, or to nothing at all."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from hwenvs.errors import ArgumentError, EntryError
from hwenvs.leaderboards.board import ENTRIES
from hwenvs.leaderboards.entries import ABOUT, RUNS
from hwenvs.leaderboards.submit import submit
from hwenvs.leaderboards.suites import TraceSuite
from hwenvs.solving import solve
from hwenvs.solving.records import Run


@pytest.fixture(scope="session")
def _made(small_suite: TraceSuite) -> list[Run]:
    return [
        solve("random", task.environment, small_suite.evaluations, seed, **task.arguments)
        for task in small_suite.tasks
        for seed in small_suite.seeds
    ]


@pytest.fixture
def runs(_made: list[Run]) -> list[Run]:
    """Runs of random search on all of the suite, which a test may change."""
    return copy.deepcopy(_made)


def names(folder: Path) -> list[str]:
    """All files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_entry_is_two_files_without_a_reward(
    runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    verdict = submit(runs, small_suite, "mine", fields, tmp_path)
    assert names(tmp_path) == [f"small-v1/mine/{ABOUT}", f"small-v1/mine/{RUNS}"]
    assert verdict.entry.folder == tmp_path / "small-v1" / "mine"
    about = json.loads((tmp_path / "small-v1" / "mine" / ABOUT).read_text())
    assert about["solver"] == "random"
    for task, judged in zip(small_suite.tasks, verdict.judged, strict=True):
        best = [max(run.rewards) for run in runs if run.environment == task.environment]
        assert judged.scores.tolist() == [max(task.score(reward), 0.0) for reward in best]


def test_one_run_without_chance_stands_for_all_seeds_and_is_found_among_others(
    runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    first = small_suite.seeds[0]
    flat = [
        solve("uniform", task.environment, small_suite.evaluations, first, **task.arguments)
        for task in small_suite.tasks
    ]
    about = {**fields, "solver": "uniform"}
    verdict = submit([*runs, *flat], small_suite, "flat", about, tmp_path)
    assert [len(judged.scores) for judged in verdict.judged] == [len(small_suite.seeds)] * len(flat)
    assert all(judged.scores.tolist() == [0.0] * len(judged.scores) for judged in verdict.judged)
    assert verdict.entry.about.solver == "uniform"


def test_equal_runs_give_equal_bytes_in_any_order(
    runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    submit(runs, small_suite, "mine", fields, tmp_path / "one")
    submit(runs[::-1], small_suite, "mine", fields, tmp_path / "two")
    for name in names(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_runs_that_the_suite_does_not_ask_for_are_left_out(
    runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    foreign = solve("random", "AMC-ResNet20-v0", 3)
    other_seed = solve("random", "HAQ-ResNet20-v0", 3, seed=77)
    other_arguments = solve("random", "HAQ-ResNet20-v0", 3, budget=0.5)
    verdict = submit(
        [foreign, other_seed, other_arguments, *runs], small_suite, "mine", fields, tmp_path
    )
    assert verdict.missing == 0


def test_ids_that_name_the_package_are_the_same(
    runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    for run in runs:
        run.environment = f"hwenvs:{run.environment}"
    assert submit(runs, small_suite, "mine", fields, tmp_path).missing == 0


def test_longer_runs_that_claim_designs_are_cut_at_the_budget(
    runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    runs[0] = solve("random", runs[0].environment, 30, runs[0].seed, **runs[0].arguments)
    verdict = submit(runs, small_suite, "mine", {**fields, "track": "design"}, tmp_path)
    first = small_suite.tasks[0]
    expected = first.score(max(runs[0].rewards[: small_suite.evaluations]))
    assert verdict.judged[0].scores[0] == max(expected, 0.0)


@pytest.mark.parametrize("allowed", [10, 30])
def test_a_search_was_allowed_what_the_suite_asks_for(
    allowed: int,
    runs: list[Run],
    small_suite: TraceSuite,
    tmp_path: Path,
    fields: dict[str, Any],
) -> None:
    runs[3] = solve("random", runs[3].environment, allowed, runs[3].seed, **runs[3].arguments)
    said = f"seed 3 was allowed {allowed} evaluations, but small-v1 asks for 20"
    with pytest.raises(ArgumentError, match=said):
        submit(runs, small_suite, "mine", fields, tmp_path)
    assert names(tmp_path) == []


def test_solvers_of_one_design_are_the_same_search_with_any_evaluations(
    small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    task = small_suite.tasks[0]
    flat = [solve("uniform", task.environment, 1, 0, **task.arguments)]
    assert submit(flat, small_suite, "flat", fields, tmp_path).entry.about.track == "search"


def forge(runs: list[Run]) -> None:
    runs[5].designs[3] = [8] * len(runs[5].designs[3])


@pytest.mark.parametrize("change", [forge, lambda runs: runs.append(runs[0])])
def test_nothing_is_left_of_what_the_verifier_refuses(
    change: Any, runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    change(runs)
    with pytest.raises(EntryError):
        submit(runs, small_suite, "mine", fields, tmp_path / ENTRIES)
    assert list((tmp_path / ENTRIES).iterdir()) == []


@pytest.mark.parametrize("name", ["../mine", "mine/..", "mine\n", "", "/tmp/mine", "Mine"])
def test_a_name_is_no_path(
    name: str, runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    with pytest.raises(EntryError, match=r"entry\.json: name: "):
        submit(runs, small_suite, name, fields, tmp_path / ENTRIES)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"licence": None}, "licence: "),
        ({"score": 1.0}, "score: Extra"),
        ({"hyperparameters": {"a": float("nan")}}, "no JSON"),
        ({"hyperparameters": {"a": Path()}}, "no JSON"),
        ({"track": "policy"}, "cannot be judged on small-v1, which takes design and search"),
    ],
)
def test_what_it_says_is_checked_before_anything_is_written(
    changes: dict[str, Any],
    message: str,
    runs: list[Run],
    small_suite: TraceSuite,
    tmp_path: Path,
    fields: dict[str, Any],
) -> None:
    with pytest.raises(EntryError, match=message):
        submit(runs, small_suite, "mine", {**fields, **changes}, tmp_path / ENTRIES)
    assert names(tmp_path) == []


def test_an_entry_that_exists_is_not_touched(
    runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    submit(runs, small_suite, "mine", fields, tmp_path)
    before = (tmp_path / "small-v1" / "mine" / RUNS).read_bytes()
    with pytest.raises(EntryError, match="mine exists"):
        submit(runs[:3], small_suite, "mine", fields, tmp_path)
    assert (tmp_path / "small-v1" / "mine" / RUNS).read_bytes() == before


def test_an_entry_is_one_solver(
    runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    runs[3].solver = "another"
    with pytest.raises(ArgumentError, match="not another, random: --solver NAME picks one"):
        submit(runs, small_suite, "mine", fields, tmp_path)


def test_an_entry_is_one_set_of_hyperparameters_and_one_can_be_picked(
    runs: list[Run], small_suite: TraceSuite, tmp_path: Path, fields: dict[str, Any]
) -> None:
    others = copy.deepcopy(runs)
    for run, other in zip(runs, others, strict=True):
        run.hyperparameters, other.hyperparameters = {"sigma": 0.1, "k": 3}, {"sigma": 0.3, "k": 3}
        other.seconds = run.seconds + 99.0
    both, fields = [*others, *runs], {**fields, "track": "design"}
    with pytest.raises(ArgumentError, match=r"random differ in sigma \(0.1, 0.3\): give .*about"):
        submit(both, small_suite, "mine", fields, tmp_path)
    picked = {**fields, "hyperparameters": {"k": 3, "sigma": 0.1}}
    submit(both, small_suite, "mine", picked, tmp_path / "both")
    submit(runs, small_suite, "mine", fields, tmp_path / "alone")
    made, alone = (tmp_path / name / "small-v1" / "mine" for name in ("both", "alone"))
    assert (made / RUNS).read_bytes() == (alone / RUNS).read_bytes()
    assert json.loads((made / ABOUT).read_text())["hyperparameters"] == {"k": 3, "sigma": 0.1}


@pytest.mark.parametrize(
    ("environment", "seed", "arguments", "message"),
    [
        ("AMC-ResNet20-v0", 0, {}, "1 record, none of an env.* HAQ-ResNet20-v0, NAS"),
        (
            "HAQ-ResNet20-v0",
            0,
            {"budget": 0.5},
            "none with the arguments .* small-v1 .* with budget 0.5, .* no arguments;.*default",
        ),
        ("HAQ-ResNet20-v0", 77, {}, "none with a seed of small-v1: 77, not 0, 1, 2"),
    ],
    ids=("environment", "arguments", "seed"),
)
def test_records_that_do_not_fit_make_no_entry_and_the_reason_is_told(
    environment: str,
    seed: int,
    arguments: dict[str, Any],
    message: str,
    small_suite: TraceSuite,
    tmp_path: Path,
    fields: dict[str, Any],
) -> None:
    with pytest.raises(ArgumentError, match=message):
        submit(
            [solve("random", environment, 3, seed, **arguments)],
            small_suite,
            "mine",
            fields,
            tmp_path,
        )
