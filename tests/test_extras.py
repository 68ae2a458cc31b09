"""Extras: the table of what brings a missing module is that of pyproject.toml."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hwenvs.errors import MissingExtraError
from hwenvs.extras import EXTRAS, missing_extra, require

if TYPE_CHECKING:
    from tests.conftest import Cli

PYPROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
DECLARED = PYPROJECT["project"]["optional-dependencies"]

MODULES = {"pillow": "PIL", "scikit_learn": "sklearn"}
"""Modules of packages that are called otherwise."""

WITHIN = {"gpytorch": "botorch"}
"""Modules that another one's package brings."""


def modules(extra: str) -> set[str]:
    """What an extra installs, with the extras that it names."""
    found = set()
    for requirement in DECLARED[extra]:
        own = re.match(r"hwenvs\[(.+)\]", requirement)
        if own:
            found |= set().union(*(modules(name) for name in own[1].split(",")))
        else:
            package = re.split(r"[\[<>=]", requirement)[0].replace("-", "_")
            found.add(MODULES.get(package, package))
    return found


@pytest.mark.parametrize("module", EXTRAS)
def test_an_extra_that_is_named_brings_the_module(module: str) -> None:
    for extra in EXTRAS[module]:
        assert WITHIN.get(module, module) in modules(extra)


def test_what_extras_bring_is_known() -> None:
    assert modules("all") <= EXTRAS.keys()


def test_the_extra_is_the_one_that_who_asks_needs_if_it_helps() -> None:
    error = ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")
    assert str(missing_extra(error, "x")) == "x needs torch: pip install 'hwenvs[measure]'"
    assert str(missing_extra(error, "x", "agents")) == "x needs torch: pip install 'hwenvs[agents]'"
    assert "hwenvs[measure]" in str(missing_extra(error, "x", "plot"))
    assert missing_extra(ModuleNotFoundError("No module", name="torchy"), "x") is None
    assert missing_extra(ModuleNotFoundError("No module"), "x") is None


def test_what_is_needed_in_the_end_is_looked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    require("x", "json", "numpy")
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"x needs jinja2: .*'hwenvs\[plot\]'"):
        require("x", "json", "jinja2")
    with pytest.raises(ModuleNotFoundError, match="No module named 'nowhere_at_all'"):
        require("x", "nowhere_at_all")


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "AMC-ResNet20-v0", "--solvers", "random", "--out", "report"),
        ("specialise", "HAQ-MobileNetV1-v0", "--out", "report"),
    ],
    ids=lambda words: words[0],
)
def test_nothing_is_computed_for_a_picture_that_nobody_could_draw(
    cli: Cli, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compute(*_: object, **__: object) -> None:
        raise AssertionError("computed")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("hwenvs.cli.options.load_problem", compute)
    monkeypatch.setattr("hwenvs.reporting.specialisation.specialise", compute)
    assert "needs matplotlib: pip install 'hwenvs[plot]'" in cli.fail(*words)
