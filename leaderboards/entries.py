"""Entries: who submits what, and integer decisions or a policy. No rewards: they are recomputed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from hwenvs.canonical import files_digest
from hwenvs.errors import EntryError
from hwenvs.leaderboards.reading import (
    check_json,
    clipped,
    fault,
    packed_lines,
    stated,
    visible,
    visible_throughout,
)
from hwenvs.leaderboards.suites import NAME as SUITE_NAME
from hwenvs.leaderboards.suites import Frozen, TraceSuite

ABOUT, RUNS, POLICY = "entry.json", "runs.jsonl.gz", "policy.npz"
FILES = (ABOUT, RUNS, POLICY)
"""What an entry's folder may hold: the first, and what its track submits."""

SUBMITTED = {"design": RUNS, "search": RUNS, "policy": POLICY}
"""The other file, by track."""

NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
"""What an entry may be called: lower-case letters, digits and hyphens."""

MOST_ABOUT = 64 << 10
"""Bytes of ``entry.json``."""

MOST_COMPRESSED = 32 << 20
"""Bytes of ``runs.jsonl.gz``."""

MOST_POLICY = 16 << 20
"""Bytes of ``policy.npz``."""

BYTES_A_DECISION, BYTES_A_DESIGN, BYTES_A_RUN = 7, 4, 500
"""Most bytes that a decision, a design and the rest of a line take."""

LARGEST = (1 << 63) - 1
"""Integer that is read: what fits in 64 bits."""

LONGEST = 1e9
"""Seconds that a run may claim, some thirty years: no number that a table has no room for."""

Track = Literal["design", "search", "policy"]


Line = Annotated[str, Field(max_length=200, pattern=r"^[^\n\t]*$"), AfterValidator(visible)]
Words = Annotated[str, AfterValidator(visible)]
Stated = AfterValidator(stated)


class About(Frozen):
    """``entry.json``: what people want to know, and what the verifier needs.

    No text that is required may be blank.

    Attributes:
        name: of the entry, also its folder's.
        suite: id of the suite.
        track: what is claimed: ``"design"`` (designs of this value exist), ``"search"`` (this
            solver finds them from its seed), ``"policy"`` (this frozen policy makes them).
        method: one line.
        description: some paragraphs.
        authors: names.
        code: where the code is.
        commit: which version of it.
        solver: what is re-run for the badge: a name that ``hwenvs run`` knows, or
            ``"package.module:Class"``.
        hyperparameters: that it is made with.
        deterministic: whether equal seeds give equal traces.
        tuning: how hyper-parameters were found, on what.
        trained_on_test_instances: whether anything was learnt on the suite's environments before
            the runs.
        licence: of the entry.
        hardware: what the wall-clock was measured on.
        account: whose account may change the entry later, on the site where it is submitted.
    """

    name: str = Field(pattern=f"^{NAME.pattern}$")
    suite: str = Field(max_length=40)
    track: Track
    method: Annotated[Line, Stated]
    description: Words = Field(default="", max_length=4000)
    authors: list[Annotated[Line, Stated]] = Field(min_length=1, max_length=50)
    code: Annotated[Line, Stated]
    commit: Annotated[Line, Stated]
    solver: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.:-]{1,200}$")
    hyperparameters: Annotated[dict[str, Any], AfterValidator(visible_throughout)] = Field(
        default_factory=dict
    )
    deterministic: bool = True
    tuning: Annotated[Words, Stated] = Field(max_length=2000)
    trained_on_test_instances: bool
    licence: Annotated[Line, Stated]
    hardware: Line = ""
    account: str = Field(default="", pattern=r"^[A-Za-z0-9-]{0,39}$")

    @model_validator(mode="after")
    def _runnable(self) -> About:
        if self.track == "search" and self.solver is None:
            raise ValueError("the track 'search' needs a solver that can be run again")
        return self


class Trace(Frozen):
    """One line of ``runs.jsonl.gz``: every design that one run evaluated, in order.

    Attributes:
        environment: key of a task of the suite.
        seed: one of the suite's.
        designs: [E, T] canonical integer decisions.
        seconds: wall-clock as claimed; nothing is ranked by it.
    """

    environment: str = Field(max_length=80)
    seed: int = Field(ge=0, le=LARGEST)
    designs: list[list[int]] = Field(min_length=1)
    seconds: float | None = Field(default=None, ge=0, le=LONGEST)


@dataclass(frozen=True)
class Entry:
    """An entry's folder, opened.

    Attributes:
        folder: where it is.
        about: its ``entry.json``.
        digest: sha256 over its two files.
    """

    folder: Path
    about: About
    digest: str


def open_entry(folder: Path) -> Entry:
    """Checks an entry's folder and reads its ``entry.json``.

    Raises:
        EntryError: if something is not as it must be; says where.
    """
    if not NAME.fullmatch(folder.name):
        raise EntryError(
            f"entry '{clipped(folder.name)}': names are 2 to 40 lower-case letters, digits and "
            "hyphens"
        )
    # From here on messages can name the folder as it is.
    if not SUITE_NAME.fullmatch(folder.parent.name):
        raise EntryError(
            f"entry '{folder.name}' lies in '{clipped(folder.parent.name)}', which is no name of "
            "a suite, such as amc-v1"
        )
    if folder.parent.is_symlink() or folder.is_symlink() or not folder.is_dir():
        raise EntryError(f"{folder} is no folder of an entry")
    for path in sorted(folder.iterdir()):
        if path.name not in FILES:
            raise EntryError(
                f"{folder}/{clipped(path.name)}: an entry holds {ABOUT} and {RUNS} (a policy "
                f"{POLICY} instead), nothing else"
            )
        if path.is_symlink() or not path.is_file():
            raise EntryError(f"{path} is no plain file")
    _bounded(folder / ABOUT, MOST_ABOUT)
    about = _about(folder / ABOUT)
    submitted = SUBMITTED[about.track]
    _bounded(folder / submitted, MOST_POLICY if submitted == POLICY else MOST_COMPRESSED)
    for name in FILES:
        if name not in (ABOUT, submitted) and (folder / name).exists():
            raise EntryError(f"{folder / name}: the track {about.track!r} submits {submitted} only")
    if about.name != folder.name or about.suite != folder.parent.name:
        raise EntryError(
            f"{folder / ABOUT}: says {clipped(about.suite)}/{about.name}, but lies in "
            f"{folder.parent.name}/{folder.name}"
        )
    return Entry(folder, about, files_digest(folder, (ABOUT, submitted)))


def read_traces(entry: Entry, suite: TraceSuite) -> Iterator[Trace]:
    """The runs of an entry, one at a time, without ever holding more than one line.

    Raises:
        EntryError: if a line is no trace, is longer than a run of the suite can be, or there are
            more lines than runs; says which line.
    """
    path = entry.folder / RUNS
    widest = max(len(task.design) for task in suite.tasks)
    a_design = BYTES_A_DESIGN + BYTES_A_DECISION * widest
    longest = BYTES_A_RUN + suite.evaluations * a_design
    most = len(suite.tasks) * len(suite.seeds)
    try:
        for number, line in enumerate(packed_lines(path, longest), start=1):
            place = f"{path}, line {number}"
            if number > most:
                raise EntryError(f"{place}: the suite has {most} runs, not more")
            yield _trace(line, place)
    except OSError as error:
        raise EntryError(f"{path} cannot be read: {error}") from error


def parse_about(text: bytes, place: str) -> About:
    """The fields of an ``entry.json``.

    Raises:
        EntryError: if one is not as it must be; the message begins with ``place``.
    """
    try:
        about = About.model_validate_json(text)
    except ValidationError as error:
        raise EntryError(f"{place}: {fault(error)}") from error
    # What is free to be anything has not been looked at yet.
    check_json(text, place)
    return about


def _bounded(path: Path, most: int) -> None:
    if not path.is_file():
        raise EntryError(f"{path.parent}: {path.name} is missing")
    if path.stat().st_size > most:
        raise EntryError(f"{path} has {path.stat().st_size:,} bytes; at most {most:,}")


def _about(path: Path) -> About:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise EntryError(f"{path} cannot be read: {error}") from error
    return parse_about(text, str(path))


def _trace(line: bytes, place: str) -> Trace:
    try:
        trace = Trace.model_validate_json(line)
    except ValidationError as error:
        raise EntryError(f"{place}: {fault(error)}") from error
    # The names of the fields and one value are all that is quoted: counting quotes finds a field
    # that stands twice, of which readers take the one or the other, without reading twice. Names
    # are looked for as well, since one with an escaped letter has as many quotes.
    names = trace.model_fields_set
    twice = line.count(b'"') != 2 * len(names) + 2
    if twice or not all(f'"{name}"'.encode() in line for name in names):
        raise EntryError(f"{place}: a field stands twice, or a name has an odd spelling")
    return trace
