"""Runs that another entry had before are told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hwenvs.leaderboards.board import ENTRIES, LOG, SUITES, check_board, withdraw
from hwenvs.leaderboards.copies import Copied, copies
from hwenvs.leaderboards.entries import open_entry
from hwenvs.leaderboards.log import append
from hwenvs.leaderboards.page import render
from hwenvs.leaderboards.perceptron import Policy
from hwenvs.leaderboards.policies import write_policy
from hwenvs.leaderboards.submit import submit_policy
from hwenvs.leaderboards.suites import PolicySuite, TraceSuite
from hwenvs.leaderboards.verify import verify
from tests.leaderboards.conftest import Rewrite

ORIGINAL, COPY = ("small-v1", "random"), ("small-v1", "another")


@pytest.fixture
def copied(
    board: Path,
    entry: Path,
    small_suite: TraceSuite,
    lines: list[dict[str, Any]],
    rewrite: Rewrite,
) -> Path:
    """The board with three of the runs of ``random`` entered once more, one with another seed."""
    folder = shutil.copytree(entry, board / ENTRIES / "small-v1" / "another")
    about = json.loads((folder / "entry.json").read_text())
    # First in the alphabet, last in the log.
    (folder / "entry.json").write_text(json.dumps({**about, "name": "another"}))
    mine: Sequence[dict[str, Any]] = [lines[0], lines[1], {**lines[2], "seed": 9}]
    rewrite(folder, mine)
    append(board / LOG, verify(open_entry(folder), small_suite))
    return board


def told(folder: Path) -> dict[tuple[str, str], list[Copied]]:
    board = check_board(folder, folder / SUITES)
    assert not board.faults
    return copies(board.verdicts, board.lines)


def test_runs_that_an_earlier_entry_had_are_counted_whatever_their_seeds(copied: Path) -> None:
    found = told(copied)
    assert found.pop(COPY) == [Copied("random", 3, 3)]
    assert not any(found.values())


def test_nobody_copies_on_a_board_of_different_solvers(board: Path) -> None:
    assert not any(told(board).values())


def test_whoever_enters_again_after_a_withdrawal_is_the_later_one(
    copied: Path, board_folder: Path, small_suite: TraceSuite
) -> None:
    withdraw(copied, "small-v1/random")
    assert told(copied)[COPY] == []
    place = Path(ENTRIES) / "small-v1" / "random"
    again = shutil.copytree(board_folder / place, copied / place)
    append(copied / LOG, verify(open_entry(again), small_suite))
    assert told(copied)[ORIGINAL] == [Copied("another", 3, 10)]


def changed(folder: Path, **fields: Any) -> None:
    """Says something else of an entry, and logs it."""
    about = json.loads((folder / "entry.json").read_text())
    (folder / "entry.json").write_text(json.dumps({**about, **fields}))
    board = folder.parent.parent.parent
    append(board / LOG, check_board(board, board / SUITES).verdicts["small-v1", folder.name])


def test_whoever_changes_an_entry_does_not_become_the_first_to_have_had_its_runs(
    copied: Path,
) -> None:
    # The files of the earlier one are known from after the later one came: both are told.
    changed(copied / ENTRIES / "small-v1" / "random", method="The first of all")
    found = told(copied)
    assert found[ORIGINAL] == [Copied("another", 3, 10, sure=False)]
    assert found[COPY] == [Copied("random", 3, 3, sure=False)]
    text = render(check_board(copied, copied / SUITES))
    assert text.count("which of them had them first is not known") == 2


def test_a_later_entry_that_is_changed_stays_the_later_one(copied: Path) -> None:
    changed(copied / ENTRIES / "small-v1" / "another", method="Its own")
    found = told(copied)
    assert found[ORIGINAL] == []
    assert found[COPY] == [Copied("random", 3, 3)]


def test_files_that_come_back_are_known_from_when_they_came(copied: Path) -> None:
    place = copied / ENTRIES / "small-v1" / "random"
    before = (place / "entry.json").read_bytes()
    changed(place, method="For a while")
    (place / "entry.json").write_bytes(before)
    verdict = check_board(copied, copied / SUITES).verdicts[ORIGINAL]
    append(copied / LOG, verdict, "reproduced", [("HAQ-ResNet20-v0", 3)])
    found = told(copied)
    assert (found[ORIGINAL], found[COPY]) == ([], [Copied("random", 3, 3)])


def test_one_changed_decision_is_another_run(
    copied: Path, small_suite: TraceSuite, lines: list[dict[str, Any]], rewrite: Rewrite
) -> None:
    other = {**lines[0], "designs": lines[0]["designs"][:-1]}
    folder = copied / ENTRIES / "small-v1" / "another"
    rewrite(folder, [other, lines[1]])
    append(copied / LOG, verify(open_entry(folder), small_suite))
    assert told(copied)[COPY] == [Copied("random", 1, 2)]


def test_the_page_says_it_in_the_entry_s_section(copied: Path) -> None:
    text = render(check_board(copied, copied / SUITES))
    said = "3 of its 20 runs are, decision by decision, runs of"
    assert text.count(said) == 1
    section = text[text.index('id="small-v1/entry/another"') :]
    assert said in section[: section.index("</section>")]


def test_policies_are_compared_on_the_tasks_that_both_walked(
    policy_board: Path,
    policy_suite: PolicySuite,
    constant: Callable[[float], Policy],
    policy_fields: dict[str, Any],
    tmp_path: Path,
) -> None:
    walked = {}
    for name, action in {"five-bits": 0.5, "same": 0.5, "fewer-bits": 0.0}.items():
        if name != "five-bits":
            write_policy(constant(action), file := tmp_path / "policy.npz")
            entries = policy_board / ENTRIES
            append(
                policy_board / LOG, submit_policy(file, policy_suite, name, policy_fields, entries)
            )
        entry = open_entry(policy_board / ENTRIES / "bits-v1" / name)
        (judged,) = verify(entry, policy_suite).judged
        walked[name] = {one.task: one.design for one in judged.instances}
    both = len(walked["same"].keys() & walked["five-bits"])
    assert 0 < both < 10
    found = told(policy_board)
    assert found["bits-v1", "same"] == [Copied("five-bits", both, both)]
    assert found["bits-v1", "five-bits"] == found["bits-v1", "fewer-bits"] == []
    text = render(check_board(policy_board, policy_board / SUITES))
    said = f"For {both} of the {both} tasks that both walked it makes the same design as"
    section = text[text.index('id="bits-v1/entry/same"') :]
    assert text.count(said) == 1
    assert said in section[: section.index("</section>")]
