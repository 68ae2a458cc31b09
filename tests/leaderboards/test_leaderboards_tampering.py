"""Whatever is changed after it was logged is found, and the message says what it was."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hwenvs.canonical import canonical
from hwenvs.errors import EntryError
from hwenvs.leaderboards.board import ENTRIES, LOG, Board, check_board
from hwenvs.leaderboards.entries import ABOUT, RUNS
from hwenvs.leaderboards.log import START, Line, append, grew_from, head, latest, read_log
from hwenvs.leaderboards.suites import TraceSuite

SUITE = "small-v1.json"


def check(board: Path) -> Board:
    return check_board(board, board / "suites")


def flipped(content: bytes, place: int) -> bytes:
    """``content`` with one bit of one byte turned around."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.fixture
def log_lines(board: Path) -> list[bytes]:
    return (board / LOG).read_bytes().splitlines(keepends=True)


def test_a_board_as_it_was_made_has_no_faults(board: Path) -> None:
    found = check(board)
    assert found.faults == []
    assert len(found.verdicts) == len(found.lines) == 3


def test_any_byte_of_the_log_but_its_last_line_breaks_the_chain(
    tmp_path: Path, log_lines: list[bytes]
) -> None:
    content, path = b"".join(log_lines), tmp_path / LOG
    for place in range(len(content) - len(log_lines[-1])):
        # Ends of lines are what some readers take for nothing, or for one another.
        others = {content[place] ^ 1, 0x0D} if content[place] == 0x0A else {content[place] ^ 1}
        for byte in others:
            path.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
            with pytest.raises(EntryError, match=r"log.jsonl, line \d"):
                read_log(path)


def test_any_byte_of_the_last_line_is_found_by_who_knows_the_head(
    tmp_path: Path, log_lines: list[bytes]
) -> None:
    content, path = b"".join(log_lines), tmp_path / LOG
    path.write_bytes(content)
    known = head(path)
    assert grew_from(path, known)
    for place in range(len(content) - len(log_lines[-1]), len(content)):
        path.write_bytes(flipped(content, place))
        assert not grew_from(path, known)


def test_the_last_line_is_held_against_what_it_is_about(
    board: Path, log_lines: list[bytes]
) -> None:
    last = json.loads(log_lines[-1])
    for name, what in (
        ("suite_digest", "the suite"),
        ("entry_digest", "the entry"),
        ("verdict_digest", "the verdict"),
    ):
        forged = canonical({**last, name: "0" * 64}) + b"\n"
        (board / LOG).write_bytes(b"".join(log_lines[:-1]) + forged)
        name = f"{last['suite']}/{last['entry']}"
        faults = check(board).faults
        assert f"{name}: {what} is not the one of log line 3" in faults
        assert all("line 3" in fault for fault in faults)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[2]], 2),
        (lambda lines: [lines[1], lines[0], lines[2]], 1),
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2),
        (lambda lines: [*lines, lines[-1]], 4),
        (lambda lines: [lines[0], b"\n", *lines[1:]], 2),
        (lambda lines: [lines[0].replace(b'{"', b'{ "'), *lines[1:]], 1),
        (lambda lines: [lines[0].replace(b"\n", b"\r\n"), *lines[1:]], 1),
    ],
    ids=("first dropped", "one dropped", "swapped", "twice", "added", "empty", "space", "ends"),
)
def test_dropped_moved_and_inserted_lines_are_found(
    change: Callable[[list[bytes]], list[bytes]], line: int, board: Path, log_lines: list[bytes]
) -> None:
    (board / LOG).write_bytes(b"".join(change(log_lines)))
    with pytest.raises(EntryError, match=f"log.jsonl, line {line}: "):
        read_log(board / LOG)
    assert any(f"line {line}: " in fault for fault in check(board).faults)


def test_a_log_cut_short_lacks_verdicts_and_its_head(board: Path, log_lines: list[bytes]) -> None:
    known = head(board / LOG)
    (board / LOG).write_bytes(b"".join(log_lines[:-1]))
    assert check(board).faults == [
        "small-v1/uniform is not in the log: hwenvs leaderboard log small-v1/uniform"
    ]
    assert not grew_from(board / LOG, known)
    (board / LOG).write_bytes(b"".join(log_lines)[:-1])
    assert "the last line is cut off" in check(board).faults[0]


def test_a_log_written_anew_is_found_by_who_knows_the_head(
    board: Path, log_lines: list[bytes]
) -> None:
    known = head(board / LOG)
    forged, previous = b"", START
    for raw in log_lines:
        line = Line.model_validate_json(raw)
        fields = {**line.model_dump(mode="json"), "badge": "reproduced", "previous": previous}
        new = canonical(fields)
        forged, previous = forged + new + b"\n", hashlib.sha256(new).hexdigest()
    (board / LOG).write_bytes(forged)
    # Whoever may write all of the log can make a new chain, which is why heads are published.
    assert check(board).faults == []
    assert not grew_from(board / LOG, known)


def test_the_log_only_grows_and_says_nothing_twice(board: Path) -> None:
    found = check(board)
    verdict = found.verdicts["small-v1", "uniform"]
    before, known = (board / LOG).read_bytes(), head(board / LOG)
    assert append(board / LOG, verdict).number == 3
    assert (board / LOG).read_bytes() == before
    line = append(board / LOG, verdict, "reproduced", [("HAQ-ResNet20-v0", 3)])
    assert (line.number, line.previous) == (4, known)
    assert (board / LOG).read_bytes().startswith(before)
    assert grew_from(board / LOG, known)
    assert latest(read_log(board / LOG))["small-v1", "uniform"].badge == "reproduced"


def test_nothing_is_added_to_a_log_that_was_tampered_with(
    board: Path, log_lines: list[bytes]
) -> None:
    verdict = check(board).verdicts["small-v1", "uniform"]
    (board / LOG).write_bytes(b"".join(log_lines[1:]))
    with pytest.raises(EntryError, match="does not follow"):
        append(board / LOG, verdict)


@pytest.mark.parametrize("name", [ABOUT, RUNS])
def test_any_byte_of_an_entry_is_found(name: str, board: Path) -> None:
    path = board / ENTRIES / "small-v1" / "random" / name
    content = path.read_bytes()
    for place in {*range(0, len(content), max(1, len(content) // 40)), len(content) - 1}:
        path.write_bytes(flipped(content, place))
        faults = check_entry(board)
        assert faults
        assert all("random" in fault for fault in faults)


def check_entry(board: Path) -> list[str]:
    """Faults of a board without its other entries, for speed."""
    for name in ("regularized-evolution", "uniform"):
        shutil.rmtree(board / ENTRIES / "small-v1" / name, ignore_errors=True)
    return [fault for fault in check(board).faults if "which is gone" not in fault]


def test_the_same_runs_packed_anew_are_other_files(board: Path) -> None:
    path = board / ENTRIES / "small-v1" / "random" / RUNS
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1, mtime=0))
    assert check_entry(board) == [
        "small-v1/random: the entry is not the one of log line 1",
        "small-v1/random: the verdict is not the one of log line 1",
    ]


def test_an_entry_that_is_gone_is_missed(board: Path) -> None:
    shutil.rmtree(board / ENTRIES / "small-v1" / "random")
    assert check(board).faults == ["the log has a verdict on small-v1/random, which is gone"]


def test_any_byte_of_a_suite_is_found(board: Path) -> None:
    path = board / "suites" / SUITE
    content = path.read_bytes()
    for name in ("random", "regularized-evolution"):
        shutil.rmtree(board / ENTRIES / "small-v1" / name)
    for place in range(0, len(content), 29):
        path.write_bytes(flipped(content, place))
        faults = [fault for fault in check(board).faults if "which is gone" not in fault]
        assert any("suite" in fault for fault in faults), content[place - 20 : place + 20]


def test_spaces_in_a_suite_are_found(board: Path) -> None:
    path = board / "suites" / SUITE
    path.write_bytes(path.read_bytes().replace(b'"seeds": ', b'"seeds":  '))
    assert f"{SUITE} is not written as" in check(board).faults[0]


@pytest.mark.parametrize("reference", ["uniform", "optimum"])
def test_another_reference_is_found_before_anybody_is_ranked_by_it(
    reference: str, board: Path, small_suite: TraceSuite
) -> None:
    task = small_suite.tasks[0]
    easier = task.model_copy(update={reference: getattr(task, reference) - 1e-6})
    forged = small_suite.model_copy(update={"tasks": [easier, small_suite.tasks[1]]})
    (board / "suites" / SUITE).write_bytes(forged.text.encode())
    found = check(board)
    assert any(
        fault.startswith(f"suite small-v1: HAQ-ResNet20-v0: the {reference}")
        for fault in found.faults
    )
    assert found.verdicts == {}


def test_a_suite_with_an_unknown_environment_is_a_fault_and_not_a_crash(
    board: Path, small_suite: TraceSuite
) -> None:
    gone = small_suite.tasks[0].model_copy(update={"environment": "AMC-Gone-v0"})
    forged = small_suite.model_copy(update={"tasks": [gone, small_suite.tasks[1]]})
    (board / "suites" / SUITE).write_bytes(forged.text.encode())
    shutil.rmtree(board / ENTRIES)
    (fault, *_) = check(board).faults
    assert fault.startswith("suite small-v1: HAQ-ResNet20-v0: unknown environment 'AMC-Gone-v0'")


def test_every_fault_is_listed(board: Path) -> None:
    (board / ENTRIES / "small-v1" / "random" / "more").write_text("")
    (board / ENTRIES / "small-v1" / "uniform" / RUNS).write_bytes(b"")
    (board / ENTRIES / "other-v1" / "mine").mkdir(parents=True)
    assert len(check(board).faults) == 3


def test_the_table_leaves_out_what_is_not_logged(board: Path, log_lines: list[bytes]) -> None:
    (board / LOG).write_bytes(b"".join(log_lines[:2]))
    found = check(board)
    names = [row.name for row in found.rows(found.suites[0])]
    assert sorted(names) == ["random", "regularized-evolution"]
