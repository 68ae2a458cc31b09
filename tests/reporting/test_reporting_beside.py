"""A report of one's own runs beside those that others have published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hwenvs.reporting.compact import read_compact, write_compact
from hwenvs.solving import get_solver, solve
from hwenvs.solving.records import Run, write_runs

if TYPE_CHECKING:
    from tests.conftest import Cli

MINE, OTHER = "AMC-ResNet20-v0", "AMC-ResNet56-v0"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compact records of two solvers on two environments."""
    path = tmp_path_factory.mktemp("published") / "search.jsonl.gz"
    names = ("random", "uniform")
    runs = [
        solve(n, e, evaluations=9, seed=s)
        for n in names
        for e in (MINE, OTHER)
        for s in ((0, 1) if n == "random" else (0,))
    ]
    write_compact(path, runs)
    return path


def mine(folder: Path, solver: str = "regularized-evolution", **settings: object) -> Path:
    """A file with two runs of mine."""
    made = [solve(get_solver(solver, **settings), MINE, evaluations=9, seed=s) for s in (0, 1)]
    write_runs(folder / "mine.jsonl", made)
    return folder / "mine.jsonl"


def test_published_runs_stand_beside_mine_on_my_environments(
    cli: Cli, published: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "report"
    printed = cli.succeed("report", mine(tmp_path), "--beside", published, "--out", out)
    assert all(name in printed for name in ("regularized-evolution", "random", "uniform", MINE))
    assert OTHER not in printed
    page = (out / "report.md").read_text()
    assert "5 runs of 3 solvers on 1 environment" in page
    assert not (out / "runs.jsonl").exists()  # published records lack most designs


def test_equal_runs_count_once(cli: Cli, published: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl.gz"
    command = ("report", mine(tmp_path, "random"), "--beside", published, "--compact", out)
    assert "(3 runs)" in cli.succeed(*command)


def test_a_folder_given_twice_counts_once(cli: Cli, tmp_path: Path) -> None:
    path, out = mine(tmp_path), tmp_path / "all.jsonl.gz"
    again = tmp_path / "again.jsonl"
    again.write_bytes(path.read_bytes())
    printed = cli.succeed("report", path, again, "--compact", out)
    assert "2 of the runs repeat others and count once" in printed
    assert "(2 runs)" in printed


def test_other_budgets_stand_beside_mine_under_names_of_their_own(
    cli: Cli, published: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    path, out = tmp_path / "mine.jsonl", tmp_path / "report"
    write_runs(path, [solve(n, MINE, evaluations=5) for n in ("random", "uniform")])
    cli.succeed("report", path, "--beside", published, "--out", out)
    page = (out / "report.md").read_text()
    assert "4 runs of 3 solvers" in page
    assert "| random (evaluations 5) | 1 |" in page
    assert "| random (evaluations 9) | 2 |" in page
    assert "Unequal numbers of evaluations were allowed: 5 (random (evaluations 5)); 9" in page
    assert "--solver random --evaluations 5 --seeds 1" in page


def test_compact_records_are_put_together_and_stay_what_they_are(
    cli: Cli, published: Path, tmp_path: Path
) -> None:
    again, more = tmp_path / "again.jsonl.gz", tmp_path / "more.jsonl.gz"
    cli.succeed("report", published, "--compact", again)
    assert again.read_bytes() == published.read_bytes()
    assert "(8 runs)" in cli.succeed("report", published, mine(tmp_path), "--compact", more)


def test_compact_records_replace_no_others_unasked(cli: Cli, tmp_path: Path) -> None:
    path = mine(tmp_path)
    before = path.read_bytes()
    assert "names of compact records end in .jsonl.gz" in cli.fail(
        "report", path, "--compact", path
    )
    assert path.read_bytes() == before
    out = tmp_path / "there.jsonl.gz"
    out.write_bytes(b"somebody's")
    assert "is there already: add --overwrite" in cli.fail("report", path, "--compact", out)
    assert out.read_bytes() == b"somebody's"
    cli.succeed("report", path, "--compact", out, "--overwrite")
    assert len(read_compact(out)) == 2


def test_what_needs_all_designs_refuses_compact_records(cli: Cli, published: Path) -> None:
    said = cli.fail("export-minari", published)
    assert f"{published} holds compact records, which lack most designs" in said


def test_published_runs_of_other_environments_are_no_comparison(
    cli: Cli, published: Path, tmp_path: Path
) -> None:
    run = Run("random", MINE, {"budget": 0.3}, 0, 1, [[1]], [0.5], [0.5])
    write_runs(tmp_path / "mine.jsonl", [run])
    said = cli.fail("report", tmp_path / "mine.jsonl", "--beside", published, "--out", tmp_path)
    assert f"{published} has no run on an environment of yours" in said
