"""The whole board: suites, entries and log, checked against each other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hwenvs.errors import DataError, EntryError, HwenvsError, unknown_name
from hwenvs.leaderboards.badges import decisive, weakest
from hwenvs.leaderboards.entries import open_entry
from hwenvs.leaderboards.log import AnyLine, Line, Withdrawal, differences, latest, read_log
from hwenvs.leaderboards.log import withdraw as log_withdrawal
from hwenvs.leaderboards.ranking import Row, rank
from hwenvs.leaderboards.reading import clipped
from hwenvs.leaderboards.retired import kept, outdated, replaced
from hwenvs.leaderboards.suites import FOLDER, Suite, UnionSuite, load_suite, strays, suite_names
from hwenvs.leaderboards.unions import joined, members, parts_of
from hwenvs.leaderboards.verify import Verdict, verify

SUITES, ENTRIES, LOG, PAGE = "suites", "entries", "log.jsonl", "index.html"

Progress = Callable[[str, int, int], None]
"""Receives what is verified, how many entries are done and how many there are."""


@dataclass
class Board:
    """What a leaderboards folder holds, once all of it was recomputed.

    Attributes:
        folder: the folder.
        suites: all frozen suites that are ranked on.
        retired: those whose environments have changed since, and that newer versions replace.
        verdicts: by suite and entry.
        lines: of the log.
        faults: what does not agree; a board with faults must not be shown.
    """

    folder: Path
    suites: tuple[Suite, ...]
    retired: tuple[Suite, ...] = ()
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    lines: tuple[AnyLine, ...] = ()
    faults: list[str] = field(default_factory=list)

    def rows(self, suite: Suite) -> list[Row]:
        """The table of a suite: entries that were verified and logged, best first."""
        lines = decisive(self.lines)
        logged = {key: verdict for key, verdict in self.verdicts.items() if key in lines}
        own: list[Verdict] = [one for key, one in logged.items() if key[0] == suite.id]
        if isinstance(suite, UnionSuite):
            own = [*joined(suite, self.suites, logged.values())]
        return rank(
            [
                (one, weakest(lines[part.suite.id, part.name].badge for part in parts_of(one)))
                for one in own
            ]
        )


def entry_folders(folder: Path) -> list[Path]:
    """Folders of all entries, ``entries/<suite>/<name>``, in order."""
    root = folder / ENTRIES
    return sorted(path for suite in _folders(root) for path in _folders(suite))


def find_entries(folder: Path, names: Iterable[str]) -> list[Path]:
    """Folders of the entries called ``SUITE/NAME``; all of them without names.

    Raises:
        EntryError: if a name is one of a union, which has no entries.
        UnknownNameError: if there is none of a name.
    """
    known = {f"{path.parent.name}/{path.name}": path for path in entry_folders(folder)}
    wanted = list(names)
    for name in wanted:
        if name not in known:
            _check_no_union(folder, name)
            raise unknown_name("entry", name, known)
    return [known[name] for name in wanted] if wanted else list(known.values())


def check_board(folder: Path, suites: Path = FOLDER, progress: Progress | None = None) -> Board:
    """Recomputes everything on a board and says what does not agree.

    Suites against the environments of today, the log against itself, entries against suites, and
    verdicts against the log.  Nothing of an entry's code is run.

    Args:
        folder: holds ``entries/`` and ``log.jsonl``.
        suites: folder of the frozen suites.
        progress: see :data:`Progress`.
    """
    readable, faults = read_suites(suites)
    wrong = outdated(readable)
    past = replaced(readable, wrong)
    live = tuple(suite for suite in readable if suite.id not in past)
    retired = {suite.id: suite for suite in readable if suite.id in past}
    board = Board(folder, live, tuple(retired.values()), faults=faults)
    for suite in board.suites:
        board.faults += wrong[suite.id]
    try:
        board.lines = tuple(read_log(folder / LOG))
    except EntryError as error:
        board.faults.append(str(error))
    last = latest(board.lines)
    board.faults += _suites_against_log(board)
    folders = entry_folders(folder)
    for number, path in enumerate(folders):
        if progress is not None:
            progress("verifying", number, len(folders))
        key = path.parent.name, path.name
        try:
            if key[0] in retired:
                board.faults += kept(open_entry(path), retired[key[0]], last.get(key))
                continue
            if wrong.get(key[0]):
                # Scores would say nothing while the suite has a fault; files can have one too.
                open_entry(path)
                continue
            verdict = judged(path, board.suites)
        except HwenvsError as error:
            board.faults.append(str(error))
            continue
        board.verdicts[key] = verdict
        board.faults += against_log(verdict, last.get(key))
    if progress is not None:
        progress("verifying", len(folders), len(folders))
    gone = last.keys() - {(path.parent.name, path.name) for path in folders}
    board.faults += [f"the log has a verdict on {s}/{e}, which is gone" for s, e in sorted(gone)]
    return board


def judged(folder: Path, suites: Iterable[Suite]) -> Verdict:
    """The verdict on one entry.

    Args:
        folder: ``.../<suite>/<name>``.
        suites: those that are known.

    Raises:
        EntryError: if the entry breaks a rule; the message says where.
    """
    entry = open_entry(folder)
    for suite in suites:
        if suite.id == entry.about.suite:
            return verify(entry, suite)
    raise EntryError(f"{folder}: there is no suite {clipped(entry.about.suite)}")


def against_log(verdict: Verdict, line: Line | None) -> list[str]:
    """What of a verdict is not as the last line of its entry says, in words."""
    name = f"{verdict.suite.id}/{verdict.entry.about.name}"
    if line is None:
        return [f"{name} is not in the log: hwenvs leaderboard log {name}"]
    digests = {"suite": verdict.suite.digest, "entry": verdict.entry.digest}
    return [
        *differences(name, line, **digests, verdict=verdict.digest),
        *(
            f"{name}: log line {line.number} runs {key} with seed {seed}, which the suite lacks"
            for key, seed in line.reruns
            if (key, seed) not in verdict.suite.runs
        ),
    ]


def withdraw(folder: Path, name: str) -> Withdrawal:
    """Removes an entry and says so in the log, which would miss it otherwise.

    Its folder may be gone already: then the line is all that is added.

    Args:
        folder: of the board.
        name: ``SUITE/NAME``.

    Raises:
        UnknownNameError: if the log has no verdict on such an entry.
        EntryError: if the log was tampered with.
    """
    logged = {f"{suite}/{entry}" for suite, entry in latest(read_log(folder / LOG))}
    if name not in logged:
        raise unknown_name("entry of the log", name, logged)
    suite, _, entry = name.partition("/")
    line = log_withdrawal(folder / LOG, suite, entry)
    path = folder / ENTRIES / suite / entry
    if path.is_symlink():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return line


def read_suites(folder: Path) -> tuple[tuple[Suite, ...], list[str]]:
    """The suites that can be read, and why others cannot; a union is read with its parts."""
    suites: list[Suite] = []
    faults = [
        f"{folder / clipped(name)} is no suite, whose file is NAME-vN.json"
        for name in strays(folder)
    ]
    for name in suite_names(folder):
        try:
            suites.append(load_suite(name, folder))
        except DataError as error:
            faults.append(str(error))
    whole = []
    for suite in suites:
        try:
            if isinstance(suite, UnionSuite):
                members(suite, suites)
            whole.append(suite)
        except DataError as error:
            faults.append(str(error))
    return tuple(whole), faults


def _suites_against_log(board: Board) -> list[str]:
    """Suites that are not those that verdicts were logged on, each told once."""
    logged = {line.suite: line for line in board.lines if isinstance(line, Line)}
    return [
        f"suite {suite.id} is not the one of log line {logged[suite.id].number}"
        for suite in (*board.suites, *board.retired)
        if suite.id in logged and logged[suite.id].suite_digest != suite.digest
    ]


def _check_no_union(folder: Path, name: str) -> None:
    suite = name.partition("/")[0]
    if suite in suite_names(folder / SUITES):
        found = load_suite(suite, folder / SUITES)
        if isinstance(found, UnionSuite):
            raise EntryError(f"{found.closed}; name one of theirs")


def _folders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return [one for one in path.iterdir() if one.is_dir() and not one.name.startswith(".")]
