"""The report folder: pages that hold together, equal bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hwenvs.reporting.results import Results
from hwenvs.solving import solve
from hwenvs.solving.records import Run, read_runs

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from hwenvs.reporting.blocks import Document, Items, Paragraph, Section, Table
from hwenvs.reporting.markdown import markdown_page
from hwenvs.reporting.overall import overall
from hwenvs.reporting.overview import overall_section
from hwenvs.reporting.page import html_page, inline
from hwenvs.reporting.pareto import fronts_text, pareto_fronts, quantities, solver_fronts
from hwenvs.reporting.report import write_report
from hwenvs.reporting.results import collect
from hwenvs.reporting.sections import environment_section
from hwenvs.reporting.table import full_headings, full_rows

ID = "AMC-ResNet20-v0"
VOID = {"meta", "img", "br", "link", "input"}


class Reader(HTMLParser):
    """Reads a page and checks that its tags close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of all such tags."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Real runs of four solvers on two environments."""
    tasks = [("random", 0), ("random", 1), ("shallow", 0), ("uniform", 0), ("exact", 0)]
    first = [solve(solver, ID, evaluations=12, seed=seed) for solver, seed in tasks]
    return [*first, solve("random", "HAQ-ResNet20-v0", evaluations=3)]


@pytest.fixture(scope="module")
def written(runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report on them."""
    folder = tmp_path_factory.mktemp("written") / "report"
    files = write_report(runs, folder).files
    assert set(files) == set(folder.iterdir())
    return folder


def test_a_report_is_a_folder_with_pages_figures_and_runs(written: Path, runs: list[Run]) -> None:
    from matplotlib.image import imread

    names = {path.name for path in written.iterdir()}
    single = {"learning_curves.png", "fronts.png", "channels.png"}
    second = {name.replace(".png", "-2.png") for name in single}
    together = {f"overall_{n}.png" for n in ("intervals", "profiles", "pairs", "improvement")}
    assert names == {"report.html", "report.md", "runs.jsonl"} | single | second | together
    for path in written.glob("*.png"):
        pixels = imread(path)
        assert pixels.shape[0] > 200
        assert pixels.std() > 0.01
    assert read_runs(written / "runs.jsonl") == runs


def test_markdown_and_html_tell_the_same(written: Path) -> None:
    markdown, page = ((written / f"report.{end}").read_text() for end in ("md", "html"))
    for text in (markdown, page):
        assert f"hwenvs run {ID} --solver random --evaluations 12 --seeds 2" in text
        assert "proved optimal" in text
        assert "Interquartile mean of the scores on each environment." in text
    for picture in written.glob("*.png"):
        assert f"]({picture.name})" in markdown


def test_equal_records_make_equal_bytes_and_can_stay_where_they_are(
    written: Path, runs: list[Run], tmp_path: Path
) -> None:
    again = write_report(runs, tmp_path, records=False).files
    assert {path.name for path in written.iterdir()} - {path.name for path in again} == {
        "runs.jsonl"
    }
    for path in again:
        assert path.read_bytes() == (written / path.name).read_bytes(), path.name


def test_a_report_replaces_all_of_the_one_before_and_nothing_else(
    written: Path, runs: list[Run], tmp_path: Path
) -> None:
    folder = shutil.copytree(written, tmp_path / "report")
    for name in ("mine.png", "channels-7.png"):
        (folder / name).write_bytes(b"somebody's")
    page = folder / "report.md"
    page.write_text(f"{page.read_text()}\n![Mine](mine.png)\n![x](../elsewhere.png)\n")
    (tmp_path / "elsewhere.png").touch()
    files = write_report(runs[:2], folder, records=False).files
    assert set(folder.iterdir()) == {
        *files,
        *(folder / name for name in ("mine.png", "channels-7.png", "runs.jsonl")),
    }
    assert not list(folder.glob("*-2.png"))
    assert (tmp_path / "elsewhere.png").exists()
    assert read_runs(folder / "runs.jsonl") == runs
    page.write_bytes(b"\xff")
    write_report(runs[:2], folder)


def test_the_page_needs_nothing_but_itself(written: Path) -> None:
    page = (written / "report.html").read_text()
    reader = Reader(page)
    assert not [tag for tag in ("script", "link", "iframe") if reader.all(tag)]
    assert all(
        str(image["src"]).startswith("data:image/png;base64,") for image in reader.all("img")
    )
    assert "@import" not in page
    assert "url(" not in page
    links = [str(link["href"]) for link in reader.all("a")]
    anchors = [str(attributes["id"]) for _, attributes in reader.tags if "id" in attributes]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(anchors)
    assert len(anchors) == len(set(anchors))


def test_the_page_can_be_used_without_seeing_it_and_in_the_dark(written: Path) -> None:
    page = (written / "report.html").read_text()
    reader = Reader(page)
    assert reader.all("html") == [{"lang": "en"}]
    assert "width=device-width" in str(reader.all("meta")[1]["content"])
    assert all(len(str(image["alt"])) > 40 for image in reader.all("img"))
    assert len(reader.all("caption")) == len(reader.all("table")) > 0
    assert all(head["scope"] in ("col", "row") for head in reader.all("th"))
    assert "prefers-color-scheme: dark" in page


def test_names_cannot_smuggle_markup_into_a_page() -> None:
    text = "<script>alert(1)</script> `a<b` **c**"
    section = Section(
        text, "x", (Paragraph(text), Items((text,)), Table(text, [text], [[text, text]]))
    )
    page = html_page(Document(text, (section,)))
    assert not Reader(page).all("script")
    assert "<code>a&lt;b</code> <strong>c</strong>" in page
    assert inline('"`**x**`"') == "&quot;<code>**x**</code>&quot;"


def test_a_page_of_20_solvers_on_30_environments_stays_readable(
    many: Callable[..., list[Results]],
) -> None:
    collected = many(20, 30, 2)
    together = overall(collected)
    assert together is not None
    everything = overall_section(together, collected)
    one = environment_section(collected[0], 1)
    sections = [
        replace(one, title=results.title, anchor=f"environment-{place}", blocks=one.blocks[:-2])
        for place, results in enumerate(collected, start=1)
    ]
    page = html_page(Document("Report", (everything, *sections)))
    reader = Reader(page)
    assert len(reader.all("a")) == 31
    assert len(page) < 10e6
    standings, matrix = (block for block in everything.blocks if isinstance(block, Table))
    assert len(standings.rows) == 20
    assert len(matrix.rows) == 30
    assert all(len(row) == 21 for row in matrix.rows)


def test_all_environments_together_read_like_one(many: Callable[..., list[Results]]) -> None:
    results = many(3, 1)
    together = overall(results)
    assert together is not None
    pooled = next(
        block for block in overall_section(together, results).blocks if isinstance(block, Table)
    )
    columns = zip(*full_rows(results[0]), strict=True)
    single = dict(zip(full_headings(results[0]), columns, strict=True))
    for head, cells in zip(pooled.heads, zip(*pooled.rows, strict=True), strict=True):
        if head.startswith("evaluations to"):
            assert cells == single[head]


def test_fronts_hold_the_best_of_all_runs_of_a_solver(runs: list[Run]) -> None:
    results = collect(runs[:5])[0]
    assert quantities(results) == ["size", "macs"]
    for quantity in quantities(results):
        for front in solver_fronts(results, quantity):
            own = [run for run in runs[:5] if run.solver == front.solver]
            assert front.accuracies[-1] == max(max(run.accuracies) for run in own)
            assert front.costs[0] == min(min(run.costs[quantity]) for run in own)
            assert (front.accuracies[1:] > front.accuracies[:-1]).all()
    assert {front.solver for front in solver_fronts(results, "macs")} == {"random", "shallow"}


def test_a_report_on_references_alone_draws_no_fronts(runs: list[Run]) -> None:
    results = collect([run for run in runs[:5] if run.solver in ("uniform", "exact")])
    assert pareto_fronts(results[0]) is None
    section = environment_section(results[0], 1)
    names = [picture.name for picture in Document("", (section,)).pictures()]
    assert "learning_curves.png" in names
    assert "fronts.png" not in names


def test_a_page_says_where_score_1_is_not_a_proved_optimum(runs: list[Run]) -> None:
    unproved = [replace(run, certificate="gap 1.2e-04") for run in runs[:1]]
    for given, expected in ((runs[:1], False), (unproved, True)):
        text = markdown_page(Document("", environment_section(collect(given)[0], 1).blocks[:1]))
        assert ("best known design: gap 1.2e-04." in text) == expected


def test_fronts_mark_no_optimum_where_there_is_none(runs: list[Run]) -> None:
    (known, *_) = collect(runs)
    assert "and the optimum" in fronts_text(known)
    assert "optimum" not in fronts_text(replace(known, optimum=None))
