"""``hwenvs leaderboard``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwenvs.cli.commands import Commands, examples
from hwenvs.cli.console import notes, output

if TYPE_CHECKING:
    from hwenvs.leaderboards.suites import Suite

FAULTY = 1
"""Exit code: something does not agree."""

HERE = Path("leaderboards")
"""The board of a checkout, seen from its root."""

leaderboard = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Verify, log, reproduce and show what was submitted.",
)


FolderOption = Annotated[
    Path | None, typer.Option(help="With suites/, entries/ and log.jsonl; default: leaderboards.")
]
NameArgument = Annotated[str, typer.Argument(metavar="SUITE/NAME", help="An entry.")]


@leaderboard.command(
    epilog=examples("hwenvs leaderboard verify", "hwenvs leaderboard verify amc-v1/cma-es")
)
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SUITE/NAME...]", help="Entries; default: all.")
    ] = None,
    folder: FolderOption = None,
    head: Annotated[
        str | None, typer.Option(help="A head of the log that you noted: it must have grown on it.")
    ] = None,
) -> None:
    """Recompute entries from their decisions; exit code 1 and every fault if one does not agree.

    Without names the whole board: suites against the environments of today, the log against
    itself, entries against the log. Nothing of an entry's code is run.
    """
    from hwenvs.cli.verdicts import check_all, check_some

    place = board_folder(folder)
    if names:
        _conclude(check_some(place, names))
        return
    _conclude(check_all(place, head))


@leaderboard.command()
def log(name: NameArgument, folder: FolderOption = None) -> None:
    """Verify an entry and add the verdict to the log, unless it says the same already."""
    from hwenvs.cli.verdicts import checked_entry
    from hwenvs.leaderboards.badges import decisive
    from hwenvs.leaderboards.board import LOG
    from hwenvs.leaderboards.log import append, latest, read_log

    place = board_folder(folder)
    verdict = checked_entry(place, name)
    key = verdict.suite.id, verdict.entry.about.name
    last = latest(read_log(place / LOG)).get(key)
    digests = verdict.suite.digest, verdict.entry.digest
    same = last is not None and (last.suite_digest, last.entry_digest) == digests
    # What was shown of these very files stays shown.
    if last is not None and same:
        line = append(place / LOG, verdict, last.badge, last.reruns)
    else:
        line = append(place / LOG, verdict)
    ruling = decisive(read_log(place / LOG))[key]
    stays = "" if ruling == line else f"; still {ruling.badge}, by line {ruling.number}"
    say(f"line {line.number}: {name} {line.badge}, verdict {line.verdict_digest}{stays}")


@leaderboard.command(epilog=examples("hwenvs leaderboard withdraw amc-v1/mine"))
def withdraw(name: NameArgument, folder: FolderOption = None) -> None:
    """Remove an entry and add to the log that it is gone; what was said before stays there."""
    from hwenvs.leaderboards.board import withdraw as remove

    line = remove(board_folder(folder), name)
    say(f"line {line.number}: {name} is withdrawn and removed; render the page anew")


@leaderboard.command(
    epilog=examples("hwenvs leaderboard reproduce amc-v1/cma-es --workers 2"),
)
def reproduce(
    name: NameArgument,
    everything: Annotated[
        bool, typer.Option("--all", help="Every run, not three of each environment.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one thread each.")] = 1,
    folder: FolderOption = None,
) -> None:
    """Run an entry's solver again from its seeds, compare, and log the badge.

    This runs the entry's code: read it first.
    """
    from hwenvs.cli.progress import steps
    from hwenvs.cli.verdicts import checked_entry
    from hwenvs.leaderboards.board import LOG
    from hwenvs.leaderboards.log import append
    from hwenvs.leaderboards.reproduce import every, sampled
    from hwenvs.leaderboards.reproduce import reproduce as run_again

    place = board_folder(folder)
    verdict = checked_entry(place, name)
    entry, suite = verdict.entry, verdict.suite
    cells = every(entry, suite) if everything else sampled(entry, suite)
    with steps() as bars:
        found = run_again(
            entry, suite, cells, lambda done, total: bars("running again", done, total), workers
        )
    line = append(place / LOG, verdict, found.badge, list(found.cells))
    say(
        f"line {line.number}: {name} {found.badge}: {found.equal} of {len(found.cells)} runs are "
        f"equal; if the scores came from one distribution, p = {found.p_value:.3f} that they "
        "would differ as much"
    )


@leaderboard.command()
def freeze(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a recipe in suites.yaml.")],
    folder: FolderOption = None,
) -> None:
    """Write the next version of a suite, unless its newest holds the same."""
    from hwenvs.leaderboards.freezing import freeze as write

    path = write(name, board_folder(folder) / "suites")
    say(f"{path} is frozen")


@leaderboard.command()
def show(
    suite: Annotated[
        str | None, typer.Argument(metavar="[SUITE]", help="One suite; default: all.")
    ] = None,
    folder: FolderOption = None,
) -> None:
    """Show the tables in the terminal, recomputed; faults are told after them."""
    from hwenvs.cli.verdicts import show_tables

    place = board_folder(folder)
    wanted = None if suite is None else get_suite(place, suite).id
    _conclude(show_tables(place, wanted), quiet=True)


@leaderboard.command()
def render(folder: FolderOption = None) -> None:
    """Recompute the board and write its page, index.html."""
    from hwenvs.cli.verdicts import checked
    from hwenvs.leaderboards.page import write

    say(f"wrote {write(checked(board_folder(folder)))}")


@leaderboard.command("check-diff", epilog=examples("hwenvs leaderboard check-diff origin/main"))
def check_diff(
    base: Annotated[
        str, typer.Argument(metavar="BASE", help="A revision of git, or the folder as it was.")
    ],
    folder: FolderOption = None,
    account: Annotated[str, typer.Option(help="Who contributes.")] = "",
    maintainer: Annotated[
        bool, typer.Option("--maintainer", help="May change entries, add suites, give badges.")
    ] = False,
) -> None:
    """Check what a contribution changes: it adds, rewrites nothing, and its entries verify."""
    from hwenvs.cli.verdicts import check_contribution

    _conclude(check_contribution(base, board_folder(folder), account, maintainer))


def board_folder(given: Path | None) -> Path:
    """The board's folder: the one given, or that of the working directory.

    Raises:
        ArgumentError: if there is none. What is installed has suites, and no entries and no log.
    """
    from hwenvs.errors import ArgumentError

    if given is not None:
        if not given.is_dir():
            raise ArgumentError(f"there is no folder {given}")
        return given
    if not (HERE / "suites").is_dir():
        raise ArgumentError(
            "the working directory has no board, a folder leaderboards with suites/ in it: name "
            "one with --folder"
        )
    return HERE


def suites_folder(given: Path | None) -> Path:
    """Where ``suites/`` is: the board's folder, or without one the package's.

    Raises:
        ArgumentError: if the folder given is not there.
    """
    from hwenvs.leaderboards.suites import FOLDER

    if given is None and not (HERE / "suites").is_dir():
        return FOLDER.parent
    return board_folder(given)


def get_suite(folder: Path, name: str) -> Suite:
    """A suite of a board's folder."""
    from hwenvs.leaderboards.suites import load_suite

    return load_suite(name, folder / "suites")


def _conclude(faults: Sequence[str], quiet: bool = False) -> None:
    """Tells every fault; exit code 1 if there is one."""
    for fault in faults:
        notes().print(f"fault: {fault}", markup=False, soft_wrap=True)
    if faults:
        raise typer.Exit(FAULTY)
    if not quiet:
        say("everything agrees")


def say(text: str) -> None:
    """Prints a line as it is."""
    output().print(text, markup=False, soft_wrap=True)
