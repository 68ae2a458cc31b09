"""The page from a board: equal boards give equal bytes, whenever and wherever it is rendered."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from hwenvs.errors import EntryError, MissingExtraError
from hwenvs.files import replacing
from hwenvs.leaderboards.board import PAGE, Board

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
TEMPLATE, STYLE, SCRIPT = "template.html.j2", "style.css", "script.js"


def render(board: Board) -> str:
    """A board as one HTML file that loads nothing.

    Everything that entries say is escaped, and a content security policy lets no script run but
    the page's own.

    Args:
        board: without faults.

    Raises:
        EntryError: if the board has faults.
        MissingExtraError: without jinja2.
    """
    if board.faults:
        raise EntryError(
            f"a board with {len(board.faults)} faults is not shown; the first: {board.faults[0]}"
        )
    environment = _environment()
    from markupsafe import Markup

    from hwenvs.leaderboards.page.colours import style_sheet
    from hwenvs.leaderboards.page.text import fixed
    from hwenvs.leaderboards.page.views import page
    from hwenvs.leaderboards.ranking import THRESHOLD

    script = (FOLDER / SCRIPT).read_text(encoding="utf-8")
    style = style_sheet() + (FOLDER / STYLE).read_text(encoding="utf-8")
    return environment.get_template(TEMPLATE).render(
        page=page(board),
        threshold=fixed(THRESHOLD, 2),
        # Files of this package, not of entries.
        script=Markup(script),
        style=Markup(style),
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )


def write(board: Board) -> Path:
    """Writes the page of a board to its folder, in one atomic step.

    Raises:
        EntryError: if the board has faults.
        MissingExtraError: without jinja2.
    """
    path = board.folder / PAGE
    # Bytes, so that no system changes line ends.
    content = render(board).encode()
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def _environment() -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("HTML pages need jinja2: pip install 'hwenvs[plot]'") from error
    from hwenvs.leaderboards.page import text

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=text.clean,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for function in (text.fixed, text.percent, text.effort, text.duration, text.sort_key):
        environment.filters[function.__name__] = function
    return environment
