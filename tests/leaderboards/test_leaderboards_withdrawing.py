"""Removing an entry: the log says so in a line of its own, and misses the entry no longer."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hwenvs.canonical import canonical
from hwenvs.errors import EntryError, UnknownNameError
from hwenvs.leaderboards.board import ENTRIES, LOG, Board, check_board, withdraw
from hwenvs.leaderboards.difference import Difference, difference
from hwenvs.leaderboards.entries import ABOUT
from hwenvs.leaderboards.log import Line, Withdrawal, append, grew_from, head, latest, read_log

if TYPE_CHECKING:
    from tests.conftest import Cli

NAME = "small-v1/random"
OLD = f"{ENTRIES}/{NAME}"


@pytest.fixture
def after(board: Path, tmp_path: Path) -> Path:
    """A second copy of the board, for a contribution to change."""
    return shutil.copytree(board, tmp_path / "after")


def check(board: Path) -> Board:
    return check_board(board, board / "suites")


def own(board: Path, account: str) -> None:
    about = board / OLD / ABOUT
    about.write_text(about.read_text().replace('"account": ""', f'"account": "{account}"'))


def add_line(board: Path, **changes: object) -> None:
    """Adds a line that follows, made of the first one."""
    lines = read_log(board / LOG)
    fields = {**lines[0].model_dump(mode="json"), "number": 4, "previous": head(board / LOG)}
    text = canonical({k: v for k, v in {**fields, **changes}.items() if v is not None})
    with (board / LOG).open("ab") as file:
        file.write(text + b"\n")


GONE = dict.fromkeys(("suite_digest", "entry_digest", "verdict_digest", "badge", "reruns"))


def test_an_entry_that_is_withdrawn_is_gone_and_not_missed(board: Path) -> None:
    before, known = (board / LOG).read_bytes(), head(board / LOG)
    first = read_log(board / LOG)[0]
    assert isinstance(first, Line)
    line = withdraw(board, NAME)
    assert (line.number, line.suite, line.entry) == (4, "small-v1", "random")
    assert line.withdrawn == first.entry_digest
    assert not (board / OLD).exists()
    assert (board / LOG).read_bytes().startswith(before)
    assert grew_from(board / LOG, known)
    found = check(board)
    assert found.faults == []
    assert {row.name for row in found.rows(found.suites[0])} == {"regularized-evolution", "uniform"}
    assert latest(found.lines).keys() == found.verdicts.keys()


def test_a_withdrawn_entry_is_not_on_the_page(board: Path) -> None:
    pytest.importorskip("jinja2")
    from hwenvs.leaderboards.page import render

    shown = 'id="small-v1/entry/random"'
    assert shown in render(check(board))
    withdraw(board, NAME)
    assert shown not in render(check(board))


def test_an_entry_whose_folder_is_gone_already_can_be_withdrawn(board: Path) -> None:
    shutil.rmtree(board / OLD)
    assert check(board).faults == [f"the log has a verdict on {NAME}, which is gone"]
    withdraw(board, NAME)
    assert check(board).faults == []


def test_the_last_entry_of_a_suite_leaves_no_empty_folder(board: Path, after: Path) -> None:
    for name in ("random", "regularized-evolution", "uniform"):
        withdraw(after, f"small-v1/{name}")
    assert difference(board, after, maintainer=True) == Difference()


def test_only_what_the_log_has_can_be_withdrawn(board: Path) -> None:
    before = (board / LOG).read_bytes()
    with pytest.raises(UnknownNameError, match="Did you mean 'small-v1/random'"):
        withdraw(board, "small-v1/randm")
    with pytest.raises(UnknownNameError):
        withdraw(board, "small-v1/../../suites")
    assert (board / LOG).read_bytes() == before
    withdraw(board, NAME)
    with pytest.raises(UnknownNameError):
        withdraw(board, NAME)


def test_a_withdrawn_entry_may_come_back(board: Path, tmp_path: Path) -> None:
    verdict = check(board).verdicts["small-v1", "random"]
    kept = shutil.copytree(board / OLD, tmp_path / "kept")
    withdraw(board, NAME)
    shutil.copytree(kept, board / OLD)
    assert f"{NAME} is not in the log" in check(board).faults[0]
    assert append(board / LOG, verdict, "reproduced").number == 5
    assert check(board).faults == []


def test_lines_that_were_logged_before_keep_their_bytes(board: Path) -> None:
    for raw in (board / LOG).read_bytes().splitlines():
        assert canonical(Line.model_validate_json(raw).model_dump(mode="json")) == raw


def test_a_withdrawal_is_a_link_of_the_chain(board: Path) -> None:
    withdraw(board, NAME)
    withdraw(board, "small-v1/uniform")
    lines = (board / LOG).read_bytes().splitlines(keepends=True)
    assert isinstance(read_log(board / LOG)[3], Withdrawal)
    (board / LOG).write_bytes(b"".join(lines[:3] + lines[4:]))
    with pytest.raises(EntryError, match="line 4: does not follow the line before it"):
        read_log(board / LOG)
    first = hashlib.sha256(lines[3].rstrip(b"\n")).hexdigest()
    assert first.encode() in lines[4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"withdrawn": "1" * 64}, "line 4: withdraws what was not said before it"),
        ({"withdrawn": "1" * 64, "entry": "nobody"}, "line 4: withdraws what was not said"),
        ({"withdrawn": "1"}, "line 4: withdrawn: String should match"),
        ({"withdrawn": "1" * 64, "badge": "replayed"}, "line 4: badge: Extra inputs"),
    ],
)
def test_a_withdrawal_of_something_else_is_refused(
    changes: dict[str, object], message: str, board: Path
) -> None:
    add_line(board, **{**GONE, **changes})
    with pytest.raises(EntryError, match=message):
        read_log(board / LOG)


def test_an_account_may_withdraw_what_names_it(board: Path, after: Path) -> None:
    for folder in (board, after):
        own(folder, "Alice")
    withdraw(after, NAME)
    assert difference(board, after, "alice") == Difference()
    assert "may only be removed by the account 'Alice'" in difference(board, after, "bob").faults[0]
    assert difference(board, after, maintainer=True) == Difference()


@pytest.mark.parametrize("maintainer", [False, True])
def test_what_is_removed_has_to_be_withdrawn(maintainer: bool, board: Path, after: Path) -> None:
    for folder in (board, after):
        own(folder, "alice")
    shutil.rmtree(after / OLD)
    assert difference(board, after, "alice", maintainer).faults == [
        f"{OLD}: is removed, but not withdrawn: hwenvs leaderboard withdraw {NAME}"
    ]


@pytest.mark.parametrize("maintainer", [False, True])
def test_what_is_still_there_cannot_be_withdrawn(
    maintainer: bool, board: Path, after: Path
) -> None:
    kept = shutil.copytree(after / OLD, after.parent / "kept")
    withdraw(after, NAME)
    shutil.copytree(kept, after / OLD)
    faults = difference(board, after, "alice", maintainer).faults
    assert f"log.jsonl: withdraws {NAME}, which is still there" in faults


def test_verdicts_on_what_is_gone_already_are_withdrawn_by_maintainers(
    board: Path, after: Path
) -> None:
    for folder in (board, after):
        shutil.rmtree(folder / OLD)
    withdraw(after, NAME)
    assert difference(board, after, "alice").faults == [
        f"log.jsonl, line 4: withdraws {NAME}, which is not removed"
    ]
    assert difference(board, after, maintainer=True) == Difference()


def test_the_command_removes_an_entry_and_says_so(cli: Cli, board: Path, after: Path) -> None:
    given = ("--folder", after)
    assert f"line 4: {NAME} is withdrawn" in cli.succeed("leaderboard", "withdraw", NAME, *given)
    assert not (after / OLD).exists()
    assert "everything agrees" in cli.succeed("leaderboard", "verify", *given)
    cli.succeed("leaderboard", "check-diff", board, "--maintainer", *given)
    assert "unknown entry of the log" in cli.fail("leaderboard", "withdraw", NAME, *given)
