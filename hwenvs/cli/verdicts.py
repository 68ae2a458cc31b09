"""What ``hwenvs leaderboard`` checks and shows: verdicts, rankings, contributions."""

from __future__ import annotations

import math
import subprocess
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.table import Table

from hwenvs.cli.console import notes, output
from hwenvs.cli.progress import steps
from hwenvs.errors import ArgumentError, EntryError, HwenvsError, MissingExtraError
from hwenvs.leaderboards.board import (
    LOG,
    PAGE,
    SUITES,
    Board,
    against_log,
    check_board,
    find_entries,
    judged,
    read_suites,
)
from hwenvs.leaderboards.difference import difference
from hwenvs.leaderboards.log import grew_from, latest, read_log
from hwenvs.leaderboards.log import head as head_of
from hwenvs.leaderboards.page import render
from hwenvs.leaderboards.ranking import THRESHOLD, Row
from hwenvs.leaderboards.retired import outdated
from hwenvs.leaderboards.suites import Suite, load_suite, suite_names
from hwenvs.leaderboards.verify import Verdict


def checked(folder: Path) -> Board:
    """The board of a folder, recomputed, with a bar."""
    with steps() as bars:
        return check_board(folder, folder / SUITES, bars)


def check_all(folder: Path, head: str | None = None) -> list[str]:
    """Faults of a whole board, of its page and against a head of the log that somebody noted."""
    board = checked(folder)
    for verdict in board.verdicts.values():
        output().print(_line(verdict), markup=False, soft_wrap=True)
    faults = [*board.faults, *_page_faults(board)]
    if head is not None and not grew_from(folder / LOG, head):
        faults.append(f"{folder / LOG} has no line with the hash {head}: it was written anew")
    return faults


def check_some(folder: Path, names: Sequence[str]) -> list[str]:
    """Faults of some entries; those that are not logged yet are not held against the log."""
    last = latest(read_log(folder / LOG))
    paths = find_entries(folder, names)
    suites, wrong = _suites(folder, {path.parent.name for path in paths})
    faults = [fault for some in wrong.values() for fault in some]
    for path in paths:
        if wrong.get(path.parent.name):
            continue
        try:
            verdict = judged(path, suites)
        except HwenvsError as error:
            faults.append(str(error))
            continue
        output().print(verdict_table(verdict))
        if line := last.get((path.parent.name, path.name)):
            faults += against_log(verdict, line)
    return faults


def checked_entry(folder: Path, name: str) -> Verdict:
    """The verdict on one entry, for a line of the log.

    Raises:
        UnknownNameError: if there is none.
        EntryError: if it breaks a rule, or its suite is no longer what was frozen.
    """
    (path,) = find_entries(folder, [name])
    suites, wrong = _suites(folder, {path.parent.name})
    for faults in wrong.values():
        if faults:
            raise EntryError(f"{name} cannot be judged: {faults[0]}")
    return judged(path, suites)


def check_contribution(base: str, folder: Path, account: str, maintainer: bool) -> list[str]:
    """Faults of what a contribution changes, and of the suites and entries among it."""
    with _before(base, folder) as before:
        found = difference(before, folder, account, maintainer)
    if found.faults:
        # What may not come is not worth recomputing.
        return found.faults
    faults = _new_suites(folder, found.suites)
    return faults + (check_some(folder, found.entries) if found.entries else [])


def show_tables(folder: Path, suite: str | None) -> list[str]:
    """Prints the rankings of one suite or of all; returns the board's faults."""
    board = checked(folder)
    for one in board.suites:
        if suite in (None, one.id):
            output().print(ranking_table(one, board.rows(one)))
    return board.faults


def ranking_table(suite: Suite, rows: Sequence[Row]) -> Table:
    """The ranking of a suite."""
    table = Table(title=f"{suite.id}: {escape(suite.title)}")
    headings = ("tier", "entry", "track", "badge", "score", "95 % interval")
    for heading in (*headings, f"evaluations to {THRESHOLD}", "missing", "effective", "claimed s"):
        left = heading in headings[1:4]
        table.add_column(heading, justify="left" if left else "right", no_wrap=left)
    for row in rows:
        verdict = row.verdict
        table.add_row(
            str(row.tier),
            row.name,
            verdict.entry.about.track,
            row.badge,
            f"{row.mean:.3f}",
            f"{row.interval[0]:.3f} to {row.interval[1]:.3f}",
            "-" if math.isinf(row.effort) else f"{row.effort:.0f}",
            str(verdict.missing),
            str(verdict.effective),
            "-" if row.seconds is None else f"{row.seconds:.1f}",
        )
    return table


def verdict_table(verdict: Verdict) -> Table:
    """What an entry is worth, by environment."""
    about = verdict.entry.about
    table = Table(title=f"{verdict.suite.id}/{about.name} ({about.track})")
    table.add_column("environment")
    for heading in ("median score", "worst", "best", "missing runs", "runs that differ"):
        table.add_column(heading, justify="right")
    for one in verdict.judged:
        scores = one.scores
        figures = (float(np.median(scores)), float(scores.min()), float(scores.max()))
        table.add_row(
            one.task.key,
            *(f"{figure:.3f}" for figure in figures),
            str(len(one.missing)),
            str(one.distinct),
        )
    return table


def _line(verdict: Verdict) -> str:
    name = f"{verdict.suite.id}/{verdict.entry.about.name}"
    return f"{name}: median score {np.median(verdict.scores):.3f}, verdict {verdict.digest[:16]}"


def _page_faults(board: Board) -> list[str]:
    """What of a board's page is not as it is rendered today; of its head alone without jinja2."""
    page = board.folder / PAGE
    if not page.is_file():
        return []
    content = page.read_bytes()
    if head_of(board.folder / LOG).encode() not in content:
        return [f"{page} shows another head of the log: hwenvs leaderboard render"]
    if board.faults:
        # No page can be made of it.
        return []
    try:
        same = render(board).encode() == content
    except MissingExtraError as error:
        notes().print(f"{page}: only its head was compared: {error}", markup=False, soft_wrap=True)
        return []
    return [] if same else [f"{page} is not the page of this board: hwenvs leaderboard render"]


def _new_suites(folder: Path, names: Collection[str]) -> list[str]:
    """What of new suites does not hold, with all others read: unions are made of them."""
    if not names:
        return []
    suites, faults = read_suites(folder / SUITES)
    wrong = outdated(suites)
    return faults + [fault for name in names for fault in wrong.get(name, ())]


def _suites(folder: Path, wanted: Collection[str]) -> tuple[list[Suite], dict[str, list[str]]]:
    """Those of a folder's suites that are wanted, and what of each does not hold today.

    Nothing may be judged on one that does not: its references could say anything.
    """
    place = folder / SUITES
    suites = [load_suite(name, place) for name in suite_names(place) if name in wanted]
    return suites, outdated(suites)


@contextmanager
def _before(base: str, folder: Path) -> Iterator[Path]:
    """The folder as it was: ``base`` itself if it is one, else out of git's history."""
    if Path(base).is_dir():
        yield Path(base)
        return
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    inside = folder.resolve().relative_to(top.resolve()).as_posix()
    try:
        commit = _git(folder, "rev-parse", "--verify", "--end-of-options", f"{base}^{{commit}}")
    except ArgumentError as error:
        raise ArgumentError(f"{base!r} is neither a folder nor a revision of git here") from error
    tree = f"{commit.decode().strip()}:{inside}".removesuffix(":.")
    with tempfile.TemporaryDirectory() as room:
        archive = Path(room) / "before.tar"
        archive.write_bytes(_git(top, "archive", "--format=tar", tree))
        with tarfile.open(archive) as packed:
            packed.extractall(Path(room) / "before", filter="data")
        yield Path(room) / "before"


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, check=True
        )
    except FileNotFoundError as error:
        raise ArgumentError("git is not installed: give the folder as it was instead") from error
    except subprocess.CalledProcessError as error:
        raise ArgumentError(f"git {arguments[0]}: {error.stderr.decode().strip()}") from error
    return done.stdout
