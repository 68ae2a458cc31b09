"""The pool of processes, while some of them are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hwenvs.errors import SolverError, WorkerError
from hwenvs.solving.pool import perform
from hwenvs.solving.records import Run
from hwenvs.solving.starting import METHOD
from hwenvs.solving.workers import Failure
from hwenvs.sweeps.cells import solve_cell

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")


def pids() -> set[int]:
    """Of the workers that are alive."""
    return {child.pid for child in multiprocessing.active_children() if child.pid is not None}


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_a_killed_worker_loses_only_its_own_cell(make_cells: Any) -> None:
    cells = make_cells(solvers=["random"], seeds=8, evaluations=300)
    killed: set[int] = set()
    spared: set[int] = set()

    def once_both_work(index: int, done: int, best: float) -> None:  # noqa: ARG001
        both.add(index)
        if len(both) == 2 and not killed:
            first, second = sorted(pids())
            killed.add(first)
            spared.add(second)
            kill(first)

    both: set[int] = set()
    found, seen = {}, set()
    for index, result in perform(solve_cell, cells, 2, progress=once_both_work):
        assert index not in found
        found[index] = result
        seen = pids()
    assert killed
    assert spared < seen, "the other worker went on, beside a new one"
    assert not killed & seen
    assert sorted(found) == list(range(8))
    for index, run in found.items():
        assert isinstance(run, Run)
        assert run.designs == solve_cell(cells[index]).designs


def test_a_cell_whose_worker_always_dies_is_given_up_and_the_others_go_on(make_cells: Any) -> None:
    cells = make_cells(solvers=["random"], seeds=3, evaluations=300)
    killed: set[int] = set()

    def deadly(index: int, done: int, best: float) -> None:  # noqa: ARG001
        if index == 0:
            killed.update(alive := pids())
            for pid in alive:
                kill(pid)

    found = list(perform(solve_cell, cells, 1, retries=1, progress=deadly))
    assert len(killed) == 2
    assert [index for index, _ in found] == [1, 2, 0], "a retry waits behind all others"
    failure = found[-1][1]
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, WorkerError)
    assert "died 2 times, the last was killed by SIGKILL" in str(failure.error)


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="no real-time signals")
@pytest.mark.parametrize("number", [6, 40, 63])
def test_a_signal_without_a_name_is_told_by_its_number(number: int, make_cells: Any) -> None:
    cells = make_cells(solvers=["random"], seeds=2, evaluations=300)

    def deadly(index: int, done: int, best: float) -> None:  # noqa: ARG001
        if index == 0:
            for pid in pids():
                os.kill(pid, number)

    found = dict(perform(solve_cell, cells, 1, retries=0, progress=deadly))
    assert isinstance(found[1], Run)
    assert isinstance(found[0], Failure)
    ending = {6: "SIGABRT"}.get(number, f"signal {number}")
    assert str(found[0].error).endswith(f"was killed by {ending}")


def test_a_worker_killed_between_two_cells_is_replaced(make_cells: Any) -> None:
    cells = make_cells(solvers=["random"], seeds=3)
    found = {}
    for index, result in perform(solve_cell, cells, 1, retries=0):
        found[index] = result
        (worker,) = multiprocessing.active_children()
        worker.kill()
        worker.join()  # dead before the next cell is given out, which costs that cell no attempt
    assert all(isinstance(run, Run) for run in found.values())
    assert sorted(found) == [0, 1, 2]


def test_a_solver_that_raises_is_not_tried_again(make_cells: Any) -> None:
    cells = make_cells(solvers=["reinforce", "random"], seeds=2)
    found = dict(perform(solve_cell, cells, 2))
    for index, cell in enumerate(cells):
        failed = isinstance(found[index], Failure)
        assert failed == (cell.solver == "reinforce")
    failure = found[0]
    assert isinstance(failure, Failure)
    assert type(failure.error) is SolverError
    assert "reinforce needs a Discrete action space" in str(failure.error)
    assert "Traceback" in failure.trace


def test_workers_end_when_the_results_are_no_longer_wanted(make_cells: Any) -> None:
    results = perform(solve_cell, make_cells(solvers=["random"], evaluations=2000), 2)
    next(results)
    assert len(pids()) == 2
    results.close()
    assert not pids()


def test_workers_have_the_environment_variables_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("first", "second"):  # the process that they are forked from has one at most
        monkeypatch.setenv("HWENVS_TEST_VARIABLE", value)
        assert list(perform(os.getenv, ["HWENVS_TEST_VARIABLE"], 1)) == [(0, value)]


SERVER = """
import os
from multiprocessing import forkserver
from pathlib import Path
from hwenvs.solving.pool import perform
from hwenvs.solving.solvers import SOLVERS, solver_modules

if __name__ == "__main__":
    assert list(perform(os.getenv, ["KEY"], 1, modules=solver_modules(SOLVERS))) == [(0, "value")]
    server = Path("/proc") / str(forkserver._forkserver._forkserver_pid)
    print(len(list((server / "task").iterdir())), "libtorch" in (server / "maps").read_text())
"""


@pytest.mark.skipif(METHOD != "forkserver", reason="workers are forked on Linux")
def test_workers_are_forked_from_one_thread_whatever_it_has_imported(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch comes with an extra")
    script = tmp_path / "script.py"
    script.write_text(SERVER)
    told = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "KEY": "value"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert told.stdout == "1 True\n", told
