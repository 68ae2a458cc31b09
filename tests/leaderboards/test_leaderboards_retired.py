"""Suites that a newer version replaces: entries are kept, byte by byte, and ranked no longer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hwenvs.leaderboards import retired
from hwenvs.leaderboards.board import ENTRIES, LOG, Board, check_board, withdraw
from hwenvs.leaderboards.dynamics import stale
from hwenvs.leaderboards.entries import ABOUT
from hwenvs.leaderboards.page import render
from hwenvs.leaderboards.suites import Suite, TraceSuite

OLD, NEW = "small-v1", "small-v2"


@pytest.fixture
def _changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments are no longer what the old version was frozen with."""

    def told(suite: Suite) -> list[str]:
        return ["an environment has changed"] if suite.id == OLD else stale(suite)

    monkeypatch.setattr(retired, "stale", told)


@pytest.fixture
def replaced(board: Path, small_suite: TraceSuite, _changed: None) -> Path:
    """A board with a new version of the suite beside the old one."""
    made = small_suite.model_copy(update={"version": 2})
    (board / "suites" / f"{NEW}.json").write_bytes(made.text.encode())
    return board


def check(board: Path) -> Board:
    return check_board(board, board / "suites")


@pytest.mark.usefixtures("_changed")
def test_a_suite_that_has_changed_is_a_fault_until_a_new_version_is_frozen(board: Path) -> None:
    found = check(board)
    assert "an environment has changed" in found.faults
    assert found.retired == ()


def test_a_replaced_suite_is_retired_with_its_entries(replaced: Path) -> None:
    found = check(replaced)
    assert found.faults == []
    assert [suite.id for suite in found.retired] == [OLD]
    assert [suite.id for suite in found.suites] == [NEW]
    assert found.verdicts == {}
    page = render(found)
    assert f"environments have changed since: {OLD}." in page
    assert f'id="{OLD}"' not in page


def test_both_versions_are_ranked_where_both_hold(board: Path, small_suite: TraceSuite) -> None:
    made = small_suite.model_copy(update={"version": 2})
    (board / "suites" / f"{NEW}.json").write_bytes(made.text.encode())
    found = check(board)
    assert found.faults == []
    assert found.retired == ()
    assert {key[0] for key in found.verdicts} == {OLD}


def test_entries_of_a_retired_suite_are_held_against_the_log(replaced: Path) -> None:
    about = replaced / ENTRIES / OLD / "random" / ABOUT
    about.write_text(about.read_text().replace('"description": ""', '"description": "Better"'))
    (fault,) = check(replaced).faults
    assert fault.startswith(f"{OLD}/random: the entry is not the one of log line")


def test_nothing_can_be_entered_in_a_retired_suite(replaced: Path) -> None:
    entries = replaced / ENTRIES / OLD
    shutil.copytree(entries / "random", entries / "late")
    about = entries / "late" / ABOUT
    about.write_text(about.read_text().replace('"name": "random"', '"name": "late"'))
    (fault,) = check(replaced).faults
    assert fault == f"{OLD}/late came after {OLD} was retired: submit to its newest version"


def test_its_entries_cannot_vanish(replaced: Path) -> None:
    shutil.rmtree(replaced / ENTRIES / OLD / "random")
    assert check(replaced).faults == [f"the log has a verdict on {OLD}/random, which is gone"]
    assert (replaced / LOG).is_file()


def test_its_entries_can_be_withdrawn(replaced: Path) -> None:
    withdraw(replaced, f"{OLD}/random")
    assert check(replaced).faults == []
