"""``hwenvs leaderboard render`` and ``verify``: a page is the rendering of its board."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hwenvs.leaderboards.board import ENTRIES, LOG
from hwenvs.leaderboards.entries import RUNS
from hwenvs.leaderboards.log import head

if TYPE_CHECKING:
    from tests.conftest import Cli


def board_command(name: str, board: Path) -> tuple[object, ...]:
    return "leaderboard", name, "--folder", board


def test_render_writes_the_page_and_refuses_a_board_with_faults(cli: Cli, board: Path) -> None:
    pytest.importorskip("jinja2")
    cli.succeed(*board_command("render", board))
    assert head(board / LOG) in (board / "index.html").read_text()
    cli.succeed(*board_command("verify", board))
    (board / ENTRIES / "small-v1" / "random" / RUNS).write_bytes(b"")
    result = cli.call(*board_command("render", board))
    assert result.exit_code == 2, result.output
    assert "faults is not shown" in result.stderr.splitlines()[-1]  # after the bar
    assert "Traceback" not in result.output


def test_verify_notices_a_page_of_another_log(cli: Cli, board: Path) -> None:
    (board / "index.html").write_text(f"<p>{'1' * 64}</p>")
    assert "shows another head" in cli.fail(*board_command("verify", board), code=1)


def test_verify_recomputes_the_page(cli: Cli, board: Path) -> None:
    pytest.importorskip("jinja2")
    cli.succeed(*board_command("render", board))
    cli.succeed(*board_command("verify", board))
    page = board / "index.html"
    page.write_text(page.read_text().replace("Bundled random", "Bundled and better"))
    said = cli.fail(*board_command("verify", board), code=1)
    assert f"{page} is not the page of this board: hwenvs leaderboard render" in said


def test_verify_compares_the_head_alone_where_no_page_can_be_rendered(
    cli: Cli, board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    (board / "index.html").write_text(f"<p>{head(board / LOG)}</p>")
    result = cli.call(*board_command("verify", board))
    assert result.exit_code == 0, result.output
    assert "only its head was compared: HTML pages need jinja2" in result.stderr
    (board / "index.html").write_text(f"<p>{'1' * 64}</p>")
    assert "shows another head" in cli.fail(*board_command("verify", board), code=1)
