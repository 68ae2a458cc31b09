"""Sweeps as they are run: told, failing, interrupted, resumed."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hwenvs.errors import ArgumentError, DataError, MissingExtraError
from hwenvs.sweeps.cells import CELLS, read_cells, solve_cell
from hwenvs.sweeps.distributed import ray_engine
from hwenvs.sweeps.sweep import Engine, Outcomes, run_sweep
from tests.sweeps.conftest import here, same, stamps

if TYPE_CHECKING:
    from tests.conftest import Cli

INTERRUPTED = 130


def test_progress_counts_cells_from_those_that_were_there(tmp_path: Path, make_cells: Any) -> None:
    told: list[int] = []
    run_sweep(make_cells(seeds=2), tmp_path, here)
    run_sweep(make_cells(seeds=4), tmp_path, here, progress=told.append)
    assert told == [3, 4, 5]


def test_the_command_gives_the_runs_of_solve(
    cli: Cli, tmp_path: Path, write_plan: Any, make_cells: Any
) -> None:
    plan, out = write_plan(), tmp_path / "results"
    printed = cli.succeed("sweep", plan, "--out", out, "--workers", 2)
    assert "4 cells solved, 0 were finished before" in printed
    assert same(read_cells(out), [solve_cell(cell) for cell in make_cells()])
    assert (out / "sweep.yaml").read_bytes() == plan.read_bytes()
    again = cli.succeed("sweep", plan, "--out", out)
    assert "0 cells solved, 4 were finished before" in again


def test_a_failing_solver_is_told_at_the_end_and_fails_the_command(
    cli: Cli, tmp_path: Path, write_plan: Any
) -> None:
    plan, out = write_plan(solvers=["reinforce", "random"], seeds=2), tmp_path / "results"
    result = cli.call("sweep", plan, "--out", out, "--workers", 1)
    assert result.exit_code == 1
    assert "2 cells solved, 0 were finished before, 2 failed" in result.stdout
    for seed in (0, 1):
        assert f"reinforce on AMC-ResNet20-v0, seed {seed} (cell " in result.stderr
    assert "SolverError: reinforce needs a Discrete action space" in result.stderr
    told = json.loads((out / "failures.json").read_text())
    assert all("Traceback" in entry["trace"] for entry in told)
    write_plan(solvers=["random"], seeds=2)
    cli.succeed("sweep", plan, "--out", out)
    assert not (out / "failures.json").exists()


TAMPERING = """
from hwenvs.baselines.random import RandomSearch

class Forgetful(RandomSearch):
    name = "forgetful"

    def __init__(self):
        self.hyperparameters = {"nested": {"calls": 0}}

    def solve(self, env, seed):
        self.hyperparameters["nested"]["calls"] += 1
        super().solve(env, seed)

class Nameless(RandomSearch):
    name = "nameless"

    def solve(self, env, seed):
        try:
            super().solve(env, seed)
        finally:
            env.run.accuracies[0] = float("nan")

class Opaque(Nameless):
    name = "opaque"

    def solve(self, env, seed):
        env.run.versions["mine"] = lambda: 1
        RandomSearch.solve(self, env, seed)
"""


def test_solvers_that_spoil_their_records_fail_alone(
    cli: Cli, write_plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spoiling.py").write_text(TAMPERING)
    names = [f"spoiling:{name}" for name in ("Forgetful", "Nameless", "Opaque")]
    plan = write_plan(solvers=[*names, "random"], seeds=2)
    for solved in (4, 0):
        result = cli.call("sweep", plan, "--out", "results", "--workers", 1)
        assert result.exit_code == 1
        assert (
            f"{solved} cells solved, {4 - solved} were finished before, 4 failed" in result.stdout
        )
        for name in ("nameless", "opaque"):
            assert re.search(f"{name} on .*, seed 1 .*: it leaves a record", result.stderr)
        assert "accuracies[0]: Input should be a finite number" in result.stderr
    # What a solver does to its hyper-parameters is not what it was made with.
    runs = [run for run in read_cells(tmp_path / "results") if run.solver == "forgetful"]
    assert [run.hyperparameters for run in runs] == [{"nested": {"calls": 0}}] * 2


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names for pipes")
def test_a_plan_may_come_through_a_pipe(cli: Cli, tmp_path: Path, write_plan: Any) -> None:
    text = write_plan(solvers=["uniform"]).read_bytes()
    reading, writing = os.pipe()
    os.write(writing, text)
    os.close(writing)
    cli.succeed("sweep", f"/dev/fd/{reading}", "--out", tmp_path / "results")
    os.close(reading)
    assert (tmp_path / "results" / "sweep.yaml").read_bytes() == text


def test_a_wrong_plan_is_refused_in_one_line_before_anything_is_written(
    cli: Cli, tmp_path: Path, write_plan: Any
) -> None:
    said = cli.fail("sweep", write_plan(solvers=["randon"]), "--out", tmp_path / "results")
    assert "solvers[0]: unknown solver 'randon'. Did you mean 'random'" in said
    assert not (tmp_path / "results").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups of this kind")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_sweep_leaves_a_folder_to_go_on_from(
    cli: Cli, tmp_path: Path, write_plan: Any, make_cells: Any, how: signal.Signals
) -> None:
    changes = {"solvers": ["random"], "seeds": 16, "evaluations": 500}
    plan, out = write_plan(**changes), tmp_path / "results"
    command = [sys.executable, "-m", "hwenvs.cli", "sweep", str(plan), "--out", str(out)]
    with subprocess.Popen(
        [*command, "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background jobs ignore Ctrl-C, and what they start does so too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while process.poll() is None and len(list(out.glob(f"{CELLS}/*.json"))) < 2:
            time.sleep(0.01)
        # Ctrl-C reaches the whole group; kill -9 reaches one process, whose workers must notice.
        send = os.killpg if how == signal.SIGINT else os.kill
        send(process.pid, how)
        _, told = process.communicate(timeout=60)
    assert gone(process.pid)
    if how == signal.SIGKILL:
        assert process.returncode == -how
    else:
        assert process.returncode == INTERRUPTED
        # A slow machine may have told how far it was before.
        assert [line for line in told.splitlines() if "a minute" not in line][1:] == [], told
        assert "of 16 cells; go on with: hwenvs sweep" in told
        assert not list(out.rglob("*.tmp"))
    before = stamps(out)
    assert 2 <= len(read_cells(out)) < 16
    cli.succeed("sweep", plan, "--out", out, "--workers", 2)
    runs, cells = read_cells(out), make_cells(**changes)
    assert [run.seed for run in runs] == list(range(16))
    assert same(runs[::5], [solve_cell(cell) for cell in cells[::5]])
    assert stamps(out).items() >= {n: t for n, t in before.items() if n.endswith("json")}.items()


def gone(group: int, seconds: float = 20.0) -> bool:
    """Whether all processes of a group end within ``seconds``."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_missing_ray_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"hwenvs\[distributed\]"):
        ray_engine()


@pytest.mark.filterwarnings("ignore")  # of Ray's own modules
def test_a_cluster_that_does_not_answer_is_told_at_once(
    cli: Cli, tmp_path: Path, write_plan: Any
) -> None:
    pytest.importorskip("ray", reason="Ray comes with an extra")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and not listening
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        out = tmp_path / "results"
        result = cli.call(
            "sweep", write_plan(), "--out", out, "--engine", "ray", "--address", address
        )
    assert result.exit_code == 2
    assert f"cannot reach a Ray cluster at {address}" in result.stderr


def test_workers_and_addresses_are_refused_where_they_mean_nothing(
    cli: Cli, tmp_path: Path, write_plan: Any
) -> None:
    with pytest.raises(ArgumentError, match=r"cluster at 10\.0\.0\.1:6379 has its own"):
        ray_engine("10.0.0.1:6379", workers=2)
    said = cli.fail("sweep", write_plan(), "--out", tmp_path / "results", "--address", "auto")
    assert "an address belongs to --engine ray" in said


@pytest.mark.filterwarnings("ignore")  # of Ray's own modules
def test_a_ray_that_does_not_start_is_told_in_one_line(
    cli: Cli, tmp_path: Path, write_plan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="Ray comes with an extra")

    def starved(**_: object) -> None:
        raise Exception("The current node timed out during startup.\nMore lines")

    monkeypatch.setattr(ray, "init", starved)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    said = cli.fail("sweep", write_plan(), "--out", tmp_path / "results", "--engine", "ray")
    assert "cannot start Ray here: The current node timed out during startup." in said
    assert "More lines" not in said


@pytest.mark.parametrize("place", ["cells", "failures.json", "a cell"])
def test_what_is_in_the_way_is_told_before_anything_is_solved(
    tmp_path: Path, make_cells: Any, place: str
) -> None:
    def nobody(cells: Any) -> Outcomes:
        raise AssertionError(f"{cells} were to be solved")
        yield

    cells = make_cells()
    if place == "cells":
        (tmp_path / CELLS).write_text("notes of mine")
    elif place == "a cell":
        (tmp_path / CELLS / f"{cells[2].key}.json.gz").mkdir(parents=True)
    else:
        (tmp_path / place).mkdir()
    with pytest.raises(DataError, match="move it away"):
        run_sweep(cells, tmp_path, nobody)


def test_an_engine_is_any_function_that_yields_outcomes(tmp_path: Path, make_cells: Any) -> None:
    backwards: Engine = lambda cells: (  # noqa: E731
        (index, solve_cell(cells[index])) for index in reversed(range(len(cells)))
    )
    assert len(run_sweep(make_cells(), tmp_path, backwards).solved) == 4


def test_one_s_own_solver_is_swept_like_a_bundled_one(
    cli: Cli, write_plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bundled = "from hwenvs.baselines.random import RandomSearch"
    (tmp_path / "swept.py").write_text(f"{bundled}\nclass Mine(RandomSearch):\n    name = 'mine'\n")
    command = ("sweep", write_plan(solvers=["swept:Mine"]), "--out", "results", "--workers", 2)
    assert "3 cells solved" in cli.succeed(*command)
    assert "3 were finished before" in cli.succeed(*command)
    assert {run.solver for run in read_cells(tmp_path / "results")} == {"mine"}


def test_a_full_disk_says_how_to_go_on(
    cli: Cli, write_plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    plan = write_plan()
    monkeypatch.setattr("hwenvs.sweeps.sweep.write_cell", full)
    result = cli.call("sweep", plan, "--out", tmp_path / "results")
    assert result.exit_code == 2
    assert "stopped after 0 of 4 cells; go on with: " in result.stderr
    assert "error: No space left on device" in result.stderr
    monkeypatch.undo()
    assert "4 cells solved" in cli.succeed("sweep", plan, "--out", tmp_path / "results")
