"""What a contribution may do with suites: maintainers add sound ones, and nobody anything else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hwenvs.baselines import exact
from hwenvs.baselines.exact import Optimum, optimum
from hwenvs.leaderboards.board import ENTRIES, SUITES, check_board
from hwenvs.leaderboards.difference import Difference, difference
from hwenvs.leaderboards.dynamics import stale
from hwenvs.leaderboards.entries import ABOUT
from hwenvs.leaderboards.suites import TraceSuite, load_suite

if TYPE_CHECKING:
    from tests.conftest import Cli

NEXT = "small-v2.json"
Check = Callable[..., str]


@pytest.fixture
def after(board: Path, tmp_path: Path) -> Path:
    """A second copy of the board, for a contribution to change."""
    return shutil.copytree(board, tmp_path / "after")


@pytest.fixture
def check(cli: Cli, board: Path, after: Path) -> Check:
    """Faults that ``check-diff`` tells."""

    def told(*options: str) -> str:
        given = ("--account", "me", *options, "--folder", after)
        return cli.fail("leaderboard", "check-diff", board, *given, code=1)

    return told


def write(after: Path, suite: TraceSuite) -> TraceSuite:
    (after / SUITES / f"{suite.id}.json").write_bytes(suite.text.encode())
    return suite


def forged(suite: TraceSuite) -> TraceSuite:
    """A second version on which half of the reward is worth everything."""
    easy = suite.tasks[0].model_copy(
        update={"uniform": -1.0, "optimum": suite.tasks[0].uniform, "dynamics": "0" * 64}
    )
    return suite.model_copy(update={"version": 2, "tasks": [easy, suite.tasks[1]]})


def enter(after: Path, suite: TraceSuite) -> None:
    """An entry on a suite, with the runs of another."""
    folder = shutil.copytree(
        after / ENTRIES / "small-v1/random", after / ENTRIES / suite.id / "mine"
    )
    fields = json.loads((folder / ABOUT).read_text())
    (folder / ABOUT).write_text(
        json.dumps({**fields, "name": "mine", "suite": suite.id, "account": "me"})
    )


def test_a_new_version_may_come_from_maintainers_only(
    board: Path, after: Path, small_suite: TraceSuite
) -> None:
    write(after, small_suite.model_copy(update={"version": 2}))
    assert difference(board, after, maintainer=True) == Difference(suites=["small-v2"])
    assert difference(board, after, "me").faults == [
        "suites/small-v2.json: suites are added by maintainers"
    ]


@pytest.mark.parametrize(
    "name", ["evil.py", "sub/x.bin", "small-v0.json", "small-v2", "x\n-v1.json"]
)
@pytest.mark.parametrize("maintainer", [False, True])
def test_nothing_but_suites_lies_beside_suites(
    name: str, maintainer: bool, board: Path, after: Path
) -> None:
    (after / SUITES / name).parent.mkdir(exist_ok=True)
    (after / SUITES / name).write_text("")
    (fault,) = difference(board, after, "me", maintainer).faults
    assert fault.endswith("is no suite, whose file is NAME-vN.json")
    assert fault.isprintable()


@pytest.mark.parametrize("name", ["small-vx.json", "Small-v1.json", "evil.py"])
def test_a_stray_file_is_no_version_and_a_fault_of_the_board(name: str, board: Path) -> None:
    (board / SUITES / name).write_text("{}")
    assert load_suite("small", board / SUITES).id == "small-v1"
    assert check_board(board, board / SUITES).faults == [
        f"{board / SUITES / name} is no suite, whose file is NAME-vN.json"
    ]


@pytest.mark.parametrize("name", ["x-v1.json", "x", "small-v1.json"])
def test_a_link_is_no_suite(name: str, board: Path, after: Path) -> None:
    (after / SUITES / name).unlink(missing_ok=True)
    (after / SUITES / name).symlink_to("/etc/passwd")
    for maintainer in (False, True):
        assert difference(board, after, "me", maintainer).faults == [
            f"suites/{name}: is no plain file"
        ]


@pytest.mark.parametrize("content", ["garbage", "{}", None])
def test_a_file_that_holds_no_such_suite_is_refused_of_maintainers_too(
    content: str | None, board: Path, after: Path
) -> None:
    old = (after / SUITES / "small-v1.json").read_text()
    (after / SUITES / NEXT).write_text(old if content is None else content)
    (fault,) = difference(board, after, maintainer=True).faults
    assert NEXT in fault


def test_check_diff_recomputes_a_new_suite(
    check: Check, cli: Cli, board: Path, after: Path, small_suite: TraceSuite
) -> None:
    write(after, forged(small_suite))
    assert "suites are added by maintainers" in check()
    assert "HAQ-ResNet20-v0: no longer what was frozen" in check("--maintainer")
    write(after, small_suite.model_copy(update={"version": 2}))
    options = ("--maintainer", "--folder", after)
    assert "everything agrees" in cli.succeed("leaderboard", "check-diff", board, *options)


def test_an_optimum_that_is_none_is_found_by_looking_for_it(
    check: Check, after: Path, small_suite: TraceSuite
) -> None:
    # Everything else about it is true: a real design, what it earns, today's dynamics.
    task = small_suite.tasks[0]
    problem = task.problem()
    sizes = [decision.kept for decision in problem.decisions]
    random = np.random.default_rng(0)
    for _ in range(1000):
        design = problem.canonical([[random.choice(kept) for kept in sizes]])
        found = problem.evaluate(design)
        if found.feasible[0] and task.uniform < found.reward[0] < task.optimum:
            break
    easy = task.model_copy(
        update={"design": design[0].tolist(), "optimum": float(found.reward[0]), "proved": True}
    )
    write(after, small_suite.model_copy(update={"version": 2, "tasks": [easy]}))
    fault = f"small-v2: {task.key}: its optimum earns {easy.optimum:.6g}, and "
    assert fault in check("--maintainer")
    assert f"{task.optimum:.6g}" in check("--maintainer")
    assert any(fault in told for told in check_board(after, after / SUITES).faults)


def test_what_is_called_proved_is_proved(
    small_suite: TraceSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsure(problem: object) -> Optimum:
        return replace(optimum(problem), proved=False)  # type: ignore[arg-type]

    assert stale(small_suite) == []
    monkeypatch.setattr(exact, "optimum", unsure)
    assert stale(small_suite) == [
        f"suite small-v1: {task.key}: its optimum is called proved, and cannot be proved"
        for task in small_suite.tasks
    ]


def test_nothing_is_judged_on_a_suite_that_does_not_hold(
    check: Check, cli: Cli, after: Path, small_suite: TraceSuite
) -> None:
    enter(after, write(after, forged(small_suite)))
    assert "suites are added by maintainers" in check()
    name = "small-v2/mine"
    for command in (("verify", name), ("log", name)):
        result = cli.call("leaderboard", *command, "--folder", after)
        assert result.exit_code != 0
        assert "no longer what was frozen" in result.output
        assert "median score" not in result.output
    assert "no longer what was frozen" in check("--maintainer")
