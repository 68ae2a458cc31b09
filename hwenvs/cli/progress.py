"""Live bars: steps of a long computation, and solvers over all their seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hwenvs.cli.console import notes
from hwenvs.solving.records import Run

Score = Callable[[float], float | None]


class Live:
    """Bars that are alive within ``with``; nothing is drawn where standard error is no terminal.

    Args:
        *columns: of rich's progress display.

    Attributes:
        console: where bars are drawn.
        progress: rich's display.
    """

    def __init__(self, *columns: ProgressColumn) -> None:
        self.console = notes()
        self.progress = Progress(
            *columns, console=self.console, disable=not self.console.is_terminal
        )

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Leaves the bars as they are."""
        self.progress.stop()


class Bars(Live):
    """A bar for every solver among ``tasks``; silent where standard error is not a terminal.

    Args:
        tasks: arguments of ``solve``, with ``solver`` and ``evaluations``.
        score: of a reward; None where scores are unknown, and then rewards are shown.
    """

    def __init__(self, tasks: Sequence[Mapping[str, Any]], score: Score) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[best]}"),
            TimeElapsedColumn(),
        )
        self._score = score
        self._solvers = [str(task["solver"]) for task in tasks]
        self._done = [0] * len(tasks)
        self._most = [int(task["evaluations"]) for task in tasks]
        self._best = dict.fromkeys(self._solvers, -np.inf)
        self._bars: dict[str, TaskID] = {
            solver: self.progress.add_task(solver, total=self._total(solver), best="")
            for solver in self._best
        }

    def update(self, index: int, done: int, best: float) -> None:
        """A task has finished ``done`` evaluations and earned ``best`` at most."""
        solver = self._solvers[index]
        self._done[index] = done
        self._best[solver] = max(self._best[solver], best)
        self._show(solver)

    def finish(self, index: int, run: Run) -> None:
        """A task has ended: it may have needed fewer evaluations than it was allowed."""
        self._most[index] = len(run.rewards)
        self.update(index, len(run.rewards), max(run.rewards))

    def _total(self, solver: str) -> int:
        return sum(self._of(solver, self._most))

    def _of(self, solver: str, numbers: Sequence[int]) -> list[int]:
        pairs = zip(self._solvers, numbers, strict=True)
        return [number for name, number in pairs if name == solver]

    def _show(self, solver: str) -> None:
        reward = self._best[solver]
        score = self._score(reward)
        text = f"best reward {reward:.4f}" if score is None else f"best score {score:6.3f}"
        self.progress.update(
            self._bars[solver],
            completed=sum(self._of(solver, self._done)),
            total=self._total(solver),
            best=text,
        )


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """A function that shows a bar for every label: called with label, steps done, steps in all."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Live(*columns, TimeRemainingColumn()) as live:
        bars = live.progress
        tasks: dict[str, TaskID] = {}

        def report(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(label, total=total)
            bars.update(tasks[label], completed=done)

        yield report


def portable_command(arguments: Sequence[str]) -> str:
    """The command line with folders reduced to their last part: files name no machine's paths."""
    return " ".join(["hwenvs", *(Path(a).name if "/" in a else a for a in arguments)])
