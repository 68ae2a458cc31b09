"""Enters the bundled solvers on the leaderboard, from the records of a sweep over a suite.

    hwenvs sweep benchmarks/sweeps/nas.yaml --out runs --workers 2 --gzip
    python benchmarks/bundled_entries.py nas runs --workers 2

Every solver that ``bundled_entries.yaml`` knows, the board does not, and the records have all runs
of is submitted, verified and logged; runs of it are made again for the badge, and the page is
rendered anew.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import yaml

from hwenvs.cli.report import read_results
from hwenvs.leaderboards.board import ENTRIES, LOG, SUITES, check_board
from hwenvs.leaderboards.log import append
from hwenvs.leaderboards.page import write
from hwenvs.leaderboards.reproduce import reproduce, sampled
from hwenvs.leaderboards.submit import submit
from hwenvs.leaderboards.suites import TraceSuite, load_suite
from hwenvs.solving import ONE_DESIGN

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
    suite = load_suite(given.suite, given.board / SUITES)
    assert isinstance(suite, TraceSuite)
    runs = [run for path in given.results for run in read_results(path)]
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    common = {**COMMON, "commit": head.stdout.strip(), "hardware": given.hardware}
    for name, about in yaml.safe_load(KNOWN.read_text(encoding="utf-8")).items():
        made = (given.board / ENTRIES / suite.id / name).exists()
        seeds = 1 if name in ONE_DESIGN else len(suite.seeds)
        if made or sum(run.solver == name for run in runs) < seeds * len(suite.tasks):
            continue
        fields = {**common, **about, "solver": name}
        verdict = submit(runs, suite, name, fields, given.board / ENTRIES)
        append(given.board / LOG, verdict)
        entry = verdict.entry
        found = reproduce(entry, suite, sampled(entry, suite), lambda *_: None, given.workers)
        append(given.board / LOG, verdict, found.badge, list(found.cells))
        print(f"{suite.id}/{name}: {found.badge}, {found.equal} of {len(found.cells)} runs equal")
    print(f"wrote {write(check_board(given.board, given.board / SUITES))}")


if __name__ == "__main__":
    main()
