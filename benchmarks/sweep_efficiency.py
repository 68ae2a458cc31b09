"""How much faster a sweep is on two workers than on one, and what a worker takes of the memory.

``python benchmarks/sweep_efficiency.py [SWEEP.yaml]`` runs the same sweep on 1 and on 2 workers, in
turns, and prints a table.  Wall-clock time from the first process that is started to the last file
that is written, imports included; it needs two cores with nothing else to do.  Memory is the
largest resident set of any worker, as Linux keeps it (``VmHWM``).
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from hwenvs.sweeps.cells import Cell
from hwenvs.sweeps.plan import read_plan
from hwenvs.sweeps.sweep import pool_engine, run_sweep

PLAN = Path(__file__).parent / "sweeps" / "efficiency.yaml"
WORKERS = (1, 2)
ROUNDS = 2


def peak_mib(pid: int) -> float:
    """Largest resident set of a process so far, in MiB; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def timed(cells: list[Cell], workers: int) -> tuple[float, float]:
    """Seconds that a sweep takes, and the largest worker in MiB."""
    peak = 0.0

    def look(done: int) -> None:  # noqa: ARG001
        nonlocal peak
        children = multiprocessing.active_children()
        peak = max([peak, *(peak_mib(child.pid) for child in children if child.pid)])

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        sweep = run_sweep(cells, Path(folder), pool_engine(workers), progress=look)
        seconds = time.perf_counter() - start
    assert len(sweep.solved) == len(cells)
    return seconds, peak


def main() -> None:
    """Prints the table."""
    cells = read_plan(Path(sys.argv[1]) if len(sys.argv) > 1 else PLAN).cells()
    found: dict[int, list[tuple[float, float]]] = {workers: [] for workers in WORKERS}
    for _ in range(ROUNDS):
        for workers in WORKERS:
            found[workers].append(timed(cells, workers))
    print(f"{len(cells)} cells, median of {ROUNDS} rounds")
    print("workers  seconds  times as fast  MiB of the largest worker")
    alone = median(seconds for seconds, _ in found[WORKERS[0]])
    for workers, rounds in found.items():
        seconds = median(one for one, _ in rounds)
        memory = max(one for _, one in rounds)
        print(f"{workers:7d} {seconds:8.1f} {alone / seconds:14.2f} {memory:26.0f}")


if __name__ == "__main__":
    main()
