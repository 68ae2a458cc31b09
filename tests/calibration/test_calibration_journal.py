"""The journal: nothing measured is lost, nothing half-written is believed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hwenvs.calibration.journal import Journal
from hwenvs.errors import DataError

SETTINGS = {"network": "resnet20", "seed": 0}


def test_measurements_survive_reopening(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "j.jsonl", SETTINGS)
    journal.add("a", value=1)
    again = Journal(tmp_path / "deep" / "j.jsonl", SETTINGS)
    assert "a" in again
    assert again.records["a"]["value"] == 1


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_cut_off_by_a_kill_is_measured_again(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path, SETTINGS)
    journal.add("a", value=1)
    journal.add("b", value=2)
    path.write_bytes(path.read_bytes()[:-cut])
    again = Journal(path, SETTINGS)
    assert "a" in again
    assert "b" not in again
    again.add("b", value=3)
    assert Journal(path, SETTINGS).records["b"]["value"] == 3


def test_a_journal_cut_in_its_first_line_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    Journal(path, SETTINGS)
    path.write_bytes(path.read_bytes()[:10])
    journal = Journal(path, SETTINGS)
    journal.add("a", value=1)
    assert "a" in Journal(path, SETTINGS)


def test_a_journal_of_other_settings_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    Journal(path, SETTINGS)
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"other settings \(seed\)"):
        Journal(path, {**SETTINGS, "seed": 1})
    assert path.read_bytes() == before


@pytest.mark.parametrize("line", ["garbage", "{}", "[1]", "null", '{"key": "\udcff"}'])
@pytest.mark.parametrize("number", [1, 3])
def test_a_damaged_line_is_named(tmp_path: Path, line: str, number: int) -> None:
    path = tmp_path / "j.jsonl"
    journal = Journal(path, SETTINGS)
    journal.add("a", value=1)
    journal.add("b", value=2)
    lines = path.read_text().splitlines()
    lines[number - 1] = line
    path.write_bytes(("\n".join(lines) + "\n").encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=rf"j\.jsonl is damaged in line {number}; delete"):
        Journal(path, SETTINGS)


def test_what_an_older_journal_does_not_tell_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    Journal(path, SETTINGS)
    Journal(path, {**SETTINGS, "images": "a"}, untold=("images",))
    with pytest.raises(DataError, match=r"other settings \(images\)"):
        Journal(path, {**SETTINGS, "images": "a"})
    told = tmp_path / "told.jsonl"
    Journal(told, {**SETTINGS, "images": "a"})
    with pytest.raises(DataError, match=r"other settings \(images\)"):
        Journal(told, {**SETTINGS, "images": "b"}, untold=("images",))


HOLDING = """
import os, sys, time
from pathlib import Path
from hwenvs.calibration.journal import Journal
journal = Journal(Path(sys.argv[1]), {"network": "resnet20", "seed": 0})
os.write(1, b"%d\\n" % os.fork())  # both do, the other 0
time.sleep(60)
"""
"""A process with a journal, and one that it has forked."""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes may not be forked")
def test_a_second_process_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "tables" / "j.jsonl"
    command = [sys.executable, "-c", HOLDING, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        child = 0
        try:
            child = max(int(first.stdout.readline()) for _ in range(2))
            before = path.read_bytes()
            with pytest.raises(DataError, match=rf"another process .* folder {path.parent} "):
                Journal(path, SETTINGS)
            assert path.read_bytes() == before
            first.kill()
            first.wait()
            os.kill(child, 0)  # it lives on, and holds nothing
            Journal(path, SETTINGS).add("a", value=1)
        finally:
            first.kill()
            if child:
                os.kill(child, signal.SIGKILL)


def test_a_journal_that_is_gone_is_free(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    one, other = Journal(path, SETTINGS), Journal(path, SETTINGS)
    look = (
        "import sys; from pathlib import Path; from hwenvs.calibration.journal import Journal\n"
        f"Journal(Path(sys.argv[1]), {SETTINGS})"
    )
    command = [sys.executable, "-c", look, str(path)]
    del one
    assert b"another process" in subprocess.run(command, capture_output=True, check=False).stderr
    del other
    subprocess.run(command, check=True)
