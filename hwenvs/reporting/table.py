"""The comparison table: for terminals and for Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from hwenvs.reporting.results import THRESHOLD, THRESHOLDS, Results, Summary
from hwenvs.solving.solvers import ONE_DESIGN


def headings(results: Results) -> list[str]:
    """Of the columns."""
    scored = all(entry.scored for entry in results.summaries)
    value = "score" if scored else "reward"
    return [
        "solver",
        "runs",
        f"median {value}",
        f"IQM {value} [95 %]",
        "best accuracy",
        f"evaluations to {THRESHOLD:g}",
        "seconds a run",
    ]


def cells(entry: Summary) -> list[str]:
    """One row: a solver."""
    return [
        entry.solver,
        str(len(entry.runs)),
        number(entry.median),
        number(entry.mean) + range_text(entry.interval),
        f"{entry.accuracy:.2%}",
        _effort(entry),
        f"{entry.seconds:.2f}",
    ]


def budgets_note(results: Results) -> str | None:
    """Which solvers were allowed how many evaluations, if not all the same."""
    allowed: dict[int, list[str]] = {}
    for entry in results.summaries:
        run = entry.runs[0]
        if run.solver not in ONE_DESIGN:
            allowed.setdefault(run.evaluations, []).append(entry.solver)
    if len(allowed) < 2:
        return None
    listed = "; ".join(
        f"{count} ({', '.join(sorted(allowed[count]))})" for count in sorted(allowed)
    )
    return f"Unequal numbers of evaluations were allowed: {listed}."


def rich_table(results: Results) -> Table:
    """For terminals."""
    note = budgets_note(results)
    table = Table(
        title=escape(results.title),
        title_justify="left",
        caption=note and escape(note),
        caption_justify="left",
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    rows = [cells(entry) for entry in results.summaries]
    for index, heading in enumerate(headings(results)):
        # Headings take two lines, so that the table fits into 80 characters.
        text = heading.replace(" ", "\n", 1) if "[" not in heading else escape(heading)
        table.add_column(text, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def full_headings(results: Results) -> list[str]:
    """Of the columns where there is room for more of them: in files."""
    heads = headings(results)
    if not all(entry.scored for entry in results.summaries):
        return heads
    place = heads.index(f"evaluations to {THRESHOLD:g}")
    efforts = [f"evaluations to {level:g}" for level in THRESHOLDS]
    return [*heads[:place], "area", *efforts, *heads[place + 1 :]]


def full_cells(entry: Summary, scored: bool) -> list[str]:
    """One row of as many columns; ``scored``: whether all solvers have scores."""
    row = cells(entry)
    if not scored:
        return row
    efforts = [_effort(entry, level) for level in THRESHOLDS]
    return [*row[:-2], number(entry.area or 0.0), *efforts, row[-1]]


def full_rows(results: Results) -> list[list[str]]:
    """All rows, a solver each."""
    scored = all(entry.scored for entry in results.summaries)
    return [full_cells(entry, scored) for entry in results.summaries]


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    rule = ["---"] + ["---:"] * (len(heads) - 1)
    cells = [[" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in (heads, *rows)]
    lines = [cells[0], rule, *cells[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float, digits: int = 3) -> str:
    """``value`` with some decimals, without a minus before zero."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def range_text(interval: tuple[float, float] | None, percent: bool = False) -> str:
    """`` [low, high]`` of an interval, with a :func:`number`'s decimals or in whole percent.

    Empty where there is none or no width.
    """
    if interval is None or interval[0] == interval[1]:
        return ""
    low, high = interval
    if percent:
        return f" [{100 * low:.0f}, {100 * high:.0f}]"
    return f" [{number(low)}, {number(high)}]"


def effort_text(effort: float, reached: int, runs: int, evaluations: int) -> str:
    """Median evaluations to a score, and how many runs got there unless all did, or none.

    Args:
        effort: the median, infinite where most runs miss the score.
        reached: runs that got there.
        runs: of all.
        evaluations: of runs that did not get there. A solver of a single one never will, unless
            other runs of it did.
    """
    missed = "never" if evaluations == 1 and not reached else f"> {evaluations}"
    median = missed if math.isinf(effort) else f"{effort:.0f}"
    return median if reached in (0, runs) else f"{median} ({reached} of {runs})"


def _effort(entry: Summary, level: float = THRESHOLD) -> str:
    if not entry.scored:
        return "unknown"
    effort, reached = entry.efforts[level], entry.reaches[level]
    return effort_text(effort, reached, len(entry.runs), entry.evaluations)
