"""What a contribution may change on a board: it adds, and it rewrites nothing of anybody else's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from hwenvs.errors import DataError, EntryError
from hwenvs.leaderboards.board import ENTRIES, LOG, PAGE, SUITES
from hwenvs.leaderboards.contents import Files, files_below
from hwenvs.leaderboards.entries import ABOUT, FILES, MOST_ABOUT, NAME, parse_about
from hwenvs.leaderboards.log import AnyLine, Withdrawal, extends, latest, read_log
from hwenvs.leaderboards.reading import clipped
from hwenvs.leaderboards.suites import NAME as SUITE
from hwenvs.leaderboards.suites import read_suite


@dataclass
class Difference:
    """Between two states of a board's folder.

    Attributes:
        entries: ``SUITE/NAME`` of the entries that are new or changed, in order.
        faults: what a contribution may not do, in words.
        suites: ids of the suites that are new.
    """

    entries: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    suites: list[str] = field(default_factory=list)


def difference(
    before: Path, after: Path, account: str = "", maintainer: bool = False
) -> Difference:
    """Compares two states of a board's folder; reads files and runs nothing.

    New entries may come, in the name of the account that contributes them; an entry that was there
    may only be changed or removed by the account that it names.  The log may grow by verdicts on
    what changed and by withdrawals of what was removed.  The page shows what maintainers render.
    Code is not looked at: that is for people and for other tests.

    Args:
        before: the folder as it was.
        after: the folder as it would be.
        account: who contributes; nobody's entries may come or be changed without one.
        maintainer: whether it is one, who may also add suites, remove and change entries, give
            badges and render the page.
    """
    found = Difference()
    if after.is_symlink():
        found.faults.append(f"{clipped(after.name)}: is a link, no folder of a board")
        return found
    _suites(before / SUITES, after / SUITES, maintainer, found)
    files = files_below(before / ENTRIES), files_below(after / ENTRIES)
    _check_places(*files, found)
    old, new = (_entries(each) for each in files)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key):
            continue
        if key in new:
            found.entries.append(key)
        if maintainer:
            continue
        if key in old and not _owns(before, key, account):
            found.faults.append(_not_yours(before, key, "changed" if key in new else "removed"))
        elif key in new and new[key].get(f"{key}/{ABOUT}") is not None:
            # One that is missing or a link is told of elsewhere.
            _check_claim(after, key, account, found)
    _log(before / LOG, after / LOG, maintainer, (old.keys(), new.keys()), found)
    _page(before / PAGE, after / PAGE, maintainer, found)
    return found


def _suites(before: Path, after: Path, maintainer: bool, found: Difference) -> None:
    """Suites are frozen: a change is a new version, in a new file."""
    old, new = files_below(before), files_below(after)
    for name, content in new.items():
        place = f"{SUITES}/{clipped(name)}"
        if content is None:
            found.faults.append(f"{place}: is no plain file")
        elif name in old:
            if content != old[name]:
                found.faults.append(f"{place}: suites are frozen; a change is a new version")
        elif not SUITE.fullmatch(name.removesuffix(".json")) or not name.endswith(".json"):
            found.faults.append(f"{place}: is no suite, whose file is NAME-vN.json")
        elif not maintainer:
            # What all entries are judged by, and what the verifier makes environments of.
            found.faults.append(f"{place}: suites are added by maintainers")
        else:
            try:
                found.suites.append(read_suite(after / name).id)
            except DataError as error:
                found.faults.append(str(error))
    for name in old.keys() - new.keys():
        found.faults.append(f"{SUITES}/{clipped(name)}: suites are never removed")


def _check_places(old: Files, new: Files, found: Difference) -> None:
    """Only files of entries may come; links are never followed, and never wanted."""
    for name in sorted(old.keys() | new.keys()):
        if name in new and new[name] is None:
            found.faults.append(f"{ENTRIES}/{clipped(name)}: is no plain file")
        elif old.get(name) != new.get(name) and _key(name) is None:
            found.faults.append(
                f"{ENTRIES}/{clipped(name)}: belongs to no entry SUITE/NAME, which holds "
                f"{', '.join(FILES)} only"
            )


def _owns(before: Path, key: str, account: str) -> bool:
    return bool(account) and _owner(before, key).lower() == account.lower()


def _owner(before: Path, key: str) -> str:
    """The account that an entry names; empty, which nobody has, where it cannot be read."""
    try:
        return _account(before, key)
    except (OSError, EntryError):
        return ""


def _not_yours(before: Path, key: str, what: str) -> str:
    owner = _owner(before, key)
    whose = f"the account {owner!r}" if owner else "a maintainer"
    return f"{ENTRIES}/{key}: may only be {what} by {whose}"


def _check_claim(after: Path, key: str, account: str, found: Difference) -> None:
    """An entry in another name could not be corrected by who sent it, and would join others' rows.

    Rows of unions are of one account: entries that name none are the project's own.
    """
    try:
        owner = _account(after, key)
    except EntryError as error:
        found.faults.append(str(error))
        return
    if not account:
        found.faults.append(f"{ENTRIES}/{key}: whose it is cannot be told without an account")
    elif not owner:
        found.faults.append(f"{ENTRIES}/{key}: names no account; it must name {account!r}")
    elif owner.lower() != account.lower():
        found.faults.append(f"{ENTRIES}/{key}: names the account {owner!r}, not {account!r}")


def _account(folder: Path, key: str) -> str:
    with (folder / ENTRIES / key / ABOUT).open("rb") as file:
        text = file.read(MOST_ABOUT + 1)
    return parse_about(text, f"{ENTRIES}/{key}/{ABOUT}").account


def _log(
    before: Path,
    after: Path,
    maintainer: bool,
    entries: tuple[AbstractSet[str], AbstractSet[str]],
    found: Difference,
) -> None:
    old, new = (path.read_bytes() if path.is_file() else b"" for path in (before, after))
    if after.is_symlink() or not extends(old, new):
        found.faults.append(f"{LOG}: lines that were there are changed or gone; it only grows")
        return
    try:
        lines = read_log(after)
    except EntryError as error:
        found.faults.append(str(error))
        return
    known, removed = old.count(b"\n"), entries[0] - entries[1]
    if not maintainer:
        _check_lines(lines[known:], removed, found)
    was, stays = ({"/".join(key) for key in latest(some)} for some in (lines[:known], lines))
    found.faults += [
        f"{ENTRIES}/{key}: is removed, but not withdrawn: hwenvs leaderboard withdraw {key}"
        for key in sorted(removed & stays)
    ]
    found.faults += [
        f"{LOG}: withdraws {key}, which is still there"
        for key in sorted((was - stays) & entries[1])
    ]


def _check_lines(lines: Sequence[AnyLine], removed: AbstractSet[str], found: Difference) -> None:
    """What anybody may log, once for each entry: a line that another follows is checked by none."""
    for line in lines:
        _check_line(line, removed, found)
    counts = Counter(f"{line.suite}/{line.entry}" for line in lines)
    found.faults += [
        f"{LOG}: {count} new lines are about {key}, of which only the last can be checked: log it "
        "once more, in the log as it was"
        for key, count in counts.items()
        if count > 1
    ]


def _check_line(line: AnyLine, removed: AbstractSet[str], found: Difference) -> None:
    """That an entry of this contribution was replayed, or is removed."""
    place, key = f"{LOG}, line {line.number}", f"{line.suite}/{line.entry}"
    if isinstance(line, Withdrawal):
        if key not in removed:
            found.faults.append(f"{place}: withdraws {key}, which is not removed")
        return
    if key not in found.entries:
        found.faults.append(f"{place}: is about {key}, not changed")
    if line.badge != "replayed":
        found.faults.append(f"{place}: maintainers give the badge {line.badge!r}")


def _page(before: Path, after: Path, maintainer: bool, found: Difference) -> None:
    """What visitors take for the board, whatever its files say."""
    if after.is_symlink() or (after.exists() and not after.is_file()):
        found.faults.append(f"{PAGE}: is no plain file")
        return
    old, new = (path.read_bytes() if path.is_file() else None for path in (before, after))
    if old != new and not maintainer:
        found.faults.append(f"{PAGE}: is rendered by maintainers; leave it as it was")


def _entries(files: Files) -> dict[str, Files]:
    """Files by entry, without those that belong to none."""
    found: dict[str, Files] = {}
    for name, content in files.items():
        if (key := _key(name)) is not None:
            found.setdefault(key, {})[name] = content
    return found


def _key(path: str) -> str | None:
    """``SUITE/NAME`` of the entry that a file belongs to; None if it belongs to none.

    The names are plain, so that no message can be forged through them.
    """
    parts = path.split("/")
    plain = len(parts) == 3 and SUITE.fullmatch(parts[0]) and NAME.fullmatch(parts[1])
    return "/".join(parts[:2]) if plain and parts[2] in FILES else None
