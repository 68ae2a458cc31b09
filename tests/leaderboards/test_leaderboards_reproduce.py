"""Reproduction: equal traces, distributions that cannot be told apart, and forgeries."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.errors import ArgumentError, EntryError, SolverError
from hwenvs.leaderboards.board import ENTRIES
from hwenvs.leaderboards.comparing import SIGNIFICANCE
from hwenvs.leaderboards.entries import ABOUT, Entry, open_entry
from hwenvs.leaderboards.reproduce import SAMPLED_SEEDS, every, reproduce, sampled
from hwenvs.leaderboards.submit import submit
from hwenvs.leaderboards.suites import TraceSuite
from hwenvs.solving import get_solver, solve

HAQ, NAS = "HAQ-ResNet20-v0", "NAS-ProxylessCIFAR-mobile-v0"
Rewrite = Callable[..., bytes]

SOLVERS = '''
import numpy as np

STREAM = np.random.default_rng(0)


class Noisy:
    """Random search that heeds no seed: every run goes on where the one before has stopped."""

    name, hyperparameters, deterministic = "noisy", {}, False

    def solve(self, env, seed):
        sizes = [decision.kept for decision in env.problem.decisions]
        while True:
            env.evaluate(env.problem.canonical([[STREAM.choice(kept) for kept in sizes]])[0])


class Broken(Noisy):
    """Gives up at once."""

    def solve(self, env, seed):
        return


def run_command(command):
    """Does what no entry should be able to ask for."""
    raise AssertionError(command)
'''


@pytest.fixture
def solvers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of other people's solvers in the working directory."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "their_solvers.py").write_text(SOLVERS)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "their_solvers", raising=False)
    return "their_solvers"


def opened(board: Path, name: str) -> Entry:
    return open_entry(board / ENTRIES / "small-v1" / name)


def noisy(solver: str, folder: Path, suite: TraceSuite, fields: dict[str, Any]) -> Entry:
    """An entry of the solver that heeds no seed."""
    solver = f"{solver}:Noisy"
    runs = [
        solve(solver, task.environment, suite.evaluations, seed, **task.arguments)
        for task in suite.tasks
        for seed in suite.seeds
    ]
    entry = submit(runs, suite, "noisy", {**fields, "solver": solver}, folder / ENTRIES).entry
    assert not entry.about.deterministic
    return entry


def say(entry: Path, **changes: Any) -> None:
    fields = json.loads((entry / ABOUT).read_text())
    (entry / ABOUT).write_text(json.dumps({**fields, **changes}))


@pytest.mark.parametrize("name", ["random", "regularized-evolution"])
def test_bundled_solvers_reproduce_exactly(name: str, board: Path, small_suite: TraceSuite) -> None:
    steps: list[tuple[int, int]] = []
    found = reproduce(
        opened(board, name), small_suite, progress=lambda done, total: steps.append((done, total))
    )
    assert (found.badge, found.equal, len(found.cells)) == ("reproduced", 6, 6)
    assert found.p_value == 1.0
    assert steps == [(done, 6) for done in range(1, 7)]


def test_processes_change_nothing(board: Path, small_suite: TraceSuite) -> None:
    entry = opened(board, "random")
    cells = [(HAQ, 1), (NAS, 2), (HAQ, 7)]
    assert reproduce(entry, small_suite, cells, workers=2) == reproduce(entry, small_suite, cells)


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_trace_from_another_seed_is_not_reproduced(
    deterministic: bool,
    entry: Path,
    lines: list[dict[str, Any]],
    rewrite: Rewrite,
    small_suite: TraceSuite,
) -> None:
    # Runs of the same solver, but with seeds that were chosen afterwards.
    for line in lines:
        task = small_suite.task(line["environment"])
        run = solve("random", task.environment, 20, line["seed"] + 100, **task.arguments)
        line["designs"] = run.designs
    rewrite(entry, lines)
    say(entry, deterministic=deterministic)
    found = reproduce(open_entry(entry), small_suite)
    assert found.equal == 0
    # As good as the real thing is enough only for who did not promise the same.
    assert found.badge == ("different" if deterministic else "indistinguishable")


@pytest.mark.parametrize(
    ("kept", "badge"),
    [
        ((5, 5), "indistinguishable"),
        ((5, 4), "different"),
        ((2, 2), "different"),
        ((10, 0), "different"),
    ],
)
def test_a_few_runs_of_a_task_are_not_enough_to_be_indistinguishable(
    kept: tuple[int, int],
    badge: str,
    entry: Path,
    lines: list[dict[str, Any]],
    rewrite: Rewrite,
    small_suite: TraceSuite,
) -> None:
    allowed = dict(zip((HAQ, NAS), kept, strict=True))
    lines = [line for line in lines if line["seed"] < allowed[line["environment"]]]
    for line in lines:
        task = small_suite.task(line["environment"])
        run = solve("random", task.environment, 20, line["seed"] + 100, **task.arguments)
        line["designs"] = run.designs
    rewrite(entry, lines)
    say(entry, deterministic=False)
    found = reproduce(open_entry(entry), small_suite)
    assert len(found.cells) == sum(kept)
    assert found.p_value >= SIGNIFICANCE, "the scores are alike: only the number of runs decides"
    assert found.badge == badge


def test_equal_traces_are_reproduced_however_few(
    entry: Path, lines: list[dict[str, Any]], rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    rewrite(entry, [line for line in lines if line["seed"] < 2])
    say(entry, deterministic=False)
    found = reproduce(open_entry(entry), small_suite)
    assert (found.badge, found.equal) == ("reproduced", 4)


def test_one_forged_run_among_equal_ones_is_different(
    entry: Path, lines: list[dict[str, Any]], rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    lines[3]["designs"][0] = lines[3]["designs"][1]
    rewrite(entry, lines)
    cells = every(open_entry(entry), small_suite)
    found = reproduce(open_entry(entry), small_suite, cells)
    assert (found.badge, found.equal, len(cells)) == ("different", 19, 20)


def test_a_find_that_was_late_cannot_pass_for_one_at_once(
    entry: Path, lines: list[dict[str, Any]], rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    # Final scores are what they were: the best design of every run comes first instead.
    for line in lines:
        task = small_suite.task(line["environment"])
        rewards = task.problem().evaluate(np.array(line["designs"])).reward
        line["designs"].insert(0, line["designs"].pop(int(rewards.argmax())))
    rewrite(entry, lines)
    say(entry, deterministic=False)
    found = reproduce(open_entry(entry), small_suite)
    assert (found.badge, len(found.cells)) == ("different", 20)
    assert found.p_value < 0.01


def test_part_of_the_runs_is_not_enough_to_be_indistinguishable(
    solvers: str, tmp_path: Path, small_suite: TraceSuite, fields: dict[str, Any]
) -> None:
    entry = noisy(solvers, tmp_path, small_suite, fields)
    assert sampled(entry, small_suite) == every(entry, small_suite)
    found = reproduce(entry, small_suite, every(entry, small_suite)[:-1])
    assert found.p_value >= SIGNIFICANCE
    assert found.badge == "different"


def test_claims_that_a_random_solver_cannot_repeat_are_different(
    entry: Path, lines: list[dict[str, Any]], rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    # The optimum in place of a find: what is bought by calling oneself non-deterministic.
    for line in lines:
        line["designs"][-1] = small_suite.task(line["environment"]).design
    rewrite(entry, lines)
    say(entry, deterministic=False)
    found = reproduce(open_entry(entry), small_suite)
    assert found.badge == "different"
    assert found.p_value < 0.01


def test_a_solver_that_is_not_deterministic_is_indistinguishable(
    solvers: str, tmp_path: Path, small_suite: TraceSuite, fields: dict[str, Any]
) -> None:
    found = reproduce(noisy(solvers, tmp_path, small_suite, fields), small_suite)
    assert (found.badge, found.equal, len(found.cells)) == ("indistinguishable", 0, 20)


def test_nobody_knows_beforehand_what_is_run_again(board: Path, small_suite: TraceSuite) -> None:
    entry = opened(board, "random")
    samples = [sampled(entry, small_suite) for _ in range(6)]
    # Two draws of 3 of 10 seeds, twice, are equal with a probability of 1 in 14,400.
    assert len(set(map(tuple, samples))) > 1
    for cells in samples:
        assert [key for key, _ in cells] == [HAQ] * SAMPLED_SEEDS + [NAS] * SAMPLED_SEEDS
        assert len(set(cells)) == len(cells)
    equal = [sampled(entry, small_suite, np.random.default_rng(4)) for _ in range(2)]
    assert equal[0] == equal[1]


def test_a_sample_is_of_runs_that_are_there(
    entry: Path, lines: list[dict[str, Any]], rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    rewrite(
        entry, [line for line in lines if line["seed"] in (1, 2) and line["environment"] == NAS]
    )
    assert sampled(open_entry(entry), small_suite) == [(NAS, 1), (NAS, 2)]
    with pytest.raises(EntryError, match=f"no run on {HAQ} with seed 1"):
        reproduce(open_entry(entry), small_suite, [(HAQ, 1)])
    rewrite(entry, [])
    with pytest.raises(EntryError, match="no runs to repeat"):
        sampled(open_entry(entry), small_suite)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"track": "design", "solver": None}, EntryError, "names no solver"),
        ({"solver": "randm"}, ValueError, "unknown solver 'randm'.*'random'"),
        ({"solver": "nowhere.at.all:Solver"}, ArgumentError, "no module 'nowhere'"),
        ({"solver": "os:system", "hyperparameters": {"command": "true"}}, SolverError, "no class"),
        ({"solver": "subprocess:Popen", "hyperparameters": {"args": "true"}}, SolverError, "no cl"),
        ({"hyperparameters": {"lr": 1}}, SolverError, "no hyper-parameters lr"),
    ],
    ids=("none", "misspelt", "module", "function", "class", "hyper-parameter"),
)
def test_a_solver_that_cannot_be_made_is_told(
    changes: dict[str, Any],
    error: type[Exception],
    message: str,
    entry: Path,
    small_suite: TraceSuite,
) -> None:
    say(entry, **changes)
    with pytest.raises(error, match=message):
        reproduce(open_entry(entry), small_suite, [(HAQ, 0)])


def test_a_solver_that_tries_nothing_is_told(
    solvers: str, entry: Path, small_suite: TraceSuite
) -> None:
    say(entry, solver=f"{solvers}:Broken")
    with pytest.raises(EntryError, match="tries no design"):
        reproduce(open_entry(entry), small_suite, [(HAQ, 0)])


def test_a_function_of_a_module_is_never_called(solvers: str) -> None:
    with pytest.raises(SolverError, match="is no class with a method solve"):
        get_solver(f"{solvers}:run_command", command="anything")
