"""The workflow that checks contributions: what it compares, tried in a repository of git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOW = Path(__file__).parent.parent.parent / ".github/workflows/leaderboard.yml"
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or shutil.which("bash") is None, reason="git or bash is missing"
)


def git(folder: Path, *arguments: object) -> None:
    command = ["git", "-C", str(folder), *IDENTITY, *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


def commit(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(name)
    git(folder, "add", name)
    git(folder, "commit", "--quiet", "--message", name)


def steps() -> list[dict[str, Any]]:
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = workflow["jobs"]["entries"]["steps"]
    return found


def checkout() -> dict[str, Any]:
    """What the one checkout is asked for."""
    (one,) = [step["with"] for step in steps() if "checkout" in step.get("uses", "")]
    assert isinstance(one, dict)
    return one


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A merge of a contribution that began before somebody else's came, as it is checked out."""
    return merged(tmp_path, "mine")


def merged(tmp_path: Path, *names: str) -> Path:
    """A merge of a contribution that adds files of these names."""
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet", "--initial-branch", "main")
    commit(origin, "old")
    git(origin, "checkout", "--quiet", "-b", "contribution")
    for name in names:
        commit(origin, name)
    git(origin, "checkout", "--quiet", "main")
    commit(origin, "meanwhile")
    git(origin, "checkout", "--quiet", "-b", "merge")
    git(origin, "merge", "--quiet", "--no-edit", "contribution")
    folder = tmp_path / "workspace"
    folder.mkdir()
    depth = ("--depth", str(checkout()["fetch-depth"]), "--branch", "merge")
    git(tmp_path, "clone", "--quiet", *depth, origin.as_uri(), folder / checkout()["path"])
    return folder


def run(workspace: Path, words: str, **environ: str) -> int:
    """Runs the step whose script has some words; returns its exit code."""
    (script,) = [step["run"] for step in steps() if words in step.get("run", "")]
    environ = {**os.environ, "GITHUB_WORKSPACE": str(workspace), **environ}
    done = subprocess.run(
        ["bash", "-e", "-c", script], env=environ, capture_output=True, check=False
    )
    return done.returncode


def prepare(workspace: Path) -> int:
    """Runs the step that finds the branch without the contribution; returns its exit code."""
    return run(workspace, "worktree")


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != ".git"}


def test_what_came_meanwhile_is_not_blamed_on_the_contributor(workspace: Path) -> None:
    assert prepare(workspace) == 0
    assert files(workspace / "base") == {"old", "meanwhile"}
    assert files(workspace / "merged") - files(workspace / "base") == {"mine"}


def test_a_checkout_that_is_no_merge_stops_the_check(workspace: Path) -> None:
    git(workspace / "merged", "checkout", "--quiet", "HEAD^1")
    assert prepare(workspace) != 0
    assert not (workspace / "base").exists()


ENTRY = ("leaderboards/entries/amc-v1/mine/entry.json", "leaderboards/log.jsonl")


@pytest.mark.parametrize(
    "beside",
    [
        "leaderboards/verify.py",
        ".gitattributes",
        ".github/workflows/leaderboard.yml",
        "entries/$(exit 0) a\nb",
    ],
)
def test_an_entry_comes_alone(beside: str, tmp_path: Path) -> None:
    workspace = merged(tmp_path, *ENTRY, beside)
    assert run(workspace, "exclude", TRUSTED="false") == 1
    assert run(workspace, "exclude", TRUSTED="true") == 0


def test_files_of_the_board_are_an_entrys_own(tmp_path: Path) -> None:
    names = (*ENTRY, "leaderboards/index.html", "leaderboards/entries/amc-v1/a b/entry.json")
    assert run(merged(tmp_path, *names), "exclude", TRUSTED="false") == 0


def test_the_verifier_is_the_one_of_the_branch() -> None:
    (install,) = [step for step in steps() if "pip install" in step.get("run", "")]
    assert install["working-directory"] == "base"
    (check,) = [step for step in steps() if "check-diff" in step.get("run", "")]
    assert 'check-diff "$GITHUB_WORKSPACE/base/leaderboards"' in check["run"]
    assert '--folder "$GITHUB_WORKSPACE/merged/leaderboards"' in check["run"]
