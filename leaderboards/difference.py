"""What a contribution may change on a board: it adds, and it rewrites nothing of anybody else's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hwenvs.errors import EntryError
from hwenvs.leaderboards.board import ENTRIES, LOG, SUITES
from hwenvs.leaderboards.entries import ABOUT, FILES, parse_about
from hwenvs.leaderboards.log import extends, read_log
from hwenvs.leaderboards.reading import clipped


@dataclass
class Difference:
    """Between two states of a board's folder.

    Attributes:
        entries: ``SUITE/NAME`` of the entries that are new or changed, in order.
        faults: what a contribution may not do, in words.
    """

    entries: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def difference(
    before: Path, after: Path, account: str = "", maintainer: bool = False
) -> Difference:
    """Compares two states of a board's folder; reads files and runs nothing.

    New entries and new suites may come; the log may grow by verdicts on what changed; an entry
    that was there may only be changed by the account that it names.  Code and the page are not
    looked at: that is for people and for other tests.

    Args:
        before: the folder as it was.
        after: the folder as it would be.
        account: who contributes; nobody's entries may be changed without one.
        maintainer: whether it is one, who may also remove and change entries, and give badges.
    """
    found = Difference()
    _suites(before / SUITES, after / SUITES, found)
    old, new = _entries(before / ENTRIES), _entries(after / ENTRIES)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key):
            continue
        if len(key.split("/")) != 2:
            found.faults.append(f"{ENTRIES}/{clipped(key)}: belongs to no entry SUITE/NAME")
            continue
        if key in new:
            found.entries.append(key)
        if key in old and not maintainer:
            _check_owner(before, key, account, "changed" if key in new else "removed", found)
        elif key in new and not maintainer:
            _check_claim(after, key, account, found)
    _log(before / LOG, after / LOG, maintainer, found)
    return found


def _suites(before: Path, after: Path, found: Difference) -> None:
    """Suites are frozen: a change is a new version, in a new file."""
    old, new = _files(before), _files(after)
    found.faults += [
        f"{SUITES}/{clipped(name)}: is no plain file" for name, what in new.items() if what is None
    ]
    for name, content in sorted(old.items()):
        if name not in new:
            found.faults.append(f"{SUITES}/{clipped(name)}: suites are never removed")
        elif new[name] != content:
            found.faults.append(
                f"{SUITES}/{clipped(name)}: suites are frozen; a change is a new version"
            )


def _check_owner(before: Path, key: str, account: str, what: str, found: Difference) -> None:
    owner = _account(before, key)
    if not account or owner.lower() != account.lower():
        whose = f"the account {owner!r}" if owner else "a maintainer"
        found.faults.append(f"{ENTRIES}/{key}: may only be {what} by {whose}")


def _check_claim(after: Path, key: str, account: str, found: Difference) -> None:
    """An entry in the name of somebody else's account could not be corrected by who sent it."""
    owner = _account(after, key)
    if owner and owner.lower() != account.lower():
        found.faults.append(f"{ENTRIES}/{key}: names the account {owner!r}, not {account!r}")


def _account(folder: Path, key: str) -> str:
    """The account that an entry names; empty where it cannot be read, which verifying tells."""
    path = folder / ENTRIES / key / ABOUT
    try:
        return parse_about(path.read_bytes(), ABOUT).account
    except (OSError, EntryError):
        return ""


def _log(before: Path, after: Path, maintainer: bool, found: Difference) -> None:
    old, new = (path.read_bytes() if path.is_file() else b"" for path in (before, after))
    if after.is_symlink() or not extends(old, new):
        found.faults.append(f"{LOG}: lines that were there are changed or gone; it only grows")
        return
    try:
        added = read_log(after)[old.count(b"\n") :]
    except EntryError as error:
        found.faults.append(str(error))
        return
    for line in added if not maintainer else ():
        key = f"{line.suite}/{line.entry}"
        if key not in found.entries:
            found.faults.append(f"{LOG}, line {line.number}: is about {clipped(key)}, not changed")
        if line.badge != "replayed":
            found.faults.append(
                f"{LOG}, line {line.number}: maintainers give the badge {line.badge!r}"
            )


def _entries(root: Path) -> dict[str, dict[str, bytes | None]]:
    """Files by entry; what lies elsewhere stands under its own path."""
    found: dict[str, dict[str, bytes | None]] = {}
    for name, content in _files(root).items():
        parts = name.split("/")
        key = "/".join(parts[:2]) if len(parts) == 3 and parts[2] in FILES else name
        found.setdefault(key, {})[name] = content
    return found


def _files(root: Path) -> dict[str, bytes | None]:
    """Digests of files by path below ``root``; None for links, which are not followed."""
    return {str(path.relative_to(root)): _content(path) for path in sorted(_walk(root))}


def _content(path: Path) -> bytes | None:
    """A digest, since a stranger's file may be as long as he likes."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _walk(folder: Path) -> Iterator[Path]:
    if folder.is_symlink():
        yield folder
        return
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path
