"""Enters the bundled solvers on the leaderboard, from the records of a sweep over a suite.

    hwenvs sweep benchmarks/sweeps/reference/search.yaml --out search --workers 2 --gzip
    python benchmarks/bundled_entries.py all search --workers 2

On every suite that it is given, or that a union consists of, a solver is entered that
``bundled_entries.yaml`` knows, the board does not, and the records have all runs of: submitted,
verified and logged; runs of it are made again for the badge, and the page is rendered anew.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from hwenvs.cli.report import read_results
from hwenvs.leaderboards.board import ENTRIES, LOG, SUITES, check_board
from hwenvs.leaderboards.choosing import of_suite
from hwenvs.leaderboards.log import append
from hwenvs.leaderboards.page import write
from hwenvs.leaderboards.reproduce import reproduce, sampled
from hwenvs.leaderboards.submit import submit
from hwenvs.leaderboards.suites import TraceSuite, load_suite
from hwenvs.leaderboards.unions import trace_suites
from hwenvs.solving.records import Run

KNOWN = Path(__file__).with_suffix(".yaml")
COMMON = {
    "track": "search",
    "authors": ["hwenvs contributors"],
    "code": "bundled with hwenvs",
    "trained_on_test_instances": False,
    "licence": "MIT",
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Enters the bundled solvers on the leaderboard.")
    parser.add_argument("suite")
    parser.add_argument("results", type=Path, nargs="+", help="folders of sweeps")
    parser.add_argument("--board", type=Path, default=Path("leaderboards"))
    parser.add_argument("--hardware", default="one core of a 2-core AMD EPYC virtual machine")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    runs = [run for path in given.results for run in read_results(path)]
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    common = {**COMMON, "commit": head.stdout.strip(), "hardware": given.hardware}
    known = yaml.safe_load(KNOWN.read_text(encoding="utf-8"))
    folder = given.board / SUITES
    for suite in trace_suites(load_suite(given.suite, folder), folder):
        for name, about in known.items():
            own = [run for run in runs if run.solver == name]
            complete = len(of_suite(own, suite)) == len(suite.seeds) * len(suite.tasks)
            if complete and not (given.board / ENTRIES / suite.id / name).exists():
                enter(own, suite, name, {**common, **about}, given)
    print(f"wrote {write(check_board(given.board, folder))}")


def enter(
    runs: Sequence[Run],
    suite: TraceSuite,
    name: str,
    about: dict[str, Any],
    given: argparse.Namespace,
) -> None:
    """Submits, verifies and logs the runs of one solver; makes some again for the badge."""
    verdict = submit(runs, suite, name, {**about, "solver": name}, given.board / ENTRIES)
    append(given.board / LOG, verdict)
    entry = verdict.entry
    found = reproduce(entry, suite, sampled(entry, suite), lambda *_: None, given.workers)
    append(given.board / LOG, verdict, found.badge, list(found.cells))
    print(f"{suite.id}/{name}: {found.badge}, {found.equal} of {len(found.cells)} runs equal")


if __name__ == "__main__":
    main()
