"""The page on tasks: its tables follow from the data, its code runs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_tables_of_the_page_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate_tasks", ROOT / "docs/generate_tasks.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
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
