"""The page of the small board, opened in a browser from disk."""

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

DESKTOP = (1280, 900)

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
