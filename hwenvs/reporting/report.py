"""The report folder: a page in HTML and in Markdown, its figures, and the runs themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hwenvs.files import replacing
from hwenvs.reporting.blocks import Block, Document, Paragraph
from hwenvs.reporting.markdown import figures_of, markdown_page
from hwenvs.reporting.overall import overall
from hwenvs.reporting.overview import NAMES, overall_section
from hwenvs.reporting.page import html_page
from hwenvs.reporting.results import Results, collect
from hwenvs.reporting.sections import CHANNELS, CURVES, FRONTS, environment_section
from hwenvs.solving.records import Run, write_runs
from hwenvs.text import counted

HTML, PAGE, RUNS = "report.html", "report.md", "runs.jsonl"

FIGURE = re.compile(rf"({'|'.join(NAMES)}|({CURVES}|{FRONTS}|{CHANNELS})(-\d+)?)\.png")
"""What figures of reports are called."""


@dataclass(frozen=True)
class Written:
    """What a report showed, and where it is.

    Attributes:
        results: environment by environment.
        files: all that were written, the page first.
    """

    results: list[Results]
    files: list[Path]


def write_report(runs: Sequence[Run], folder: Path, records: bool = True) -> Written:
    """Writes ``report.html``, ``report.md``, the figures and ``runs.jsonl`` into ``folder``.

    Runs on several environments get a section and figures each; the files of the second are
    called ``learning_curves-2.png`` and so on.  The pages follow from the records alone: equal
    records give equal bytes.

    Args:
        runs: the records.
        folder: made if it is missing; a report in it is replaced with all of its figures.
            ``runs.jsonl`` stays as it is without ``records``.
        records: whether to write the runs as well.

    Raises:
        ArgumentError: if there are no runs.
        MissingExtraError: without matplotlib or jinja2.
    """
    collected = collect(runs)
    document = report_document(collected)
    texts = {HTML: html_page(document), PAGE: markdown_page(document)}
    before = _figures(folder)
    for name, text in texts.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    pictures = document.pictures()
    for picture in pictures:
        with replacing(folder / picture.name) as temporary:
            temporary.write_bytes(picture.data)
    for name in before - {picture.name for picture in pictures}:
        (folder / name).unlink(missing_ok=True)
    files = [folder / name for name in (*texts, *(picture.name for picture in pictures))]
    if records:
        write_runs(folder / RUNS, runs)
        files.append(folder / RUNS)
    return Written(collected, files)


def _figures(folder: Path) -> set[str]:
    """Names of the figures of the report in ``folder``, if there is one.

    Only what reports call their figures: others may have been added to the page by hand.
    """
    try:
        shown = figures_of((folder / PAGE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return set()
    return {name for name in shown if FIGURE.fullmatch(name)}


def report_document(collected: Sequence[Results]) -> Document:
    """What a report says, before it is HTML or Markdown.

    Raises:
        MissingExtraError: without matplotlib.
    """
    solvers = {entry.solver for results in collected for entry in results.summaries}
    runs = [run for results in collected for entry in results.summaries for run in entry.runs]
    blocks: list[Block] = [
        Paragraph(
            f"{counted(len(runs), 'run')} of {counted(len(solvers), 'solver')} on "
            f"{counted(len(collected), 'environment')}, "
            f"{counted(sum(len(run.rewards) for run in runs), 'evaluated design')}."
        )
    ]
    together = overall(collected)
    if together is not None:
        blocks.append(overall_section(together, collected))
    blocks += [environment_section(results, n) for n, results in enumerate(collected, start=1)]
    return Document("Report", tuple(blocks))
