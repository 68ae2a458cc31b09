"""A sweep on a cluster of two nodes, one of which is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
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

SEEDS, KILL_AT = 100, 40


def test_a_lost_node_loses_no_cell_and_none_is_there_twice(
    tmp_path: Path, write_plan: Any, make_cells: Any
) -> None:
    from ray.cluster_utils import Cluster

    changes = {"solvers": ["random", "cma-es"], "seeds": SEEDS, "evaluations": 100}
    plan, out = write_plan(**changes), tmp_path / "results"
    command = [sys.executable, "-m", "hwenvs.cli", "sweep", str(plan), "--out", str(out)]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        doomed = cluster.add_node(num_cpus=2)
        cluster.wait_for_nodes()
        with subprocess.Popen(
            [*command, "--engine", "ray", "--address", cluster.address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            while process.poll() is None and len(list(out.glob(f"{CELLS}/*.json"))) < KILL_AT:
                time.sleep(0.05)
            assert process.poll() is None, process.communicate()
            cluster.remove_node(doomed, allow_graceful=False)
            told = process.communicate(timeout=300)
    finally:
        cluster.shutdown()
    assert process.returncode == 0, told
    assert f"{2 * SEEDS} cells solved, 0 were finished before" in told[0]
    runs = read_cells(out)
    assert [(run.solver, run.seed) for run in runs] == [
        (solver, seed) for solver in ("cma-es", "random") for seed in range(SEEDS)
    ]
    expected = {f"{cell.key}.json" for cell in make_cells(**changes)}
    assert {path.name for path in (out / CELLS).iterdir()} == expected
