"""How workers start: interrupted while they do, and where the process they are forked from dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

from hwenvs.errors import WorkerError
from hwenvs.solving.pool import perform
from hwenvs.solving.starting import METHOD, preload

pytestmark = pytest.mark.skipif(METHOD != "forkserver", reason="workers are forked on Linux")

WAITING = """
import os, signal, threading, time
from hwenvs.solving.pool import perform

if __name__ == "__main__":
    threading.Timer(1, os.killpg, (0, signal.SIGINT)).start()
    started = time.monotonic()
    try:
        list(perform(os.getenv, ["KEY"], 2, modules=["slow"]))
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - started < 15)
"""
"""Ctrl-C, in all processes of a terminal's group, while a worker waits for slow imports."""

AT_ONCE = """
import os, signal
from multiprocessing import forkserver
from hwenvs.solving.starting import preload

def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    ensure_running()

if __name__ == "__main__":
    ensure_running, forkserver.ensure_running = forkserver.ensure_running, interrupted
    try:
        preload([])
    except KeyboardInterrupt:
        print("interrupted", forkserver._forkserver._forkserver_pid is not None)
"""
"""Ctrl-C in the moment in which the process is started that workers are forked from."""


@pytest.mark.parametrize("script", [WAITING, AT_ONCE], ids=["waiting", "at once"])
def test_an_interrupt_during_the_start_is_not_lost(tmp_path: Path, script: str) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(20)\n")
    (tmp_path / "script.py").write_text(script)
    errors = tmp_path / "errors"  # a file: the slow process outlives the script that is waited for
    with errors.open("w") as file:
        told = subprocess.run(
            [sys.executable, str(tmp_path / "script.py")],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            timeout=120,
            check=False,
            start_new_session=True,
        )
    assert told.stdout == "interrupted True\n", errors.read_text()
    assert "Traceback" not in errors.read_text(), "nor does any process complain"


def kill_server() -> None:
    """Kills the process that workers are forked from, and waits until it is dead."""
    server: Any = forkserver._forkserver  # type: ignore[attr-defined]
    os.kill(server._forkserver_pid, signal.SIGKILL)
    os.waitid(os.P_PID, server._forkserver_pid, os.WEXITED | os.WNOWAIT)  # others reap it


@pytest.mark.parametrize("deaths", [1, 2])
def test_workers_are_started_once_more_where_what_they_are_forked_from_dies(
    monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    preload([])
    server: Any = forkserver._forkserver  # type: ignore[attr-defined]
    ensure, left = server.ensure_running, [deaths]

    def deadly() -> None:
        """Between the last look whether it runs and the request to fork."""
        ensure()
        if left[0]:
            left[0] -= 1
            kill_server()

    monkeypatch.setattr(server, "ensure_running", deadly)
    monkeypatch.setattr("hwenvs.solving.pool.preload", str)
    monkeypatch.setenv("HWENVS_TEST_VARIABLE", "value")
    results = perform(os.getenv, ["HWENVS_TEST_VARIABLE"], 1)  # type: ignore[arg-type]
    if deaths == 1:
        assert list(results) == [(0, "value")]
    else:
        with pytest.raises(WorkerError, match="died twice, perhaps for want of memory"):
            list(results)
