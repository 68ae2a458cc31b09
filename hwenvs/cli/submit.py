"""``hwenvs submit``."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwenvs.cli import outputs
from hwenvs.cli.console import notes, output
from hwenvs.cli.leaderboard import FolderOption, board_folder, get_suite, say, suites_folder
from hwenvs.errors import ArgumentError

if TYPE_CHECKING:
    from hwenvs.leaderboards.suites import Suite
    from hwenvs.leaderboards.verify import Verdict


OPTIONS = {
    "authors": "--author",
    "trained_on_test_instances": "--[not-]trained-on-test-instances",
}
"""What fields of an entry are called as options, where it is not their name."""


class Tracks(StrEnum):
    """What an entry claims."""

    DESIGN = "design"
    SEARCH = "search"
    POLICY = "policy"


def submit(
    results: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RESULTS...]", help="Records of runs (.jsonl), or a sweep's folder."
        ),
    ] = None,
    *,
    suite: Annotated[str, typer.Option(help="Its newest version, or e.g. amc-v1.")],
    name: Annotated[str, typer.Option(help="Of the entry: lower-case letters, digits, hyphens.")],
    policy: Annotated[
        Path | None, typer.Option(help="A frozen policy (.npz) instead of records.")
    ] = None,
    about: Annotated[
        Path | None, typer.Option(help="JSON file with fields of entry.json; options come first.")
    ] = None,
    track: Annotated[
        Tracks | None, typer.Option(help="What is claimed: designs, a search, or a policy.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="One line.")] = None,
    author: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
    code: Annotated[str | None, typer.Option(help="Where the code is.")] = None,
    commit: Annotated[str | None, typer.Option(help="Which version of it.")] = None,
    solver: Annotated[
        str | None, typer.Option(help="What is run again: a bundled one, or package.module:Class.")
    ] = None,
    tuning: Annotated[str | None, typer.Option(help="How hyper-parameters were found.")] = None,
    trained: Annotated[
        bool | None,
        typer.Option(
            "--trained-on-test-instances/--not-trained-on-test-instances",
            help="Whether anything was learnt on the suite before the runs.",
        ),
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Of the entry.")] = None,
    account: Annotated[
        str | None,
        typer.Option(help="Whose account contributes the entry, and may change it later."),
    ] = None,
    folder: FolderOption = None,
    entries: Annotated[
        Path | None,
        typer.Option(
            help="Where the entry goes; default: entries/ of the folder.", callback=outputs.folder
        ),
    ] = None,
) -> None:
    """Make an entry from records of runs or from a frozen policy, if the verifier accepts it.

    Traces of integer decisions go in, or a policy's weights, and nothing that says what they are
    worth: scores are recomputed from them, here as there.
    """
    from hwenvs.cli.verdicts import verdict_table
    from hwenvs.leaderboards.board import ENTRIES

    place = board_folder(folder) if entries is None else suites_folder(folder)
    given: dict[str, Any] = {
        "track": track and track.value,
        "method": method,
        "authors": author,
        "code": code,
        "commit": commit,
        "solver": solver,
        "tuning": tuning,
        "trained_on_test_instances": trained,
        "licence": licence,
        "account": account,
    }
    if bool(results) == (policy is not None):
        raise ArgumentError("an entry is made of records of runs, or of one --policy: give either")
    fields = _fields(about) | {key: value for key, value in given.items() if value is not None}
    _check_complete(fields, policy is not None)
    target = place / ENTRIES if entries is None else entries
    verdict = _make(results or [], policy, get_suite(place, suite), name, fields, target)
    output().print(verdict_table(verdict))
    say(f"wrote {verdict.entry.folder}")
    if not verdict.entry.about.account:
        notes().print(
            "note: it names no --account, which a pull request from your account will need",
            markup=False,
            soft_wrap=True,
        )


def _make(
    results: list[Path],
    policy: Path | None,
    suite: Suite,
    name: str,
    fields: dict[str, Any],
    entries: Path,
) -> Verdict:
    """The verdict on the entry that was made of ``results`` or of ``policy``."""
    from hwenvs.cli.report import read_results
    from hwenvs.leaderboards.submit import submit as of_runs
    from hwenvs.leaderboards.submit import submit_policy

    if policy is not None:
        return submit_policy(policy, suite, name, fields, entries)
    runs = [run for path in results for run in read_results(path)]
    return of_runs(runs, suite, name, fields, entries)


def _check_complete(fields: dict[str, Any], policy: bool) -> None:
    """Names every option that is missing at once.

    Raises:
        ArgumentError: if one is.
    """
    from hwenvs.leaderboards.entries import About

    required = [name for name, field in About.model_fields.items() if field.is_required()]
    known = {"name", "suite", *fields, *(["track"] if policy else [])}
    missing = [OPTIONS.get(name, f"--{name}") for name in required if name not in known]
    if missing:
        raise ArgumentError(
            f"an entry needs {', '.join(missing)} as well: as options, or as fields in the file "
            "that --about names"
        )


def _fields(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"cannot read {path}: {error}") from error
    if not isinstance(fields, dict):
        raise ArgumentError(f"{path} must hold a JSON object, not {type(fields).__name__}")
    return fields
