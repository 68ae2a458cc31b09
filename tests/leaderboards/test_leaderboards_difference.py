"""What a contribution may change: two states of a folder, compared without git."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwenvs.leaderboards.board import ENTRIES, LOG, check_board
from hwenvs.leaderboards.difference import Difference, difference
from hwenvs.leaderboards.entries import ABOUT, RUNS
from hwenvs.leaderboards.log import append

Change = Callable[[Path], object]
OLD, NEW = f"{ENTRIES}/small-v1/random", f"{ENTRIES}/small-v1/mine"


@pytest.fixture
def after(board: Path, tmp_path: Path) -> Path:
    """A second copy of the board, for a contribution to change."""
    return shutil.copytree(board, tmp_path / "after")


def say(folder: Path, **changes: Any) -> None:
    fields = json.loads((folder / ABOUT).read_text())
    (folder / ABOUT).write_text(json.dumps({**fields, **changes}))


def add(after: Path, **changes: Any) -> Path:
    """Adds an entry with the runs of another."""
    folder = shutil.copytree(after / OLD, after / NEW)
    say(folder, name="mine", **changes)
    return folder


def log(after: Path, badge: Any = "replayed", entry: str = "mine") -> None:
    verdicts = check_board(after, after / "suites").verdicts
    append(after / LOG, verdicts["small-v1", entry], badge)


def test_nothing_changed_is_nothing_to_say(board: Path, after: Path) -> None:
    assert difference(board, after) == Difference()


def test_a_new_entry_may_come(board: Path, after: Path) -> None:
    add(after)
    assert difference(board, after) == Difference(["small-v1/mine"])


def test_a_new_entry_and_its_verdict_may_come(board: Path, after: Path) -> None:
    add(after)
    log(after)
    assert difference(board, after) == Difference(["small-v1/mine"])


def test_badges_are_given_by_maintainers(board: Path, after: Path) -> None:
    add(after)
    log(after, "reproduced")
    found = difference(board, after)
    assert found.faults == ["log.jsonl, line 4: maintainers give the badge 'reproduced'"]
    assert difference(board, after, maintainer=True).faults == []


def test_verdicts_on_others_are_logged_by_maintainers(board: Path, after: Path) -> None:
    log(after, "different", "random")
    assert difference(board, after).faults[0] == (
        "log.jsonl, line 4: is about small-v1/random, not changed"
    )
    assert difference(board, after, maintainer=True).faults == []


def test_a_new_suite_may_come(board: Path, after: Path) -> None:
    shutil.copy(after / "suites/small-v1.json", after / "suites/small-v2.json")
    assert difference(board, after) == Difference()


def rewritten(after: Path) -> None:
    lines = (after / LOG).read_bytes().splitlines(keepends=True)
    (after / LOG).write_bytes(b"".join(lines[1:]))


def edited(path: str, old: str = "a", new: str = "b") -> Change:
    return lambda after: (after / path).write_text((after / path).read_text().replace(old, new))


FORBIDDEN: dict[str, tuple[Change, str]] = {
    "log rewritten": (rewritten, "log.jsonl: lines that were there are changed or gone"),
    "log edited": (edited(LOG), "log.jsonl: lines that were there are changed or gone"),
    "log removed": (lambda after: (after / LOG).unlink(), "log.jsonl: lines that were there"),
    "log cut": (lambda a: (a / LOG).write_bytes((a / LOG).read_bytes()[:-1]), "log.jsonl: lines"),
    "log with rubbish": (
        lambda a: (a / LOG).write_bytes((a / LOG).read_bytes() + b"{}\n"),
        "log.jsonl, line 4: ",
    ),
    "suite edited": (edited("suites/small-v1.json"), "suites/small-v1.json: suites are frozen"),
    "suite removed": (
        lambda after: (after / "suites/small-v1.json").unlink(),
        "suites/small-v1.json: suites are never removed",
    ),
    "suite that is a link": (
        lambda after: (after / "suites/x-v1.json").symlink_to("/etc/passwd"),
        "suites/x-v1.json: is no plain file",
    ),
    "entry edited": (edited(f"{OLD}/{ABOUT}"), "small-v1/random: may only be changed by"),
    "entry removed": (
        lambda after: shutil.rmtree(after / OLD),
        "small-v1/random: may only be removed by a maintainer",
    ),
    "runs edited": (
        lambda after: (after / OLD / RUNS).write_bytes(b""),
        "small-v1/random: may only be changed by",
    ),
    "half an entry removed": (
        lambda after: (after / OLD / RUNS).unlink(),
        "small-v1/random: may only be changed by",
    ),
    "entry replaced by a link": (
        lambda after: (shutil.rmtree(after / OLD), (after / OLD).symlink_to("uniform")),
        "small-v1/random: may only be changed by",
    ),
    "file inside another entry": (
        lambda after: (after / OLD / "evil.py").write_text(""),
        "entries/small-v1/random/evil.py: belongs to no entry",
    ),
    "file beside entries": (
        lambda after: (after / ENTRIES / "conftest.py").write_text(""),
        "entries/conftest.py: belongs to no entry",
    ),
    "name with a new line": (
        lambda after: (after / ENTRIES / "a\n::error::").write_text(""),
        r"entries/a\n::error::: belongs to no entry",
    ),
    "somebody else's account": (
        lambda after: add(after, account="mallory"),
        "entries/small-v1/mine: names the account 'mallory', not 'alice'",
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_others_made_is_not_rewritten(what: str, board: Path, after: Path) -> None:
    change, message = FORBIDDEN[what]
    change(after)
    faults = difference(board, after, account="alice").faults
    assert any(message in fault for fault in faults), faults
    assert all(fault.isprintable() for fault in faults)


def test_an_account_may_change_and_remove_what_names_it(board: Path, after: Path) -> None:
    say(board / OLD, account="Alice")
    say(after / OLD, account="Alice", method="Corrected")
    assert difference(board, after, account="alice") == Difference(["small-v1/random"])
    assert "by the account 'Alice'" in difference(board, after, account="bob").faults[0]
    assert "by the account 'Alice'" in difference(board, after).faults[0]
    shutil.rmtree(after / OLD)
    assert difference(board, after, account="alice") == Difference()


def test_an_entry_cannot_be_taken_over_by_the_change_itself(board: Path, after: Path) -> None:
    say(after / OLD, account="alice")
    assert "may only be changed by a maintainer" in difference(board, after, "alice").faults[0]


def test_a_first_board_may_come(tmp_path: Path, after: Path) -> None:
    (tmp_path / "nothing").mkdir()
    found = difference(tmp_path / "nothing", after, maintainer=True)
    assert len(found.entries) == 3
    assert found.faults == []
