"""Rankings sorted and filtered in a browser: by mouse, by keyboard, on phones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = (360, 740)
Open = Callable[..., "Page"]
TABLE = "table.ranking"


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


def test_phones_sort_and_filter_too(open_page: Open) -> None:
    page = open_page(PHONE)
    sort_by(page, "Entry")
    assert names(page) == sorted(names(page))
    page.get_by_label("Filter by name, method or track").fill("uniform")
    assert names(page) == ["uniform"]
    assert page.get_by_text("Interquartile mean").first.is_visible()
