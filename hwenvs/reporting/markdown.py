"""A report as Markdown, with its figures in files beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hwenvs.reporting.blocks import Block, Document, Items, Paragraph, Picture, Table
from hwenvs.reporting.table import markdown


def markdown_page(document: Document) -> str:
    """The whole report."""
    return "\n".join([f"# {document.title}\n", *_parts(document.blocks, 2)])


def figures_of(text: str) -> set[str]:
    """Names of the files of figures that a page of :func:`markdown_page` shows."""
    return set(re.findall(r"^!\[[^\]]*\]\(([\w-]+\.png)\)$", text, re.MULTILINE))


def _parts(blocks: Sequence[Block], level: int) -> list[str]:
    parts = []
    for block in blocks:
        if isinstance(block, Paragraph):
            parts.append(f"{block.text}\n")
        elif isinstance(block, Items):
            parts.append("".join(f"- {text}\n" for text in block.texts))
        elif isinstance(block, Table):
            parts.append(f"{markdown(block.heads, block.rows)}\n*{block.caption}*\n")
        elif isinstance(block, Picture):
            alt = block.alt.replace("[", "(").replace("]", ")")
            parts.append(f"![{alt}]({block.name})\n\n*{block.caption}*\n")
        else:
            parts.append(f"{'#' * level} {block.title}\n")
            parts += _parts(block.blocks, level + 1)
    return parts
