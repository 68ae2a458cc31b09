"""The page of the small board, and what reads its tags."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from hwenvs.leaderboards.board import Board, check_board
from hwenvs.leaderboards.page import render

VOID = {"meta", "input", "link", "br", "img", "path", "circle"}


class Reader(HTMLParser):
    """Tags with their attributes, the text, and whether every tag is closed by its own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.stack: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if not {"style", "script"} & set(self.stack):
            self.words.append(data)

    def all(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag == name]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="session")
def read() -> type[Reader]:
    """What reads a page."""
    return Reader


@pytest.fixture(scope="session")
def checked(board_folder: Path) -> Board:
    """The board of :func:`board_folder`."""
    found = check_board(board_folder, suites=board_folder / "suites")
    assert not found.faults
    return found


@pytest.fixture(scope="session")
def page(checked: Board) -> str:
    """Its page."""
    return render(checked)


@pytest.fixture(scope="session")
def reader(page: str) -> Reader:
    """That page, read."""
    return Reader(page)
