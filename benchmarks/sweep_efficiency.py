"""How much faster a sweep is on two workers than on one, and what a worker takes of the memory.

    python benchmarks/sweep_efficiency.py benchmarks/sweeps/efficiency.yaml

runs the same sweep on 1 and on 2 workers, in turns, and prints a table.  Wall-clock time of a
Python that does what ``hwenvs sweep`` does, from its start to the last file that is written:
imports, the plan's check and the start of the workers included.  It needs two cores with nothing
else to do.  Memory is the largest resident set of any worker, as Linux keeps it (``VmHWM``).
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

from hwenvs.solving.starting import preload
from hwenvs.sweeps.reading import read_plan
from hwenvs.sweeps.sweep import Sweep, pool_engine, run_sweep

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


def swept(path: Path, workers: int) -> tuple[Sweep, float]:
    """Runs a sweep as the command does; what became of it, and the largest worker in MiB."""
    peak = 0.0

    def look(done: int) -> None:  # noqa: ARG001
        nonlocal peak
        children = multiprocessing.active_children()
        peak = max([peak, *(peak_mib(child.pid) for child in children if child.pid)])

    plan = read_plan(path)
    preload(plan.modules())
    with tempfile.TemporaryDirectory() as folder:
        sweep = run_sweep(plan.cells(), Path(folder), pool_engine(workers), progress=look)
    return sweep, peak


def timed(path: Path, workers: int) -> tuple[float, int, float]:
    """Seconds that a sweep takes in a process of its own, its cells, the largest worker in MiB."""
    start = time.perf_counter()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        sweep, peak = fresh.submit(swept, path, workers).result()
        assert not sweep.failures
        return time.perf_counter() - start, len(sweep.solved), peak


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sweep", nargs="?", type=Path, default=PLAN, help="YAML of a sweep")
    path = parser.parse_args().sweep
    found: dict[int, list[tuple[float, int, float]]] = {workers: [] for workers in WORKERS}
    for _ in range(ROUNDS):
        for workers in WORKERS:
            found[workers].append(timed(path, workers))
    cells = found[WORKERS[0]][0][1]
    print(f"{cells} cells, median of {ROUNDS} rounds")
    print("workers  seconds  times as fast  MiB of the largest worker")
    alone = median(seconds for seconds, _, _ in found[WORKERS[0]])
    for workers, rounds in found.items():
        seconds = median(one for one, _, _ in rounds)
        memory = max(one for _, _, one in rounds)
        print(f"{workers:7d} {seconds:8.1f} {alone / seconds:14.2f} {memory:26.0f}")


if __name__ == "__main__":
    main()
