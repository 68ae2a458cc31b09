"""``hwenvs report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwenvs.cli import options, outputs
from hwenvs.cli.console import output
from hwenvs.text import counted

if TYPE_CHECKING:
    from hwenvs.reporting.results import Results
    from hwenvs.solving.records import Run

COMPACT = ".jsonl.gz"
"""How files of compact records end."""


def report(
    records: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS...",
            help="Files of run or compare (.jsonl), a sweep's folder, compact records (.jsonl.gz).",
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the report.", callback=outputs.folder)
    ] = Path("report"),
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RESULTS",
            help="Others' runs to compare with, on the environments of yours alone; repeatable.",
        ),
    ] = None,
    compact: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl.gz",
            help="Write records of the improving evaluations alone instead, to publish.",
            callback=outputs.file,
        ),
    ] = None,
    overwrite: options.OverwriteOption = False,
) -> None:
    """Make a report of runs: one HTML page with tables and figures, the same as Markdown, PNGs.

    Several files are put together, with a section for each environment and one for all of them.
    A folder stands for the cells of a sweep, or for all .jsonl files in it. Compact records, of
    --compact or published by others, lack the designs that fronts are drawn from.  The runs of a
    single study go to OUT/runs.jsonl; those there that are not among them stay without --overwrite.
    """
    from hwenvs.sweeps.cells import CELLS

    if compact is not None:
        _check_compact(compact, overwrite)
    runs = [run for path in records for run in read_results(path, shortened=True)]
    runs = _once([*runs, *_beside(runs, beside or ())])
    if compact is not None:
        from hwenvs.reporting.compact import write_compact

        write_compact(compact, runs)
        output().print(
            f"wrote {compact} ({counted(len(runs), 'run')})", markup=False, soft_wrap=True
        )
        return
    # The runs of a sweep stay where they are: there may be gigabytes of them.
    elsewhere = any((path / CELLS).is_dir() or path.name.endswith(COMPACT) for path in records)
    kept = not (elsewhere or beside)
    if kept and not overwrite:
        _check_replaceable(out, runs, records)
    for name, arguments in {run.environment: run.arguments for run in runs}.items():
        options.load_problem(name, dict(arguments), quiet=True)
    write(runs, out, records=kept)


def _check_compact(path: Path, overwrite: bool) -> None:
    """That compact records will be read as such, and replace nothing unasked.

    Raises:
        ArgumentError: if not so.
    """
    from hwenvs.errors import ArgumentError

    if not path.name.endswith(COMPACT):
        raise ArgumentError(f"names of compact records end in {COMPACT}, not so {path}")
    if path.exists() and not overwrite:
        raise ArgumentError(f"{path} is there already: add --overwrite, or name another file")


def _check_replaceable(out: Path, runs: Sequence[Run], read: Sequence[Path]) -> None:
    """Refuses to lose records in ``out`` that are not among ``runs``, which came from ``read``.

    Raises:
        ArgumentError: if there are some, or what is there cannot be read.
    """
    from hwenvs.errors import ArgumentError
    from hwenvs.reporting.report import RUNS
    from hwenvs.solving.records import read_runs
    from hwenvs.sweeps.cells import identity_of

    path = out / RUNS
    if not path.exists() or {path.resolve(), out.resolve()} & {one.resolve() for one in read}:
        return
    try:
        before = read_runs(path)
    except ArgumentError as error:
        raise ArgumentError(f"{error}; {options.OVERWRITE}") from error
    there = {identity_of(run) for run in runs}
    if lost := sum(identity_of(run) not in there for run in before):
        raise ArgumentError(
            f"{path} holds {counted(lost, 'run')} that {'is' if lost == 1 else 'are'} not among "
            f"these: {options.OVERWRITE}"
        )


def _beside(runs: Sequence[Run], paths: Sequence[Path]) -> list[Run]:
    """The runs at ``paths`` on environments of ``runs``."""
    from hwenvs.errors import ArgumentError

    tasks, found = {run.task for run in runs}, []
    for path in paths:
        others = [run for run in read_results(path, shortened=True) if run.task in tasks]
        if not others:
            raise ArgumentError(f"{path} has no run on an environment of yours, arguments included")
        found += others
    return found


def _once(runs: Sequence[Run]) -> list[Run]:
    """``runs`` without repetitions, which would make intervals narrower than they are."""
    from hwenvs.sweeps.cells import identity_of

    kept: dict[str, Run] = {}
    for run in runs:
        kept.setdefault(identity_of(run), run)
    if (repeated := len(runs) - len(kept)) > 0:
        output().print(f"{repeated} of the runs repeat others and count once")
    return list(kept.values())


def read_results(path: Path, shortened: bool = False) -> list[Run]:
    """The runs of a file, of a sweep's folder, or of all ``.jsonl`` files in a folder.

    Args:
        path: where they are.
        shortened: whether compact records will do, which lack most designs.

    Raises:
        ArgumentError: if nothing is there, or it cannot be read, or it lacks what is wanted.
    """
    from hwenvs.errors import ArgumentError
    from hwenvs.reporting.compact import read_compact
    from hwenvs.solving.records import read_runs
    from hwenvs.sweeps.cells import CELLS, read_cells

    if path.name.endswith(COMPACT):
        if not shortened:
            raise ArgumentError(
                f"{path} holds compact records, which lack most designs: give the full ones (.jsonl"
                ", or a sweep's folder)"
            )
        return read_compact(path)
    if not path.is_dir():
        return read_runs(path)
    if (path / CELLS).is_dir():
        return read_cells(path)
    files = sorted(path.glob("*.jsonl"))
    if not files:
        raise ArgumentError(f"{path} holds neither a sweep's {CELLS}/ nor .jsonl files of runs")
    return [run for file in files for run in read_runs(file)]


def write(runs: Sequence[Run], out: Path, records: bool = True) -> None:
    """Writes the report of ``runs`` into the folder ``out`` and says what is in it."""
    from hwenvs.reporting.report import write_report

    written = write_report(runs, out, records)
    show(written.results, written.files)


def show(collected: Sequence[Results], paths: Sequence[Path]) -> None:
    """Prints a table for each environment, and which files were written."""
    from hwenvs.reporting.table import rich_table

    console = output()
    for results in collected:
        console.print(rich_table(results))
    for path in paths:
        console.print(f"wrote {path}", markup=False, soft_wrap=True)
