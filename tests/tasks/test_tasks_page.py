"""The page on tasks: its tables follow from the data, its code runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def test_the_tables_of_the_page_are_up_to_date(script: Callable[[str], Any]) -> None:
    generate = script("docs/generate_tasks.py")
    assert generate.PAGE.read_text(encoding="utf-8") == generate.page(), (
        "docs/tasks.md is stale: run python docs/generate_tasks.py"
    )


def test_the_code_of_the_page_runs() -> None:
    names: dict = {}
    text = (ROOT / "docs/tasks.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, "tasks.md", "exec"), names)
