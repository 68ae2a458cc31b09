"""The verifier against folders and packed files of entries that are wrong or hostile."""

from __future__ import annotations

import json
import os
import re
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hwenvs.errors import EntryError
from hwenvs.leaderboards.entries import ABOUT, RUNS, open_entry
from hwenvs.leaderboards.suites import TraceSuite
from hwenvs.leaderboards.verify import verify

Lines = list[dict[str, Any]]
Refusal = Callable[[Path, TraceSuite], str]


def zeros(size: int) -> Iterator[bytes]:
    for _ in range(size >> 20):
        yield bytes(1 << 20)


def pack(parts: Iterator[bytes]) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(part) for part in parts) + packer.flush()


@pytest.mark.parametrize("ends", [b"", b'{"environment": "'])
def test_a_bomb_is_refused_without_being_unpacked(
    ends: bytes, entry: Path, small_suite: TraceSuite
) -> None:
    bomb = pack(iter([ends, *zeros(100 << 20)]))
    assert len(bomb) < 200_000
    (entry / RUNS).write_bytes(bomb)
    judge_once = open_entry(entry)  # what is loaded once is not the bomb's
    tracemalloc.start()
    with pytest.raises(EntryError, match="line 1: longer than"):
        verify(judge_once, small_suite)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 << 20


def test_a_bomb_of_many_lines_is_refused(
    entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    (entry / RUNS).write_bytes(pack(iter([b"\n" * (1 << 20)] * 50)))
    assert "line 1: " in refusal(entry, small_suite)


@pytest.mark.parametrize("cut", [1, 4, 9, 200])
def test_a_file_that_is_cut_off_is_refused(
    cut: int, entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    whole = (entry / RUNS).read_bytes()
    (entry / RUNS).write_bytes(whole[:-cut])
    assert re.search("cut off|cannot be unpacked", refusal(entry, small_suite))


@pytest.mark.parametrize(
    "tail", [b"x", b"\0", b"\0" * 70_000, b"\n", pack(iter([b"{}\n"]))], ids=range(5)
)
def test_what_follows_the_packed_data_is_refused(
    tail: bytes, entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    with (entry / RUNS).open("ab") as file:
        file.write(tail)
    assert "something follows the end" in refusal(entry, small_suite)


def test_a_last_line_without_an_end_is_refused(
    entry: Path, lines: Lines, small_suite: TraceSuite, refusal: Refusal
) -> None:
    (entry / RUNS).write_bytes(pack(iter([json.dumps(lines[0]).encode()])))
    assert "line 1: has no end" in refusal(entry, small_suite)


def test_a_file_that_is_not_packed_is_refused(
    entry: Path, lines: Lines, small_suite: TraceSuite, refusal: Refusal
) -> None:
    (entry / RUNS).write_text(json.dumps(lines[0]) + "\n")
    assert "line 1: cannot be unpacked" in refusal(entry, small_suite)


@pytest.mark.parametrize(
    "name",
    ["..", "x", "a" * 41, "With-Capitals", "dots.in", "random\n", "r\u0430ndom", "\udcff", "a b"],
)
def test_only_plain_names_are_entries(
    name: str, entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    folder = entry.rename(entry.with_name(name)) if name != ".." else entry / ".."
    assert "names are 2 to 40 lower-case letters" in refusal(folder, small_suite)


@pytest.mark.parametrize(
    "name", ["x\n::error file=a::forged", "small", "small-v0", "Small-v1", "small-v1 ", "\u202e-v1"]
)
def test_entries_lie_in_folders_with_names_of_suites(
    name: str, entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    # Messages repeat these names: one with a new line could pass for a command of a workflow.
    suite = entry.parent.rename(entry.parent.with_name(name))
    assert "which is no name of a suite" in refusal(suite / entry.name, small_suite)
    (suite / entry.name / RUNS).unlink()
    (suite / entry.name / ABOUT).unlink()
    assert "which is no name of a suite" in refusal(suite / entry.name, small_suite)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "random\n", "random\u0000", "a/b", "a.b"])
def test_names_inside_an_entry_are_no_paths(
    name: str, entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    fields = json.loads((entry / ABOUT).read_text())
    (entry / ABOUT).write_text(json.dumps({**fields, "name": name}))
    assert "name: String should match pattern" in refusal(entry, small_suite)


def test_an_entry_must_lie_where_it_says(
    entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    moved = entry.rename(entry.with_name("borrowed"))
    assert "says small-v1/random, but lies in small-v1/borrowed" in refusal(moved, small_suite)


def test_links_are_not_followed(
    entry: Path, tmp_path: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    (entry / ABOUT).rename(elsewhere)
    (entry / ABOUT).symlink_to(elsewhere)
    assert "is no plain file" in refusal(entry, small_suite)
    real = entry.rename(tmp_path / "random")
    entry.symlink_to(real)
    assert "is no folder of an entry" in refusal(entry, small_suite)


def test_a_linked_suite_is_not_followed(
    entry: Path, tmp_path: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    suite = entry.parent
    real = suite.rename(tmp_path / "small-v1")
    suite.symlink_to(real)
    assert "is no folder of an entry" in refusal(entry, small_suite)


def test_an_entry_holds_two_files_and_nothing_else(
    entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    (entry / "note\n::error::.txt").write_text("")
    assert "an entry holds entry.json and runs.jsonl.gz" in refusal(entry, small_suite)


def test_a_pipe_is_no_file(entry: Path, small_suite: TraceSuite, refusal: Refusal) -> None:
    (entry / RUNS).unlink()
    os.mkfifo(entry / RUNS)
    assert "is no plain file" in refusal(entry, small_suite)


@pytest.mark.parametrize("name", [ABOUT, RUNS])
def test_files_must_be_there_and_not_too_long(
    name: str, entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    with (entry / name).open("ab") as file:
        file.truncate(33 << 20)
    assert "34,603,008 bytes; at most" in refusal(entry, small_suite)
    (entry / name).unlink()
    assert f"{name} is missing" in refusal(entry, small_suite)


def test_an_entry_is_judged_by_its_own_suite_only(entry: Path, small_suite: TraceSuite) -> None:
    other = small_suite.model_copy(update={"version": 2})
    with pytest.raises(EntryError, match="was submitted to small-v1, not to small-v2"):
        verify(open_entry(entry), other)
