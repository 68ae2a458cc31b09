"""The leaderboard's page without a browser: structure, contents, bytes."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hwenvs.errors import EntryError
from hwenvs.leaderboards.board import ENTRIES, LOG, check_board
from hwenvs.leaderboards.entries import ABOUT, About, open_entry
from hwenvs.leaderboards.log import append, head
from hwenvs.leaderboards.page import render, write
from hwenvs.leaderboards.reproduce import FEWEST_RUNS
from hwenvs.leaderboards.verify import verify


def test_every_tag_is_closed_and_every_id_is_there_once(reader):
    assert not reader.stack
    ids = Counter(a["id"] for _, a in reader.tags if "id" in a)
    assert len(ids) > 10
    assert set(ids.values()) == {1}


def test_every_anchor_and_every_label_has_its_target(reader):
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    anchors = {a["href"][1:] for a in reader.all("a") if a["href"].startswith("#")}
    labelled = {a["aria-labelledby"] for _, a in reader.tags if "aria-labelledby" in a}
    labels = {a["for"] for a in reader.all("label")}
    assert len(anchors) > 10
    assert labelled
    assert labels
    assert anchors | labelled | labels <= ids


def test_the_page_is_equal_byte_for_byte(board_folder, page, tmp_path):
    other = tmp_path / "elsewhere"
    shutil.copytree(board_folder, other)
    again = check_board(other, suites=other / "suites")
    path = write(again)
    assert path == other / "index.html"
    assert path.read_bytes() == page.encode()
    assert write(again).read_bytes() == page.encode()
    assert str(board_folder) not in page


def test_last_bits_do_not_show(checked, page):
    nudged = {}
    for key, verdict in checked.verdicts.items():
        judged = [
            replace(one, curves=np.where(one.curves > 0, np.nextafter(one.curves, 2), 0.0))
            for one in verdict.judged
        ]
        nudged[key] = replace(verdict, judged=tuple(judged))
    digest = re.compile(r"<dt>Verdict</dt><dd><code>[0-9a-f]{64}")
    moved = render(replace(checked, verdicts=nudged))
    assert digest.sub("", moved) == digest.sub("", page)
    assert moved != page


def test_the_page_holds_what_is_ranked(checked, board_folder, small_suite, reader):
    rows = checked.rows(small_suite)
    assert len(rows) == 3
    assert head(board_folder / LOG) in reader.text
    assert "Log of 3 lines" in reader.text
    for row in rows:
        assert row.verdict.entry.digest in reader.text
        assert row.verdict.digest in reader.text
        assert f"hwenvs leaderboard verify small-v1/{row.name}" in reader.text
        low, high = row.interval
        assert f"{row.mean:.3f} ({low:.3f} to {high:.3f})" in reader.text
    shown = [a["data-search"].split()[0] for a in reader.all("tr") if "data-search" in a]
    assert shown == [row.name for row in rows]
    for task in small_suite.tasks:
        assert task.dynamics in reader.text
        assert ",".join(map(str, task.design)) in reader.text


def test_the_best_design_is_the_best_of_all_entries(checked, small_suite, reader):
    for task in small_suite.tasks:
        found = [
            one for v in checked.verdicts.values() for one in v.judged if one.task.key == task.key
        ]
        best = max(found, key=lambda one: one.reward)
        assert ",".join(map(str, best.design)) in reader.text
        accuracy = task.problem().evaluate([best.design]).accuracy[0]
        expected = f"score {task.score(best.reward):.3f}, estimated accuracy {100 * accuracy:.2f} %"
        assert expected in reader.text


def test_tables_say_what_they_are(reader):
    tables, captions = len(reader.all("table")), len(reader.all("caption"))
    assert tables == captions > 3
    assert all(a.get("scope") in ("col", "row") for a in reader.all("th"))
    sortings = [a["aria-sort"] for a in reader.all("th") if "aria-sort" in a]
    assert sortings == ["ascending"]
    figures = [a for a in reader.all("svg") if "aria-hidden" not in a]
    assert all(a["role"] == "img" and len(a["aria-label"]) > 30 for a in figures)
    assert [a for _, a in reader.tags if a.get("aria-live") == "polite"]
    assert reader.all("a")[0]["href"] == "#main"


def test_badges_and_tracks_are_explained(reader):
    ids = {a["id"] for _, a in reader.tags if "id" in a}
    for badge in ("replayed", "reproduced", "indistinguishable", "different"):
        assert f"badge-{badge}" in ids
    for track in ("design", "search", "policy"):
        assert f"track-{track}" in ids
    assert "HAQ-ResNet20-v0 seed 3" in reader.text, "what was run again"


def test_the_page_says_what_makes_a_badge(reader):
    told = reader.text.rpartition("Badges")[2].rpartition("Tracks")[0]
    alike, different = told.partition("indistinguishable")[2].rsplit("differentThe", 1)
    assert f"on at least {FEWEST_RUNS} runs of each environment" in alike
    # A solver that breaks its promise is different with equal scores as well.
    assert "it promises equal designs for equal seeds, or its scores differ too" in different
    assert f"or there are fewer than {FEWEST_RUNS} runs of an environment" in different


def test_a_board_with_faults_is_not_shown(checked):
    with pytest.raises(EntryError, match="something is wrong"):
        render(replace(checked, faults=["something is wrong"]))


def test_a_board_without_entries_shows_its_environments(checked, small_suite, read):
    empty = read(render(replace(checked, verdicts={}, lines=())))
    assert "No entries yet." in empty.text
    assert ",".join(map(str, small_suite.tasks[0].design)) in empty.text
    bare = read(render(replace(checked, suites=(), verdicts={}, lines=())))
    assert "There are no suites yet." in bare.text


def test_twenty_entries_stay_below_two_megabytes(board_folder, small_suite, tmp_path, read):
    folder = tmp_path / "many"
    shutil.copytree(board_folder, folder)
    for number in range(17):
        source = folder / ENTRIES / "small-v1" / "random"
        copy = source.with_name(f"copy-{number}")
        shutil.copytree(source, copy)
        about = json.loads((copy / ABOUT).read_text()) | {
            "name": copy.name,
            "description": "Words. " * 500,
            "tuning": "Words. " * 250,
        }
        (copy / ABOUT).write_text(json.dumps(about))
        append(folder / LOG, verify(open_entry(copy), small_suite))
    many = check_board(folder, suites=folder / "suites")
    assert not many.faults
    path = write(many)
    seen = read(path.read_text(encoding="utf-8"))
    assert len([a for a in seen.all("tr") if "data-search" in a]) == 20
    assert path.stat().st_size < 2_000_000


def test_about_has_no_field_that_the_page_forgets(checked, read):
    verdict = checked.verdicts["small-v1", "uniform"]
    told = {
        "method": "Method here",
        "description": "Description here",
        "authors": ["First here", "Second here"],
        "code": "Code here",
        "commit": "Commit here",
        "solver": "solver.here:Solver",
        "hyperparameters": {"hyper": "Parameter here"},
        "tuning": "Tuning here",
        "licence": "Licence here",
        "hardware": "Hardware here",
        "account": "Account-here",
        "track": "policy",
        "deterministic": False,
        "trained_on_test_instances": True,
    }
    assert set(told) | {"name", "suite"} == set(About.model_fields)
    about = verdict.entry.about.model_copy(update=told)
    changed = replace(verdict, entry=replace(verdict.entry, about=about))
    seen = read(render(replace(checked, verdicts={("small-v1", "uniform"): changed}))).text
    for words in re.findall(r"[A-Z]\w+[ -]here|solver\.here:Solver", str(told)):
        assert words in seen
    assert "need not give" in seen
    assert "Trained on the environments of the suiteyes" in seen
