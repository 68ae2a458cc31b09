"""``hwenvs sweep``."""

from __future__ import annotations

import shlex
import sys
import time
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

from hwenvs.cli import outputs
from hwenvs.cli.console import notes, output
from hwenvs.cli.interrupts import terminated_like_interrupted
from hwenvs.cli.progress import Live
from hwenvs.errors import ArgumentError
from hwenvs.text import counted

if TYPE_CHECKING:
    from hwenvs.sweeps.sweep import Engine, Sweep

FAILED, INTERRUPTED = 1, 130
"""Exit codes: some cells failed; stopped by Ctrl-C, as shells have it."""

LINE_EVERY = 30.0
"""Seconds between two lines of progress where nobody's terminal could show a bar."""


class Engines(StrEnum):
    """Where cells are solved."""

    POOL = "pool"
    RAY = "ray"


def sweep(
    plan: Annotated[
        Path, typer.Argument(metavar="SWEEP.yaml", help="Environments, solvers, seeds.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the results.", callback=outputs.folder)
    ] = Path("results"),
    engine: Annotated[
        Engines, typer.Option(help="Processes of this machine, or Ray.")
    ] = Engines.POOL,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes, one thread each; default: 1, or all cores with Ray."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Of a Ray cluster: HOST:PORT, or auto; default: RAY_ADDRESS, or here."),
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, help="New attempts at a cell whose process or machine died.")
    ] = 3,
    compress: Annotated[
        bool, typer.Option("--gzip", help="Compress the files, to a third.")
    ] = False,
) -> None:
    """Run environments x solvers x seeds, one result file each; run again to go on or to add.

    Finished cells are skipped. Ctrl-C leaves a folder that the same command goes on from.
    """
    from hwenvs.files import replacing
    from hwenvs.sweeps.reading import parse_plan, read_bytes
    from hwenvs.sweeps.sweep import PLAN, run_sweep

    chosen = _engine(engine, workers, address, retries)
    text = read_bytes(plan)  # once: it may be a pipe
    asked = parse_plan(text, plan)
    if engine is Engines.POOL:
        from hwenvs.solving.starting import preload

        preload(asked.modules())  # while this process checks the plan, and imports them too
    cells = asked.cells()
    with replacing(out / PLAN) as temporary:
        temporary.write_bytes(text)
    with Cells(len(cells)) as bar:
        try:
            with terminated_like_interrupted():
                result = run_sweep(cells, out, chosen, compress, bar.update)
        except KeyboardInterrupt:
            bar.tell_rest()
            raise typer.Exit(INTERRUPTED) from None
        except OSError:  # the disk is full, for example
            bar.tell_rest()
            raise
    _tell(result, out)


class Cells(Live):
    """A bar of cells with rate and time left; a line now and then where there is no terminal.

    Args:
        total: cells of the sweep.

    Attributes:
        done: cells that have ended.
    """

    def __init__(self, total: int) -> None:
        super().__init__(
            TextColumn("cells"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[news]}"),
            TimeElapsedColumn(),
        )
        self._total, self.done = total, 0
        self._before: int | None = None
        self._started = self._told = time.monotonic()
        self._bar = self.progress.add_task("", total=total, news="")

    def update(self, done: int) -> None:
        """``done`` cells have ended; the first call tells those that were there before."""
        if self._before is None:
            self._before, self._started = done, time.monotonic()
        self.done = done
        self.progress.update(self._bar, completed=done, news=self._news())
        now = time.monotonic()
        if self.progress.disable and now - self._told >= LINE_EVERY:
            self._told = now
            news = f"{done} of {counted(self._total, 'cell')}, {self._news()}"
            self.console.print(news.removesuffix(", "), markup=False)

    def tell_rest(self) -> None:
        """Ends the bar and says how to go on."""
        self.stop()
        command = shlex.join(["hwenvs", *sys.argv[1:]])
        notes().print(
            f"stopped after {self.done} of {counted(self._total, 'cell')}; go on with: {command}",
            markup=False,
            soft_wrap=True,
        )

    def _news(self) -> str:
        """Rate and time left, by the cells since the start."""
        new = self.done - (self._before or 0)
        seconds = time.monotonic() - self._started
        if not new or not seconds:
            return ""
        left = timedelta(seconds=round(seconds / new * (self._total - self.done)))
        return f"{60 * new / seconds:.1f} a minute, {left} left"


def _engine(engine: Engines, workers: int | None, address: str | None, retries: int) -> Engine:
    if engine is Engines.RAY:
        from hwenvs.sweeps.distributed import ray_engine

        return ray_engine(address, workers, retries)
    if address is not None:
        raise ArgumentError("an address belongs to --engine ray: the pool runs on this machine")
    from hwenvs.sweeps.sweep import pool_engine

    return pool_engine(workers or 1, retries)


def _tell(result: Sweep, out: Path) -> None:
    """Says what became of the sweep; exit code 1 if cells failed."""
    from hwenvs.sweeps.sweep import FAILURES, describe

    for path in result.damaged:
        notes().print(f"note: {path} was damaged: redone", markup=False, soft_wrap=True)
    for cell, failure in result.failures:
        notes().print(
            f"[bold red]failed:[/] {escape(cell.label)} (cell {cell.key[:12]}): "
            f"{escape(describe(failure))}",
            soft_wrap=True,
        )
    solved, finished = counted(len(result.solved), "cell"), len(result.finished)
    counts = f"{solved} solved, {finished} {'was' if finished == 1 else 'were'} finished before"
    if not result.failures:
        output().print(f"{counts}; in {out}", markup=False, soft_wrap=True)
        return
    output().print(
        f"{counts}, {len(result.failures)} failed: tracebacks in {out / FAILURES}",
        markup=False,
        soft_wrap=True,
    )
    raise typer.Exit(FAILED)
