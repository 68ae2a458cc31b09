"""The board that is committed: suites, entries, log and page agree with the code of today."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwenvs.leaderboards.board import Board, check_board
from hwenvs.leaderboards.log import head, latest, read_log
from hwenvs.leaderboards.page import render
from hwenvs.leaderboards.suites import suite_names

FOLDER = Path(__file__).parent.parent.parent / "leaderboards"


@pytest.fixture(scope="module")
def board() -> Board:
    return check_board(FOLDER)


@pytest.mark.parametrize("name", suite_names())
def test_environments_and_parts_are_what_was_frozen(name: str, board: Board) -> None:
    assert name in {suite.id for suite in board.suites}, board.faults
    begins = (f"suite {name}:", f"suite {name} ")
    own = [fault for fault in board.faults if fault.startswith(begins)]
    assert own == [], f"freeze a new version: hwenvs leaderboard freeze {name.rpartition('-v')[0]}"


def test_everything_on_the_board_agrees(board: Board) -> None:
    assert board.faults == []
    assert len(board.verdicts) >= 9


def test_every_entry_of_ours_was_run_again(board: Board) -> None:
    last = latest(list(board.lines))
    for key, verdict in board.verdicts.items():
        # Verifying a policy is rolling it out: there is no run to repeat.
        due = "replayed" if verdict.entry.about.track == "policy" else "reproduced"
        assert last[key].badge == due, key


def test_the_committed_page_is_the_rendering(board: Board) -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert head(FOLDER / "log.jsonl") in page
    assert page == render(board), "stale: hwenvs leaderboard render"


def test_the_log_is_a_chain() -> None:
    lines = read_log(FOLDER / "log.jsonl")
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
