"""``hwenvs submit`` and ``hwenvs leaderboard``, one claim a command."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hwenvs.leaderboards.board import ENTRIES, LOG
from hwenvs.leaderboards.entries import ABOUT, RUNS
from hwenvs.leaderboards.log import head, read_log
from hwenvs.solving import solve
from hwenvs.solving.records import write_runs

if TYPE_CHECKING:
    from tests.conftest import Cli

HAQ = "HAQ-ResNet20-v0"
ABOUT_OPTIONS = (
    "--track", "search", "--method", "Uniform actions", "--author", "Ada", "--author", "Bo",
    "--code", "https://example.org", "--commit", "abc", "--tuning", "None.",
    "--not-trained-on-test-instances", "--licence", "MIT",
)  # fmt: skip


def board_command(name: str, board: Path, *arguments: object) -> tuple[object, ...]:
    return "leaderboard", name, *arguments, "--folder", board


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Records of three runs, as ``hwenvs run`` writes them."""
    folder = tmp_path / "runs"
    write_runs(folder / f"{HAQ}.random.jsonl", [solve("random", HAQ, 20, seed) for seed in (0, 1)])
    mobile = solve("random", "NAS-ProxylessCIFAR-v0", 20, 0, hardware="mobile")
    write_runs(folder / "NAS.random.jsonl", [mobile])
    return folder


@pytest.mark.parametrize(
    "command", ["verify", "log", "withdraw", "reproduce", "freeze", "show", "render", "check-diff"]
)
def test_every_command_has_help(cli: Cli, command: str) -> None:
    assert "--folder" in cli.succeed("leaderboard", command, "--help")


def test_submit_writes_an_entry_and_prints_the_verdict(
    cli: Cli, board: Path, records: Path
) -> None:
    options = ("--suite", "small", "--name", "mine", "--folder", board)
    printed = cli.succeed("submit", records, *options, *ABOUT_OPTIONS)
    assert "small-v1/mine (search)" in printed
    assert HAQ in printed
    about = json.loads((board / ENTRIES / "small-v1" / "mine" / ABOUT).read_text())
    assert about["authors"] == ["Ada", "Bo"]
    assert about["trained_on_test_instances"] is False
    assert "small-v1/mine" in cli.succeed(*board_command("verify", board, "small-v1/mine"))


def test_submit_reads_files_and_sweeps_and_a_file_about_them(
    cli: Cli, board: Path, records: Path, tmp_path: Path
) -> None:
    from hwenvs.sweeps.reading import read_plan
    from hwenvs.sweeps.sweep import pool_engine, run_sweep

    plan = tmp_path / "sweep.yaml"
    plan.write_text(f"environments: [{HAQ}]\nsolvers: [random]\nseeds: 2\nevaluations: 20\n")
    run_sweep(read_plan(plan).cells(), tmp_path / "sweep", pool_engine(1))
    about = tmp_path / "about.json"
    about.write_text(json.dumps({"tuning": "By hand.", "method": "From the file"}))
    options = ("--suite", "small-v1", "--about", about, "--folder", board)
    for name, path in (("one", tmp_path / "sweep"), ("two", records / f"{HAQ}.random.jsonl")):
        entries = tmp_path / "elsewhere"
        where = ("--name", name, "--entries", entries)
        cli.succeed("submit", path, *options, *where, *ABOUT_OPTIONS[:2], *ABOUT_OPTIONS[4:])
        said = json.loads((entries / "small-v1" / name / ABOUT).read_text())
        assert (said["method"], said["tuning"]) == ("From the file", "None.")
    packed = [(entries / "small-v1" / name / RUNS).stat().st_size for name in ("one", "two")]
    assert min(packed) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--suite", "tiny", "--name", "mine", *ABOUT_OPTIONS), "unknown suite 'tiny'.*small-v1"),
        (("--suite", "small", "--name", "../x", *ABOUT_OPTIONS), "name: String should match"),
        (("--suite", "small", "--name", "mine"), "needs --track, --method, --author,"),
        (("--suite", "small", "--name", "random", *ABOUT_OPTIONS), "random exists"),
    ],
)
def test_submit_says_in_one_line_what_is_wrong(
    cli: Cli, arguments: tuple[str, ...], message: str, board: Path, records: Path
) -> None:
    said = cli.fail("submit", records, *arguments, "--folder", board)
    assert re.search(message, said), said


def test_submit_names_every_option_that_is_missing(
    cli: Cli, board: Path, records: Path, tmp_path: Path
) -> None:
    about = tmp_path / "about.json"
    about.write_text(json.dumps({"method": "From the file", "licence": "MIT"}))
    options = ("--suite", "small", "--name", "mine", "--folder", board, "--about", about)
    said = cli.fail("submit", records, *options, "--author", "Ada")
    missing = "--track, --code, --commit, --tuning, --[not-]trained-on-test-instances as well"
    assert f"an entry needs {missing}" in said
    said = cli.fail("submit", "--policy", tmp_path / "policy.npz", *options)
    assert "--track" not in said
    assert "--author, --code" in said


def test_verify_agrees_with_a_board_as_it_was_made(cli: Cli, board: Path) -> None:
    printed = cli.succeed(*board_command("verify", board))
    assert printed.count("verdict ") == 3
    assert "everything agrees" in printed


def test_verify_lists_every_fault_and_exits_with_one(cli: Cli, board: Path) -> None:
    for name in ("random", "uniform"):
        (board / ENTRIES / "small-v1" / name / RUNS).write_bytes(b"")
    said = cli.fail(*board_command("verify", board), code=1)
    assert said.count("fault: ") == 2
    assert "random" in said
    assert "uniform" in said
    names = ("small-v1/random", "small-v1/regularized-evolution")
    assert cli.fail(*board_command("verify", board, *names), code=1).count("fault: ") == 1


def test_verify_compares_the_log_with_a_head_that_was_noted(cli: Cli, board: Path) -> None:
    noted = head(board / LOG)
    cli.succeed(*board_command("verify", board, "--head", noted))
    assert "was written anew" in cli.fail(
        *board_command("verify", board, "--head", "1" * 64), code=1
    )


def test_an_unknown_entry_is_told(cli: Cli, board: Path) -> None:
    said = cli.fail(*board_command("verify", board, "small-v1/randm"))
    assert "Did you mean 'small-v1/random'?" in said


def test_log_adds_a_verdict_once_and_keeps_the_badge(cli: Cli, board: Path, records: Path) -> None:
    options = ("--suite", "small", "--name", "mine", "--folder", board)
    cli.succeed("submit", records, *options, *ABOUT_OPTIONS)
    assert "small-v1/mine is not in the log" in cli.fail(*board_command("verify", board), code=1)
    for _ in range(2):
        assert "line 4: small-v1/mine replayed" in cli.succeed(
            *board_command("log", board, "small-v1/mine")
        )
    assert "line 1: small-v1/random reproduced" in cli.succeed(
        *board_command("log", board, "small-v1/random")
    )
    assert len(read_log(board / LOG)) == 4
    cli.succeed(*board_command("verify", board))


def test_reproduce_logs_what_it_ran_and_found(cli: Cli, board: Path) -> None:
    printed = cli.succeed(*board_command("reproduce", board, "small-v1/uniform"))
    assert "small-v1/uniform reproduced: 6 of 6 runs are equal" in " ".join(printed.split())
    line = read_log(board / LOG)[-1]
    assert (line.number, line.entry, line.badge) == (4, "uniform", "reproduced")
    assert len(line.reruns) == 6
    cli.succeed(*board_command("reproduce", board, "small-v1/uniform", "--all"))
    assert len(read_log(board / LOG)[-1].reruns) == 20


def test_show_prints_tiers(cli: Cli, board: Path) -> None:
    printed = cli.succeed(*board_command("show", board, "small"))
    assert "small-v1: Two quick environments" in printed
    assert printed.index("regularized-evolution") < printed.index("uniform")


def test_freeze_knows_its_recipes(cli: Cli, board: Path) -> None:
    assert "Known: all, amc" in cli.fail(*board_command("freeze", board, "amcc"))
    assert "nas-v1.json is frozen" in cli.succeed(*board_command("freeze", board, "nas"))
    assert (board / "suites" / "nas-v1.json").is_file()


def test_a_folder_that_is_not_there_is_told(cli: Cli, tmp_path: Path) -> None:
    assert "there is no folder" in cli.fail(*board_command("show", tmp_path / "no"))


@pytest.mark.parametrize(
    "command",
    [
        ("verify",),
        ("log", "amc-v1/random"),
        ("withdraw", "amc-v1/random"),
        ("reproduce", "amc-v1/random"),
        ("freeze", "amc"),
        ("show",),
        ("render",),
        ("check-diff", "HEAD"),
    ],
    ids=lambda command: command[0],
)
def test_without_a_board_nothing_agrees(
    cli: Cli, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = cli.fail("leaderboard", *command)
    assert "the working directory has no board" in said
    assert "--folder" in said
    assert list(tmp_path.iterdir()) == []


def test_without_a_board_entries_go_where_one_says(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_runs(tmp_path / "runs.jsonl", [solve("uniform", "NAS-ProxylessCIFAR-v0", 1)])
    words = ("submit", "runs.jsonl", "--suite", "nas-v1", "--name", "mine", *ABOUT_OPTIONS)
    assert "the working directory has no board" in cli.fail(*words)
    cli.succeed(*words, "--entries", "mine")
    assert (tmp_path / "mine" / "nas-v1" / "mine" / ABOUT).is_file()


@pytest.fixture
def repository(board: Path) -> Path:
    """The board's folder in a repository of git, committed."""
    git(board.parent, "init", "--quiet")
    git(board.parent, "add", "leaderboards")
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    git(board.parent, *identity, "commit", "--quiet", "--message", "A board")
    return board


@pytest.mark.parametrize("account", ["", "ada"])
def test_submit_says_that_a_pull_request_needs_an_account(
    cli: Cli, board: Path, records: Path, account: str
) -> None:
    options = ("--suite", "small", "--name", "mine", "--folder", board)
    named = ("--account", account) if account else ()
    result = cli.call("submit", records, *options, *named, *ABOUT_OPTIONS)
    assert result.exit_code == 0
    assert ("names no --account" in result.stderr) is not bool(account)


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_check_diff_verifies_what_is_new_since_a_revision(
    cli: Cli, repository: Path, records: Path
) -> None:
    assert "everything agrees" in cli.succeed(*board_command("check-diff", repository, "HEAD"))
    options = ("--suite", "small", "--name", "mine", "--folder", repository)
    cli.succeed("submit", records, *options, "--account", "ada", *ABOUT_OPTIONS)
    contributed = board_command("check-diff", repository, "HEAD", "--account", "ada")
    printed = cli.succeed(*contributed)
    assert "small-v1/mine" in printed
    assert "random" not in printed
    (repository / ENTRIES / "small-v1" / "mine" / RUNS).write_bytes(b"")
    assert "cut off" in cli.fail(*contributed, code=1)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_check_diff_refuses_a_log_that_was_written_anew(cli: Cli, repository: Path) -> None:
    (repository / LOG).write_bytes(b"")
    assert "lines that were there" in cli.fail(
        *board_command("check-diff", repository, "HEAD"), code=1
    )


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("base", ["nowhere", "--output=/tmp/x", "HEAD; true"])
def test_check_diff_takes_revisions_and_nothing_else(cli: Cli, base: str, repository: Path) -> None:
    arguments = ("leaderboard", "check-diff", "--folder", str(repository), "--", base)
    said = cli.fail(*arguments)
    assert f"error: {base!r} is neither a folder nor a revision of git" in said


def test_check_diff_compares_folders(cli: Cli, board: Path, tmp_path: Path) -> None:
    before = shutil.copytree(board, tmp_path / "before")
    assert "everything agrees" in cli.succeed(*board_command("check-diff", board, before))
    shutil.rmtree(board / ENTRIES / "small-v1" / "random")
    assert "may only be removed" in cli.fail(*board_command("check-diff", board, before), code=1)
    # Removed by a maintainer it need not verify: it is not there.
    cli.succeed(*board_command("withdraw", board, "small-v1/random"))
    cli.succeed(*board_command("check-diff", board, before, "--maintainer"))
