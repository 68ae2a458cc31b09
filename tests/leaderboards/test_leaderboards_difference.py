"""What a contribution may change: two states of a folder, compared without git."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwenvs.leaderboards.board import ENTRIES, LOG, PAGE, check_board
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
    """Adds an entry of the account ``alice`` with the runs of another."""
    folder = shutil.copytree(after / OLD, after / NEW)
    say(folder, name="mine", **{"account": "alice", **changes})
    return folder


def log(after: Path, badge: Any = "replayed", entry: str = "mine") -> None:
    verdicts = check_board(after, after / "suites").verdicts
    append(after / LOG, verdicts["small-v1", entry], badge)


def test_nothing_changed_is_nothing_to_say(board: Path, after: Path) -> None:
    assert difference(board, after) == Difference()


def test_a_new_entry_may_come(board: Path, after: Path) -> None:
    add(after)
    assert difference(board, after, "Alice") == Difference(["small-v1/mine"])


@pytest.mark.parametrize(
    ("named", "account", "message"),
    [
        ("", "alice", "names no account; it must name 'alice'"),
        ("mallory", "alice", "names the account 'mallory', not 'alice'"),
        ("alice", "", "whose it is cannot be told without an account"),
        ("", "", "whose it is cannot be told without an account"),
    ],
)
def test_a_new_entry_names_the_account_that_contributes_it(
    named: str, account: str, message: str, board: Path, after: Path
) -> None:
    add(after, account=named)
    assert difference(board, after, account).faults == [f"{NEW}: {message}"]
    assert difference(board, after, account, maintainer=True).faults == []


def test_nobody_adds_to_a_row_of_the_project_by_copying_its_words(board: Path, after: Path) -> None:
    # Entries of the project name no account: rows of unions are told apart by it.
    shutil.copytree(after / OLD, after / NEW)
    say(after / NEW, name="mine", description="Mine")
    (fault,) = difference(board, after, "stranger").faults
    assert fault == f"{NEW}: names no account; it must name 'stranger'"


def test_an_entry_that_cannot_be_read_is_told_and_not_taken_for_anybodys(
    board: Path, after: Path
) -> None:
    (add(after) / ABOUT).write_bytes(b"[]")
    (fault,) = difference(board, after, "alice").faults
    assert fault.startswith(f"{NEW}/{ABOUT}: Input should be an object")


def test_a_new_entry_and_its_verdict_may_come(board: Path, after: Path) -> None:
    add(after)
    log(after)
    assert difference(board, after, "alice") == Difference(["small-v1/mine"])


def test_badges_are_given_by_maintainers(board: Path, after: Path) -> None:
    add(after)
    log(after, "reproduced")
    found = difference(board, after, "alice")
    assert found.faults == ["log.jsonl, line 4: maintainers give the badge 'reproduced'"]
    assert difference(board, after, maintainer=True).faults == []


def test_verdicts_on_others_are_logged_by_maintainers(board: Path, after: Path) -> None:
    log(after, "different", "random")
    assert difference(board, after).faults[0] == (
        "log.jsonl, line 4: is about small-v1/random, not changed"
    )
    assert difference(board, after, maintainer=True).faults == []


def test_a_false_verdict_does_not_hide_before_a_true_one(board: Path, after: Path) -> None:
    folder = add(after)
    log(after)
    # It was true of an entry that nobody will ever see.
    say(folder, method="Another")
    log(after)
    (fault,) = difference(board, after, "alice").faults
    assert fault.startswith("log.jsonl: 2 new lines are about small-v1/mine, of which only the")
    assert difference(board, after, "alice", maintainer=True).faults == []


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
    "entry edited": (edited(f"{OLD}/{ABOUT}"), "small-v1/random: may only be changed by"),
    "entry removed": (
        lambda after: shutil.rmtree(after / OLD),
        "entries/small-v1/random: may only be removed by a maintainer",
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
        "entries/small-v1/random: is no plain file",
    ),
    "link to nothing": (
        lambda after: (after / NEW).symlink_to("/nonexistent"),
        "entries/small-v1/mine: is no plain file",
    ),
    "link in an entry": (
        lambda after: ((add(after) / ABOUT).unlink(), (after / NEW / ABOUT).symlink_to("/etc/x")),
        "entries/small-v1/mine/entry.json: is no plain file",
    ),
    "file that is the folder of another repository": (
        lambda after: (after / NEW).mkdir(),
        "entries/small-v1/mine: is no plain file",
    ),
    "file that is the folder of another repository, among suites": (
        lambda after: (after / "suites/theirs").mkdir(),
        "suites/theirs: is no plain file",
    ),
    "link to a board": (
        lambda after: (after.rename(after.with_name("there")), after.symlink_to("there")),
        "after: is a link",
    ),
    "file in place of an entry": (
        lambda after: (after / NEW).write_text(""),
        "entries/small-v1/mine: belongs to no entry",
    ),
    "entry of a name that is none": (
        lambda after: add(after).rename(after / ENTRIES / "small-v1/Mine"),
        "entries/small-v1/Mine/entry.json: belongs to no entry",
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
    "folder of a suite with a new line": (
        lambda after: shutil.copytree(after / OLD, after / ENTRIES / "x\n::error file=a::b/foo"),
        r"entries/x\n::error file=a::b/foo/runs.jsonl.gz: belongs to no entry",
    ),
    "folder of an entry with a new line": (
        lambda after: shutil.copytree(after / OLD, after / ENTRIES / "small-v1/x\n::error::b"),
        r"entries/small-v1/x\n::error::b/entry.json: belongs to no entry",
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_others_made_is_not_rewritten(what: str, board: Path, after: Path) -> None:
    change, message = FORBIDDEN[what]
    change(after)
    faults = difference(board, after, account="alice").faults
    assert any(message in fault for fault in faults), faults
    assert all(fault.isprintable() for fault in faults)


@pytest.mark.parametrize("what", [what for what in FORBIDDEN if "link" in what or "file" in what])
def test_links_and_stray_files_are_refused_of_maintainers_too(
    what: str, board: Path, after: Path
) -> None:
    change, message = FORBIDDEN[what]
    change(after)
    faults = difference(board, after, "alice", maintainer=True).faults
    assert any(message in fault for fault in faults), faults


def test_the_page_is_rendered_by_maintainers(board: Path, after: Path) -> None:
    for folder in (board, after):
        (folder / PAGE).write_text("as it was")
    assert difference(board, after, "alice").faults == []
    fault = "index.html: is rendered by maintainers; leave it as it was"
    for change in (lambda page: page.write_text("<script>"), Path.unlink):
        change(after / PAGE)
        assert difference(board, after, "alice").faults == [fault]
        assert difference(board, after, maintainer=True).faults == []
    (after / PAGE).symlink_to(board / PAGE)
    for maintainer in (False, True):
        found = difference(board, after, "alice", maintainer)
        assert found.faults == ["index.html: is no plain file"]


def test_an_account_may_change_what_names_it(board: Path, after: Path) -> None:
    say(board / OLD, account="Alice")
    say(after / OLD, account="Alice", method="Corrected")
    assert difference(board, after, account="alice") == Difference(["small-v1/random"])
    assert "by the account 'Alice'" in difference(board, after, account="bob").faults[0]
    assert "by the account 'Alice'" in difference(board, after).faults[0]


def test_an_entry_cannot_be_handed_to_another_account(board: Path, after: Path) -> None:
    for account in ("bob", ""):
        say(board / OLD, account="alice")
        say(after / OLD, account=account)
        assert len(difference(board, after, "alice").faults) == 1
        assert difference(board, after, "alice", maintainer=True).faults == []


def test_an_entry_cannot_be_taken_over_by_the_change_itself(board: Path, after: Path) -> None:
    say(after / OLD, account="alice")
    assert "may only be changed by a maintainer" in difference(board, after, "alice").faults[0]


def test_a_first_board_may_come(tmp_path: Path, after: Path) -> None:
    (tmp_path / "nothing").mkdir()
    found = difference(tmp_path / "nothing", after, maintainer=True)
    assert len(found.entries) == 3
    assert found.suites == ["small-v1"]
    assert found.faults == []
