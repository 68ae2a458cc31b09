"""A report as one HTML page that needs nothing else: styles and figures are inside."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

from hwenvs.errors import MissingExtraError
from hwenvs.reporting.blocks import Document

TEMPLATE = "page.html.j2"

PIXELS = 96.0
"""Of style sheets per inch."""

SMALLEST = 0.72
"""How far a figure may shrink on narrow screens before it scrolls instead."""


def html_page(document: Document) -> str:
    """The whole report; equal documents give equal texts.

    Raises:
        MissingExtraError: without jinja2.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("HTML pages need jinja2: pip install 'hwenvs[plot]'") from error
    from markupsafe import Markup

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["inline"] = lambda text: Markup(inline(text))
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    environment.filters["pixels"] = lambda inches: round(inches * PIXELS)
    environment.filters["smallest"] = lambda inches: round(inches * PIXELS * SMALLEST)
    return environment.get_template(TEMPLATE).render(document=document)


def inline(text: str) -> str:
    """``text`` as HTML: everything escaped, code and strong words marked."""
    parts = re.split(r"`([^`]+)`", text)
    for place, part in enumerate(parts):
        escaped = html.escape(part)
        if place % 2:
            parts[place] = f"<code>{escaped}</code>"
        else:
            parts[place] = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escaped)
    return "".join(parts)
