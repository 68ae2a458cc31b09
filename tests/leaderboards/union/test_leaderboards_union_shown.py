"""Unions in commands and on the page."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hwenvs.errors import EntryError
from hwenvs.leaderboards.board import ENTRIES, SUITES, Board, check_board
from hwenvs.leaderboards.ranking import Row
from hwenvs.leaderboards.submit import submit, submit_policy
from hwenvs.leaderboards.suites import UnionSuite
from hwenvs.leaderboards.unions import parts_of
from hwenvs.reporting.statistics import interquartile_mean
from hwenvs.solving import solve

if TYPE_CHECKING:
    from tests.conftest import Cli


@pytest.mark.parametrize("command", ["verify", "log", "reproduce"])
def test_an_entry_of_a_union_is_one_of_a_part(cli: Cli, command: str, union_folder: Path) -> None:
    said = cli.fail("leaderboard", command, "both-v1/random", "--folder", union_folder)
    assert "both-v1 has no entries of its own: it ranks those of bits-v1, ops-v1" in said


def test_nothing_is_submitted_to_a_union(
    union: UnionSuite, fields: dict[str, Any], tmp_path: Path
) -> None:
    message = "both-v1 has no entries of its own: it ranks those of bits-v1, ops-v1; submit to them"
    with pytest.raises(EntryError, match=message):
        submit([solve("uniform", "HAQ-ResNet20-v0", 1)], union, "mine", fields, tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_policy_is_submitted_to_a_union(
    union: UnionSuite, policy_entry: Path, policy_fields: dict[str, Any], tmp_path: Path
) -> None:
    entries = tmp_path / "entries"
    with pytest.raises(EntryError, match="both-v1 has no entries of its own"):
        submit_policy(policy_entry / "policy.npz", union, "mine", policy_fields, entries)
    assert not entries.exists()


def test_a_folder_of_an_entry_of_a_union_is_a_fault(board: Path) -> None:
    source = board / ENTRIES / "ops-v1" / "random"
    copy = shutil.copytree(source, board / ENTRIES / "both-v1" / "random")
    about = copy / "entry.json"
    about.write_text(about.read_text().replace('"ops-v1"', '"both-v1"'))
    (fault,) = check_board(board, board / SUITES).faults
    assert "both-v1 has no entries of its own" in fault


def test_show_prints_the_table_of_a_union(cli: Cli, union_folder: Path) -> None:
    printed = cli.succeed("leaderboard", "show", "both", "--folder", union_folder)
    assert "both-v1: Both" in printed
    assert "uniform" in printed
    assert "bits-v1: bits" not in printed


@pytest.fixture(scope="module")
def page(checked: Board) -> str:
    pytest.importorskip("jinja2")
    from hwenvs.leaderboards.page import render

    return render(checked)


def test_the_page_ranks_a_union_like_any_other_suite(page: str, rows: dict[str, Row]) -> None:
    section = page.partition('<section class="suite" id="both-v1"')[2]
    section = section.partition('<section class="suite"')[0]
    shown = re.findall(r'<tr role="row" data-search="(\S+) ', section)
    assert shown == list(rows)
    for row in rows.values():
        assert f"{row.mean:.3f} <span" in section
        for part in parts_of(row.verdict):
            name = part.entry.about.name
            assert f'<a href="#{part.suite.id}/entry/{name}">' in section
            assert f"<td>{interquartile_mean(part.scores.ravel()):.3f}</td>" in section
    # All environments together, then each; pictures of designs are in the parts' sections.
    assert section.count('<svg class="curves"') == 4
    assert '<svg class="design"' not in section
    assert "none in <a" in section


def test_ids_of_the_page_are_there_once_and_links_lead_to_them(page: str) -> None:
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(set(ids)) == len(ids) > 30
    assert not [one for one in ids if re.search(r"\s", one)]
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(ids)
    assert set(re.findall(r'aria-labelledby="([^"]*)"', page)) <= set(ids)


def test_the_page_of_a_union_is_equal_byte_for_byte(page: str, board: Path) -> None:
    from hwenvs.leaderboards.page import render

    assert render(check_board(board, board / SUITES)) == page


def test_a_union_without_entries_links_to_its_parts(checked: Board) -> None:
    pytest.importorskip("jinja2")
    from hwenvs.leaderboards.page import render

    empty = render(replace(checked, verdicts={}, lines=()))
    assert 'The entries of <a href="#bits-v1">' in empty
    assert "Environments of both-v1" not in empty
