"""Everything on the page can be reached and read: links, keyboard, readers, phones, no scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]
DESKTOP, PHONE = (1280, 900), (360, 740)
SUITE = "small-v1"
TABLE = "table.ranking"


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


def test_without_scripts_everything_is_readable(open_page: Open) -> None:
    for size in (DESKTOP, PHONE):
        page = open_page(size, java_script_enabled=False)
        assert page.locator(f"{TABLE} tbody tr:visible th a").count() == 3
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
