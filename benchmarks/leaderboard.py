"""How long a whole board takes to verify on one core: python benchmarks/leaderboard.py.

20 entries of 10 runs x 8 environments x 400 evaluations: random search, every entry with seeds of
its own, so that no two entries have a run in common.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from hwenvs.leaderboards import frozen
from hwenvs.leaderboards.board import ENTRIES, LOG, check_board
from hwenvs.leaderboards.freezing import Place, Recipe, freeze
from hwenvs.leaderboards.log import append
from hwenvs.leaderboards.replay import walked
from hwenvs.leaderboards.submit import submit
from hwenvs.leaderboards.suites import Task, TraceSuite, read_suite
from hwenvs.solving.records import Run

ENVIRONMENTS = (
    "AMC-MobileNetV1-v0",
    "AMC-MobileNetV2-v0",
    "AMC-ResNet56-v0",
    "AMC-ResNet50-v0",
    "HAQ-MobileNetV1-v0",
    "HAQ-MobileNetV2-v0",
    "HAQ-ResNet56-v0",
    "NAS-ProxylessCIFAR-v0",
)
SEEDS, EVALUATIONS = 10, 400
ABOUT = {
    "track": "design",
    "method": "Random actions",
    "authors": ["Nobody"],
    "code": "benchmarks/leaderboard.py",
    "commit": "-",
    "tuning": "None.",
    "trained_on_test_instances": False,
    "licence": "MIT",
}


def main() -> None:
    """Makes a board in a temporary folder, verifies it and prints the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=20)
    parser.add_argument("--repetitions", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        recipe = Recipe(
            title="Benchmark",
            evaluations=EVALUATIONS,
            seeds=SEEDS,
            environments=[Place(environment=name) for name in ENVIRONMENTS],
        )
        suite = read_suite(freeze("bench", folder / "suites", recipe))
        for number in range(given.entries):
            verdict = submit(_runs(suite, number), suite, f"e{number:02}", ABOUT, folder / ENTRIES)
            append(folder / LOG, verdict)
        _measure(folder, suite, given.entries, given.repetitions)


def _measure(folder: Path, suite: TraceSuite, entries: int, repetitions: int) -> None:
    decisions = entries * SEEDS * EVALUATIONS * sum(len(task.design) for task in suite.tasks)
    print(f"{entries} entries, {entries * SEEDS * len(suite.tasks)} runs, {decisions:,} decisions")
    for _ in range(repetitions):
        frozen._problem.cache_clear()
        wall, core = time.perf_counter(), time.process_time()
        board = check_board(folder, folder / "suites")
        wall, core = time.perf_counter() - wall, time.process_time() - core
        if board.faults:
            raise SystemExit("\n".join(board.faults))
        print(f"verified in {wall:.2f} s, {core:.2f} s of one core")
    started = time.process_time()
    rows = board.rows(suite)
    print(f"ranked {len(rows)} entries in {time.process_time() - started:.2f} s of one core")
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _runs(suite: TraceSuite, entry: int) -> list[Run]:
    random = np.random.default_rng(entry)
    return [_run(task, seed, random) for task in suite.tasks for seed in suite.seeds]


def _run(task: Task, seed: int, random: np.random.Generator) -> Run:
    problem = task.problem()
    shape = (problem.horizon, EVALUATIONS)
    choices = getattr(problem.action_space, "n", 0)
    if choices:
        actions = random.integers(choices, size=shape)
    else:
        actions = random.random(shape, dtype=np.float32)[..., None]
    found = walked(problem, actions)
    run = Run("random", task.environment, {}, seed, EVALUATIONS)
    run.designs, run.rewards = found.designs.tolist(), found.rewards.tolist()
    return run


if __name__ == "__main__":
    main()
