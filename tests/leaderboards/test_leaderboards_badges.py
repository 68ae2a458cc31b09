"""Badges: who changes an entry keeps what was shown against it, until its solver is run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hwenvs.leaderboards.badges import decisive
from hwenvs.leaderboards.board import ENTRIES, LOG, Board, check_board, withdraw
from hwenvs.leaderboards.entries import ABOUT
from hwenvs.leaderboards.log import Badge, append, read_log

if TYPE_CHECKING:
    from tests.conftest import Cli

KEY = "small-v1", "uniform"
NAME = "/".join(KEY)
RERUN = [("HAQ-ResNet20-v0", 3)]


def check(board: Path) -> Board:
    found = check_board(board, board / "suites")
    found.faults = [fault for fault in found.faults if not fault.startswith(NAME)]
    assert found.faults == []
    return found


def change(board: Path) -> None:
    """Another description: other files, and the same runs of the same solver."""
    about = board / ENTRIES / NAME / ABOUT
    text = about.read_text()
    about.write_text(text.replace('"description": "', '"description": "More. '))
    assert about.read_text() != text


def say(board: Path, *badges: Badge) -> None:
    """Logs badges of the entry, which is changed before each."""
    for badge in badges:
        change(board)
        append(board / LOG, check(board).verdicts[KEY], badge, RERUN if badge != "replayed" else [])


def shown(board: Path) -> Badge:
    found = check(board)
    (row,) = (row for row in found.rows(found.suites[0]) if row.name == KEY[1])
    assert decisive(found.lines)[KEY].badge == row.badge
    return row.badge


@pytest.mark.parametrize(
    ("badges", "expected"),
    [
        (["different", "replayed"], "different"),
        (["different", "replayed", "replayed"], "different"),
        (["different", "reproduced"], "reproduced"),
        (["different", "replayed", "indistinguishable"], "indistinguishable"),
        (["different", "reproduced", "replayed"], "replayed"),
        (["reproduced", "replayed"], "replayed"),
        (["reproduced", "different", "replayed"], "different"),
    ],
    ids=" ".join,
)
def test_an_entry_is_different_until_its_solver_is_run_again(
    badges: list[Badge], expected: Badge, board: Path
) -> None:
    say(board, *badges)
    assert shown(board) == expected


def test_what_was_said_of_an_entry_ends_with_its_withdrawal(board: Path) -> None:
    say(board, "different")
    verdict = check(board).verdicts[KEY]
    withdraw(board, NAME)
    assert KEY not in decisive(read_log(board / LOG))
    append(board / LOG, verdict)
    assert decisive(read_log(board / LOG))[KEY].badge == "replayed"


def test_the_log_says_which_badge_stays(cli: Cli, board: Path) -> None:
    say(board, "different")
    change(board)
    printed = " ".join(cli.succeed("leaderboard", "log", NAME, "--folder", board).split())
    assert f"line 5: {NAME} replayed, verdict" in printed
    assert "; still different, by line 4" in printed


def test_the_page_says_which_line_a_badge_is_from(board: Path) -> None:
    pytest.importorskip("jinja2")
    from hwenvs.leaderboards.page import render

    said = "given in line 4 of the log; the entry was changed since"
    say(board, "different")
    assert said not in render(check(board))
    say(board, "replayed")
    page = render(check(board))
    assert page.count(said) == 1
    assert 'data-value="different"' in page
