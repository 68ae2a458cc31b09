"""The comparison table: for terminals and for Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from hwenvs.reporting.results import THRESHOLD, Results, Summary


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
        number(entry.mean) + _interval(entry),
        f"{entry.accuracy:.2%}",
        _effort(entry),
        f"{entry.seconds:.2f}",
    ]


def rich_table(results: Results) -> Table:
    """For terminals."""
    table = Table(
        title=results.title, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False
    )
    rows = [cells(entry) for entry in results.summaries]
    for index, heading in enumerate(headings(results)):
        # Headings take two lines, so that the table fits into 80 characters.
        text = heading.replace(" ", "\n", 1) if "[" not in heading else escape(heading)
        table.add_column(text, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def markdown_table(results: Results) -> str:
    """For files."""
    rows = [cells(entry) for entry in results.summaries]
    return markdown(headings(results), rows)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    rule = ["---"] + ["---:"] * (len(heads) - 1)
    lines = [heads, rule, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float, digits: int = 3) -> str:
    """``value`` with some decimals, without a minus before zero."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _interval(entry: Summary) -> str:
    if entry.interval is None:
        return ""
    low, high = entry.interval
    if low == high:
        return ""
    return f" [{number(low, 2)}, {number(high, 2)}]"


def _effort(entry: Summary) -> str:
    """Median evaluations, and how many runs got there unless all did."""
    if entry.effort is None:
        return "unknown"
    count = len(entry.runs)
    if not entry.reached:
        return "never" if entry.evaluations == 1 else f"> {entry.evaluations}"
    share = "" if entry.reached == count else f" ({entry.reached} of {count})"
    median = f"> {entry.evaluations}" if math.isinf(entry.effort) else f"{entry.effort:.0f}"
    return median + share
