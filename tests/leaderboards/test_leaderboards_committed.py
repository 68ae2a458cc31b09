"""The board that is committed: suites, entries, log and page agree with the code of today."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hwenvs.leaderboards import retired
from hwenvs.leaderboards.board import Board, check_board
from hwenvs.leaderboards.log import head, latest, read_log
from hwenvs.leaderboards.page import render
from hwenvs.leaderboards.suites import TraceSuite, suite_names

FOLDER = Path(__file__).parent.parent.parent / "leaderboards"


def changed(name: str, board: Board) -> list[str]:
    """What of a suite is not as it was frozen.

    Environments of a retired suite may change, its file may not.
    """
    if name not in {suite.id for suite in (*board.suites, *board.retired)}:
        return [f"{name} cannot be read", *board.faults]
    begins = (f"suite {name}:", f"suite {name} ")
    return [fault for fault in board.faults if fault.startswith(begins)]


def owed(board: Board) -> list[tuple[str, str]]:
    """Entries of ours that were not run again with equal traces.

    Ours name no account, as contributions must; other people's get their badges in time.
    """
    last = latest(list(board.lines))
    ours = {key: one.entry.about for key, one in board.verdicts.items()}
    # Verifying a policy is rolling it out: there is no run to repeat.
    due = {
        key: "replayed" if about.track == "policy" else "reproduced"
        for key, about in ours.items()
        if not about.account
    }
    return [key for key, badge in due.items() if key not in last or last[key].badge != badge]


@pytest.fixture(scope="module")
def board() -> Board:
    return check_board(FOLDER)


@pytest.mark.parametrize("name", suite_names())
def test_environments_and_parts_are_what_was_frozen(name: str, board: Board) -> None:
    found = changed(name, board)
    advice = f"freeze a new version: hwenvs leaderboard freeze {name.rpartition('-v')[0]}"
    assert found == [], advice


def test_everything_on_the_board_agrees(board: Board) -> None:
    assert board.faults == []
    assert len(board.verdicts) >= 9


def test_every_entry_of_ours_was_run_again(board: Board) -> None:
    assert owed(board) == []


def test_the_committed_page_is_the_rendering(board: Board) -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert head(FOLDER / "log.jsonl") in page
    assert page == render(board), "stale: hwenvs leaderboard render"


def test_the_log_is_a_chain() -> None:
    lines = read_log(FOLDER / "log.jsonl")
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


def test_a_retired_suite_is_no_fault_of_these_tests(
    board_folder: Path, small_suite: TraceSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(board_folder, tmp_path / "grown")
    told = {"small-v1": ["suite small-v1: an environment has changed"], "small-v2": []}
    monkeypatch.setattr(retired, "stale", lambda suite: told[suite.id])
    assert changed("small-v1", check_board(folder, folder / "suites")) == told["small-v1"]
    newer = small_suite.model_copy(update={"version": 2})
    (folder / "suites" / "small-v2.json").write_bytes(newer.text.encode())
    assert changed("small-v1", check_board(folder, folder / "suites")) == []
    other = small_suite.model_copy(update={"title": "Another"})
    (folder / "suites" / "small-v1.json").write_bytes(other.text.encode())
    (said,) = changed("small-v1", check_board(folder, folder / "suites"))
    assert said.startswith("suite small-v1 is not the one of log line")
    (folder / "suites" / "small-v1.json").write_bytes(b"garbage")
    assert "small-v1 cannot be read" in changed("small-v1", check_board(folder, folder / "suites"))


def test_entries_of_others_may_wait_for_their_badges(board_folder: Path) -> None:
    found = check_board(board_folder, board_folder / "suites")
    alike, waiting = ("small-v1", "regularized-evolution"), ("small-v1", "uniform")
    assert owed(found) == [alike, waiting], "ours may not"
    verdict = found.verdicts[waiting]
    about = verdict.entry.about.model_copy(update={"account": "stranger"})
    found.verdicts[waiting] = replace(verdict, entry=replace(verdict.entry, about=about))
    assert owed(found) == [alike]
