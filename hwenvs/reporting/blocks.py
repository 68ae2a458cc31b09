"""What a report is made of, before it is Markdown or HTML.

Texts may hold ``code`` in backticks and **strong** words, as in Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Paragraph:
    """A text."""

    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Items:
    """A list of texts."""

    kind: ClassVar[str] = "items"
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes:
        caption: what it shows.
        heads: [C] of the columns.
        rows: [R][C] cells.
    """

    kind: ClassVar[str] = "table"
    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes:
        name: of its file.
        alt: what it shows, for people who cannot see it.
        caption: how to read it.
        data: the PNG.
        width: in inches.
    """

    kind: ClassVar[str] = "picture"
    name: str
    alt: str
    caption: str
    data: bytes
    width: float


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it.

    Attributes:
        title: the heading.
        anchor: what links to it say.
        blocks: in order; sections within are one level lower.
        folded: whether a page may show the heading only, until it is asked for the rest.
    """

    kind: ClassVar[str] = "section"
    title: str
    anchor: str
    blocks: tuple[Block, ...]
    folded: bool = False


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    blocks: tuple[Block, ...]

    @property
    def sections(self) -> tuple[Section, ...]:
        """Of the highest level."""
        return tuple(block for block in self.blocks if isinstance(block, Section))

    def pictures(self) -> list[Picture]:
        """All figures, in order."""
        return list(_pictures(self.blocks))


Block = Paragraph | Items | Table | Picture | Section


def _pictures(blocks: Sequence[Block]) -> Iterator[Picture]:
    for block in blocks:
        if isinstance(block, Picture):
            yield block
        elif isinstance(block, Section):
            yield from _pictures(block.blocks)
