"""The log: one line for every verdict, each with the hash of the line before.

Lines are only ever added.  Whoever knows the hash of the last line (the *head*, which stands on the
page) can tell whether any line before it was changed, dropped or moved.  An entry that is removed
gets a line as well, which withdraws what was said of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from hwenvs.canonical import canonical
from hwenvs.errors import EntryError
from hwenvs.files import replacing
from hwenvs.leaderboards.entries import NAME
from hwenvs.leaderboards.frozen import KEY
from hwenvs.leaderboards.reading import fault
from hwenvs.leaderboards.suites import NAME as SUITE
from hwenvs.leaderboards.suites import Digest, Frozen
from hwenvs.leaderboards.verify import Verdict

START = "0" * 64
"""What the first line has for a hash of the line before."""

Badge = Literal["replayed", "reproduced", "indistinguishable", "different"]
"""What was shown: designs earn what is said; the solver does the same again, or as well; or not."""


Rerun = tuple[Annotated[str, Field(pattern=KEY)], Annotated[int, Field(ge=0)]]
"""A task and a seed."""


class Link(Frozen):
    """What every line says, and is chained to the others by.

    Attributes:
        number: of the line, from 1.
        previous: sha256 of the line before.
        suite, entry: what it is about.
    """

    number: int = Field(ge=1)
    previous: str = Digest
    suite: str = Field(pattern=f"^{SUITE.pattern}$")
    entry: str = Field(pattern=f"^{NAME.pattern}$")


class Line(Link):
    """One verdict.

    Attributes:
        suite_digest, entry_digest: of the files that were judged.
        verdict_digest: of the verdict, see :meth:`hwenvs.leaderboards.verify.Verdict.to_dict`.
        badge: what was shown.
        reruns: what was run again for it: pairs of task and seed.
    """

    suite_digest: str = Digest
    entry_digest: str = Digest
    verdict_digest: str = Digest
    badge: Badge
    reruns: list[Rerun] = Field(default_factory=list)

    @model_validator(mode="after")
    def _earned(self) -> Line:
        if self.badge == "replayed" and self.reruns:
            raise ValueError("nothing is run again for the badge 'replayed'")
        return self


class Withdrawal(Link):
    """An entry was removed: nothing that was said of it is shown or missed any more.

    Attributes:
        withdrawn: digest of its files, as in its last verdict.
    """

    withdrawn: str = Digest


AnyLine = Line | Withdrawal
"""What a log is made of."""


def read_log(path: Path) -> list[AnyLine]:
    """All lines, their chain checked; none if there is no file.

    Raises:
        EntryError: if a line cannot be read, is not in canonical form, does not follow the line
            before it, or withdraws what no line before it is about; the message names it.
    """
    if not path.is_file():
        return []
    text = path.read_bytes()
    if text and not text.endswith(b"\n"):
        raise EntryError(f"{path}: the last line is cut off")
    lines: list[AnyLine] = []
    there: dict[tuple[str, str], Line] = {}
    previous = START
    for number, raw in enumerate(_split(text), start=1):
        line = _line(raw, f"{path}, line {number}")
        if line.number != number or line.previous != previous:
            raise EntryError(f"{path}, line {number}: does not follow the line before it")
        last = there.get((line.suite, line.entry))
        if isinstance(line, Withdrawal) and (last is None or last.entry_digest != line.withdrawn):
            raise EntryError(f"{path}, line {number}: withdraws what was not said before it")
        _count(there, line)
        lines.append(line)
        previous = hashlib.sha256(raw).hexdigest()
    return lines


def head(path: Path) -> str:
    """sha256 of the last line: it stands for the whole log."""
    lines = _split(path.read_bytes()) if path.is_file() else []
    return hashlib.sha256(lines[-1]).hexdigest() if lines else START


def grew_from(path: Path, known: str) -> bool:
    """Whether ``known`` was the head of this log once: then all lines up to it are as they were.

    Whoever noted the head, from the page for example, can tell a log that was written anew, which
    no chain of hashes can tell by itself.
    """
    lines = _split(path.read_bytes()) if path.is_file() else []
    return known in (START, *(hashlib.sha256(line).hexdigest() for line in lines))


def differences(name: str, line: Line, **digests: str) -> list[str]:
    """What of an entry is not as its line says, in words.

    Args:
        name: of the entry, ``SUITE/NAME``.
        line: its last one.
        **digests: found today, of the ``suite``, the ``entry`` and the ``verdict``.
    """
    return [
        f"{name}: the {what} is not the one of log line {line.number}"
        for what, found in digests.items()
        if getattr(line, f"{what}_digest") != found
    ]


def latest(lines: Iterable[AnyLine]) -> dict[tuple[str, str], Line]:
    """The last verdict on each entry that was not withdrawn since, in the order of entering."""
    there: dict[tuple[str, str], Line] = {}
    for line in lines:
        _count(there, line)
    return there


def append(
    path: Path,
    verdict: Verdict,
    badge: Badge = "replayed",
    reruns: list[tuple[str, int]] | None = None,
) -> Line:
    """Adds a verdict, unless the entry's last line says the same already.

    Raises:
        EntryError: if the log was tampered with.
    """
    lines = read_log(path)
    found = verdict.to_dict()
    last = latest(lines).get((found["suite"], found["entry"]))
    line = Line(
        number=len(lines) + 1,
        previous=head(path),
        suite=found["suite"],
        entry=found["entry"],
        suite_digest=found["suite_digest"],
        entry_digest=found["entry_digest"],
        verdict_digest=verdict.digest,
        badge=badge,
        reruns=reruns or [],
    )
    if last is not None and _same(last, line):
        return last
    _add(path, line)
    return line


def withdraw(path: Path, suite: str, entry: str) -> Withdrawal:
    """Adds that an entry was removed.

    Raises:
        EntryError: if the log was tampered with, or has no verdict on such an entry.
    """
    lines = read_log(path)
    last = latest(lines).get((suite, entry))
    if last is None:
        raise EntryError(f"{path} has no verdict on {suite}/{entry} that could be withdrawn")
    line = Withdrawal(
        number=len(lines) + 1,
        previous=head(path),
        suite=suite,
        entry=entry,
        withdrawn=last.entry_digest,
    )
    _add(path, line)
    return line


def extends(old: bytes, new: bytes) -> bool:
    """Whether a log only grew: what was there is there still, byte by byte."""
    return new.startswith(old)


def _add(path: Path, line: AnyLine) -> None:
    before = path.read_bytes() if path.is_file() else b""
    with replacing(path) as temporary:
        temporary.write_bytes(before + canonical(line.model_dump(mode="json")) + b"\n")


def _count(there: dict[tuple[str, str], Line], line: AnyLine) -> None:
    """What holds of entries after one more line."""
    if isinstance(line, Line):
        there[line.suite, line.entry] = line
    else:
        there.pop((line.suite, line.entry), None)


def _split(text: bytes) -> list[bytes]:
    """Lines of a log.  Not ``splitlines``, to which a carriage return is an end as well."""
    return text.split(b"\n")[:-1]


def _same(first: Line, second: Line) -> bool:
    return first.model_copy(update={"number": 0, "previous": ""}) == second.model_copy(
        update={"number": 0, "previous": ""}
    )


def _line(raw: bytes, place: str) -> AnyLine:
    # A string of JSON holds no quote that is not escaped: this can only be the name of a field.
    kind: type[AnyLine] = Withdrawal if b'"withdrawn":' in raw else Line
    try:
        line = kind.model_validate_json(raw)
    except ValidationError as error:
        raise EntryError(f"{place}: {fault(error)}") from error
    if canonical(line.model_dump(mode="json")) != raw:
        raise EntryError(f"{place}: is not in canonical form")
    return line
