"""A sweep on a cluster of two nodes, one of which is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from hwenvs.sweeps.cells import CELLS, read_cells

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("HWENVS_TEST_RAY") != "1",
        reason="starts a Ray cluster and takes a minute or two: HWENVS_TEST_RAY=1 asks for it",
    ),
    pytest.mark.filterwarnings("ignore"),  # of Ray's own modules
]

ENVIRONMENTS, SEEDS, KILL_AT = ["AMC-ResNet20-v0", "HAQ-ResNet20-v0"], 100, 40

START, SWEEP = 120.0, 600.0
"""Seconds in which a cluster must start; and its sweep come to the kill, then to its end."""

HEALTH: dict[str, Any] = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000}
"""A dead node is noticed after 5 checks that fail: 5 s instead of 15."""

NODE: dict[str, Any] = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
"""What a node of so small a sweep needs, where Ray would take 30 % of the memory."""


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Ray on a head of one core; skips where Ray cannot start processes, sockets, shared memory."""
    cluster_utils = pytest.importorskip("ray.cluster_utils", reason="Ray comes with an extra")
    made = cluster_utils.Cluster()
    try:
        try:
            with limited(START):
                made.add_node(num_cpus=1, _system_config=HEALTH, **NODE)
                made.wait_for_nodes(timeout=START)
        except Exception as error:  # noqa: BLE001 - Ray says so in many ways
            pytest.skip(f"no Ray cluster starts here: {type(error).__name__}: {error}")
        yield made
    finally:
        with limited(START):
            made.shutdown()


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises :class:`TimeoutError` inside after ``seconds``, and again where it is caught."""

    def late(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise TimeoutError(f"not done within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_lost_node_loses_no_cell_and_none_is_there_twice(
    tmp_path: Path, write_plan: Any, make_cells: Any, cluster: Any
) -> None:
    with limited(START):
        doomed = cluster.add_node(num_cpus=2, **NODE)
        cluster.wait_for_nodes(timeout=START)
    changes = {
        "environments": ENVIRONMENTS,
        "solvers": ["random"],  # imports nothing more: processes start quickly
        "seeds": SEEDS,
        "evaluations": 300,
    }
    plan, out = write_plan(**changes), tmp_path / "results"
    command = [sys.executable, "-m", "hwenvs.cli", "sweep", str(plan), "--out", str(out)]
    with subprocess.Popen(
        [*command, "--engine", "ray", "--address", cluster.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            until = time.monotonic() + SWEEP
            while process.poll() is None and len(list(out.glob(f"{CELLS}/*.json"))) < KILL_AT:
                assert time.monotonic() < until, "the sweep does not get on"
                time.sleep(0.05)
            assert process.poll() is None, process.communicate()
            with limited(START):
                cluster.remove_node(doomed, allow_graceful=False)
            told = process.communicate(timeout=SWEEP)
        finally:
            process.kill()
    assert process.returncode == 0, told
    assert f"{len(ENVIRONMENTS) * SEEDS} cells solved, 0 were finished before" in told[0]
    runs = read_cells(out)
    assert [(run.environment, run.seed) for run in runs] == [
        (environment, seed) for environment in ENVIRONMENTS for seed in range(SEEDS)
    ]
    expected = {f"{cell.key}.json" for cell in make_cells(**changes)}
    assert {path.name for path in (out / CELLS).iterdir()} == expected
