"""The leaderboard's page in a browser, from disk: sorting, filtering, links, keyboard, phones."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hwenvs.leaderboards.board import check_board
from hwenvs.leaderboards.page import write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DESKTOP, PHONE = (1280, 900), (360, 740)
SUITE = "small-v1"
TABLE = "table.ranking"

PATIENCE = 120_000
"""Milliseconds that a busy machine gets for what takes a fraction of a second."""

Open = Callable[..., "Page"]


def _executable() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def address(board_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    checked = check_board(
        shutil.copytree(board_folder, folder / "board"), suites=board_folder / "suites"
    )
    return write(checked).as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright: pip install 'hwenvs[dev]'"
    )
    executable = _executable()
    if executable is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    # Chromium refuses its sandbox to root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=executable, args=arguments)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Open]:
    """Opens the page in a fresh window; whatever it complains about or asks for fails the test."""
    complaints: list[str] = []
    windows = []

    def opened(size: tuple[int, int] = DESKTOP, **settings: Any) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        window = browser.new_context(viewport=viewport, **settings)  # type: ignore[arg-type]
        windows.append(window)
        window.set_default_timeout(PATIENCE)
        page = window.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.partition("#")[0] == address or complaints.append(request.url)
            ),
        )
        page.goto(address)
        return page

    yield opened
    for window in windows:
        window.close()
    assert not complaints


def names(page: Page) -> list[str]:
    """Of the entries in the table that are shown, in order."""
    rows = page.locator(f"{TABLE} tbody tr:visible th a")
    return rows.all_text_contents()


def sort_by(page: Page, column: str) -> None:
    page.locator(f"{TABLE} thead").get_by_role("button", name=column).click()


def sorted_column(page: Page, column: str) -> str | None:
    head = page.locator(f"{TABLE} thead th").filter(has_text=column)
    return head.get_attribute("aria-sort")


def test_clicks_sort_the_table_and_say_so(open_page: Open) -> None:
    page = open_page()
    ranked = names(page)
    assert len(ranked) == 3
    assert sorted_column(page, "Tier") == "ascending"
    sort_by(page, "Entry")
    assert names(page) == sorted(ranked)
    assert sorted_column(page, "Entry") == "ascending"
    assert sorted_column(page, "Tier") is None
    assert page.get_by_role("status").first.text_content() == "Sorted by Entry, ascending."
    sort_by(page, "Entry")
    assert names(page) == sorted(ranked, reverse=True)
    sort_by(page, "Interquartile mean")
    assert names(page) == ranked, "best first at the first click"
    sort_by(page, "Interquartile mean")
    assert names(page) == ranked[::-1]
    sort_by(page, "Effective runs")
    assert names(page)[-1] == "uniform", "1 of 10 after 10 of 10: numbers, not words"
    sort_by(page, "Tier")
    assert names(page) == ranked


def test_the_keyboard_sorts_as_well(open_page: Open) -> None:
    page = open_page()
    page.locator(f"{TABLE} thead").get_by_role("button", name="Entry").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert sorted_column(page, "Entry") == "descending"
    assert names(page) == sorted(names(page), reverse=True)
    focused = page.evaluate("document.activeElement.textContent")
    assert focused == "Entry", "focus stays where it was"


def test_the_filter_finds_names_methods_and_tracks(open_page: Open) -> None:
    page = open_page()
    box = page.get_by_label("Filter by name, method or track")
    status = page.get_by_role("status").first
    box.fill("EVOLUTION")
    assert names(page) == ["regularized-evolution"]
    assert status.text_content() == "1 of 3 entries shown."
    box.fill("bundled uniform")
    assert names(page) == ["uniform"]
    box.fill("search")
    assert len(names(page)) == 3
    box.fill("nothing of the kind")
    assert names(page) == []
    assert status.text_content() == "0 of 3 entries shown."
    sort_by(page, "Entry")
    box.fill("")
    assert names(page) == sorted(names(page))
    assert len(names(page)) == 3


def test_every_link_of_the_page_leads_somewhere_visible(open_page: Open) -> None:
    page = open_page()
    targets = page.locator('a[href^="#"]').evaluate_all("links => links.map(a => a.hash.slice(1))")
    assert len(set(targets)) > 10
    for target in sorted(set(targets)):
        found = page.evaluate(
            "id => document.getElementById(decodeURIComponent(id))?.getClientRects().length", target
        )
        assert found, target
    page.locator(f"{TABLE} tbody").get_by_role("link", name="uniform").click()
    assert page.url.endswith(f"#{SUITE}/entry/uniform")
    expect = pytest.importorskip("playwright.sync_api").expect
    expect(page.get_by_role("heading", name="uniform")).to_be_in_viewport()


def test_the_first_tab_skips_to_the_tables(open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the tables")
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0, "visible once focused"
    assert "none" not in page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_focused_entry_lights_its_curve_and_band(open_page: Open) -> None:
    page = open_page()
    pair = page.locator(".pair").first
    band = pair.locator('.curve[data-entry="uniform"] .band')
    assert band.evaluate("path => getComputedStyle(path).opacity") == "0"
    pair.get_by_role("link", name="uniform").focus()
    lit = pair.locator(".curve.lit")
    assert lit.get_attribute("data-entry") == "uniform"
    expect = pytest.importorskip("playwright.sync_api").expect
    expect(lit.locator(".band")).to_have_css("opacity", "0.2")
    page.locator("summary").first.focus()
    assert pair.locator(".curve.lit").count() == 0
    pair.get_by_role("link", name="random").hover()
    assert pair.locator(".curve.lit").get_attribute("data-entry") == "random"


def test_all_decisions_are_there_to_read(open_page: Open) -> None:
    page = open_page()
    summary = page.locator(".environment summary").first
    table = page.get_by_role("table", name="Decisions of HAQ-ResNet20-v0")
    assert table.count() == 0
    summary.focus()
    page.keyboard.press("Enter")
    table.wait_for(state="visible")
    assert table.get_by_role("row").count() == 37


def test_a_screen_reader_meets_a_table_on_every_screen(open_page: Open) -> None:
    for size in (DESKTOP, PHONE):
        page = open_page(size)
        table = page.get_by_role("table", name=f"Ranking of {SUITE}")
        assert table.get_by_role("columnheader").count() == 10
        assert table.get_by_role("rowheader").count() == 3
        assert table.get_by_role("cell").count() == 27


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_fit_the_screen_in_both_schemes(
    open_page: Open, size: tuple[int, int], scheme: str, tmp_path: Path
) -> None:
    page = open_page(size, color_scheme=scheme)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0], "nothing to scroll sideways but what scrolls by itself"
    cut = page.locator(f"{TABLE} td").evaluate_all(
        "(cells, width) => cells.filter(c => c.getBoundingClientRect().right > width).length",
        size[0],
    )
    assert cut == 0, "the whole ranking is on the screen"
    shot = tmp_path / "page.png"
    page.screenshot(path=shot, full_page=True)
    assert shot.stat().st_size > 20_000
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 27)")


def test_phones_sort_and_filter_too(open_page: Open) -> None:
    page = open_page(PHONE)
    sort_by(page, "Entry")
    assert names(page) == sorted(names(page))
    page.get_by_label("Filter by name, method or track").fill("uniform")
    assert names(page) == ["uniform"]
    assert page.get_by_text("Interquartile mean").first.is_visible()


def test_without_scripts_everything_is_readable(open_page: Open) -> None:
    for size in (DESKTOP, PHONE):
        page = open_page(size, java_script_enabled=False)
        assert len(names(page)) == 3
        assert page.locator(".filter:visible").count() == 0, "what cannot work is not shown"
        assert page.locator("button").count() == 0
        assert page.locator("svg.curves").first.is_visible()
        page.locator(f"{TABLE} tbody").get_by_role("link", name="uniform").click()
        assert page.url.endswith(f"#{SUITE}/entry/uniform")


def test_those_who_want_no_motion_get_none(open_page: Open) -> None:
    still = open_page(reduced_motion="reduce")
    script = "getComputedStyle(document.documentElement).scrollBehavior"
    assert still.evaluate(script) == "auto"
    assert open_page(reduced_motion="no-preference").evaluate(script) == "smooth"


def test_foreign_scripts_do_not_run(open_page: Open, address: str) -> None:
    """The policy stands even if something got through the escaping."""
    page = open_page()
    path = Path(address.removeprefix("file://"))
    attacked = path.with_name("attacked.html")
    foreign = "<script>document.title = 'taken'</script></main>"
    attacked.write_text(path.read_text(encoding="utf-8").replace("</main>", foreign))
    window = page.context.browser.new_context()  # type: ignore[union-attr]
    other = window.new_page()
    other.goto(attacked.as_uri())
    assert other.title() == "hwenvs leaderboards"
    assert other.locator("thead button").count() == 10, "the page's own script runs"
    window.close()
