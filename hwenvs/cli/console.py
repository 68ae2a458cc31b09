"""Where commands write: results to standard output, everything else to standard error."""

from __future__ import annotations

from rich.console import Console

PIPED_WIDTH = 120
"""Characters a line where nobody's terminal sets the width."""


def output() -> Console:
    """For results."""
    return _console(stderr=False)


def notes() -> Console:
    """For notes, errors and progress."""
    return _console(stderr=True)


def _console(stderr: bool) -> Console:
    # Names hold colons, as in a:b:Class, and are no codes of pictures.
    console = Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, PIPED_WIDTH)
    return console
