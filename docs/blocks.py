"""Parts of pages that scripts fill: what stands between two comments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path


def filled(page: Path, blocks: Mapping[str, Callable[[], str]]) -> str:
    """``page`` with new text between ``<!-- generated: NAME -->`` and the next ``<!-- end -->``."""
    text = page.read_text(encoding="utf-8")
    for name, make in blocks.items():
        begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
        pattern = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
        block = f"{begin}\n{make().strip()}\n{end}"
        text, count = pattern.subn(lambda _, block=block: block, text)
        assert count == 1, f"{page.name} has no place for {name}"
    return text
