"""The log: one line for every verdict, each with the hash of the line before.

Lines are only ever added.  Whoever knows the hash of the last line (the *head*, which stands on the
page) can tell whether any line before it was changed, dropped or moved.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from hwenvs.canonical import canonical
from hwenvs.errors import EntryError
from hwenvs.files import replacing
from hwenvs.leaderboards.reading import fault
from hwenvs.leaderboards.suites import Digest, Frozen
from hwenvs.leaderboards.verify import Verdict

START = "0" * 64
"""What the first line has for a hash of the line before."""

Badge = Literal["replayed", "reproduced", "indistinguishable", "different"]
"""What was shown: designs earn what is said; the solver does the same again, or as well; or not."""


class Line(Frozen):
    """One verdict.

    Attributes:
        number: of the line, from 1.
        previous: sha256 of the line before.
        suite, entry: what was judged.
        suite_digest, entry_digest: of the files that were judged.
        verdict_digest: of the verdict, see :meth:`hwenvs.leaderboards.verify.Verdict.to_dict`.
        badge: what was shown.
        reruns: what was run again for it: pairs of task and seed.
    """

    number: int = Field(ge=1)
    previous: str = Digest
    suite: str = Field(max_length=40)
    entry: str = Field(max_length=40)
    suite_digest: str = Digest
    entry_digest: str = Digest
    verdict_digest: str = Digest
    badge: Badge
    reruns: list[tuple[str, int]] = Field(default_factory=list)


def read_log(path: Path) -> list[Line]:
    """All lines, their chain checked; none if there is no file.

    Raises:
        EntryError: if a line cannot be read, is not in canonical form, or does not follow the line
            before it; the message names it.
    """
    if not path.is_file():
        return []
    text = path.read_bytes()
    if text and not text.endswith(b"\n"):
        raise EntryError(f"{path}: the last line is cut off")
    lines: list[Line] = []
    previous = START
    for number, raw in enumerate(_split(text), start=1):
        line = _line(raw, f"{path}, line {number}")
        if line.number != number or line.previous != previous:
            raise EntryError(f"{path}, line {number}: does not follow the line before it")
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


def latest(lines: list[Line]) -> dict[tuple[str, str], Line]:
    """The last line of every entry, by suite and name."""
    return {(line.suite, line.entry): line for line in lines}


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
    before = path.read_bytes() if path.is_file() else b""
    with replacing(path) as temporary:
        temporary.write_bytes(before + canonical(line.model_dump(mode="json")) + b"\n")
    return line


def extends(old: bytes, new: bytes) -> bool:
    """Whether a log only grew: what was there is there still, byte by byte."""
    return new.startswith(old)


def _split(text: bytes) -> list[bytes]:
    """Lines of a log.  Not ``splitlines``, to which a carriage return is an end as well."""
    return text.split(b"\n")[:-1]


def _same(first: Line, second: Line) -> bool:
    return first.model_copy(update={"number": 0, "previous": ""}) == second.model_copy(
        update={"number": 0, "previous": ""}
    )


def _line(raw: bytes, place: str) -> Line:
    try:
        line = Line.model_validate_json(raw)
    except ValidationError as error:
        raise EntryError(f"{place}: {fault(error)}") from error
    if canonical(line.model_dump(mode="json")) != raw:
        raise EntryError(f"{place}: is not in canonical form")
    return line
