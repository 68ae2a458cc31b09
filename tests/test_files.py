"""Files that are never half-written, and that others may read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from hwenvs.files import digests, replacing, stamps


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_may_be_read_by_whom_the_umask_allows(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "weights") as temporary:
            temporary.touch(0o600)  # as safetensors does
    finally:
        os.umask(before)
    assert (tmp_path / "weights").stat().st_mode & 0o777 == mode


def test_a_block_that_fails_or_writes_nothing_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("good")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "good"
    assert list(tmp_path.iterdir()) == [path]


def test_digests_are_of_the_files_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("chip.json", "table.npz", "mobile", "unused.json"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.json").mkdir()
    named = {
        "hardware": "chip.json",
        "network": "mobile",
        "more": [{"proxy": "./table.npz"}, "folder.json", "\0.json", "gone.json", 1, None],
    }
    assert digests(named) == {
        "chip.json": hashlib.sha256(b"chip.json").hexdigest(),
        "./table.npz": hashlib.sha256(b"table.npz").hexdigest(),
    }
    (tmp_path / "chip.json").write_text("another")
    assert digests("chip.json") == {"chip.json": hashlib.sha256(b"another").hexdigest()}
    assert digests({"budget": 0.5}) == {}


def test_stamps_tell_whether_files_that_are_named_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "table.json", tmp_path / "elsewhere"
    path.write_text("1")
    other.mkdir()
    (other / "table.json").write_text("1")
    named = {"hardware": {"name": "x", "table": "table.json"}, "budget": 0.5, "layers": ["none"]}
    monkeypatch.chdir(tmp_path)
    before = stamps(named)
    assert len(before) == 1
    assert before == stamps([{"a": "table.json"}, "\0"])
    path.write_text("22")
    assert stamps(named) != before
    monkeypatch.chdir(other)
    assert stamps(named)[0][0] == str(other / "table.json")
