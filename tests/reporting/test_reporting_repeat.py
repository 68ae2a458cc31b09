"""How a report says its runs can be made again."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from hwenvs.cli.options import environment_arguments
from hwenvs.reporting.sections import OPTIONS
from hwenvs.solving import solve

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from hwenvs.reporting.report import write_report

ID = "AMC-ResNet20-v0"


@pytest.mark.parametrize(
    "arguments", [{"budget": {"macs": 0.5, "size": 0.6}}, {"budget": 0.6, "round_to": 4}]
)
def test_what_the_command_line_cannot_say_is_repeated_in_python(
    arguments: dict[str, Any], tmp_path: Path
) -> None:
    run = solve("random", ID, 3, 1, **arguments)
    (tmp_path / "report").mkdir()
    write_report([run], tmp_path / "report")
    text = (tmp_path / "report" / "report.md").read_text()
    found = re.search(r"^- `(\[solve\(.*\])` *$", text, re.MULTILINE)
    assert found is not None
    (again,) = eval(found[1], {"solve": solve})
    assert again.designs == run.designs


def test_commands_have_options_for_what_they_are_told_to_repeat() -> None:
    assert inspect.signature(environment_arguments).parameters.keys() == OPTIONS
