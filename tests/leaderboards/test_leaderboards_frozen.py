"""Suites name environments of this package and tables: reading a stranger's runs nothing of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hwenvs.errors import DataError, HwenvsError
from hwenvs.leaderboards.dynamics import stale
from hwenvs.leaderboards.frozen import Task
from hwenvs.leaderboards.suites import TraceSuite, read_suite

ID = "AMC-ResNet20-v0"


def changed(suite: TraceSuite, **changes: Any) -> TraceSuite:
    """A suite with another first task, which nothing has checked yet."""
    return suite.model_copy(
        update={"tasks": [suite.tasks[0].model_copy(update=changes), suite.tasks[1]]}
    )


def made(suite: TraceSuite, **changes: Any) -> Task:
    return Task.model_validate({**suite.tasks[0].model_dump(), **changes})


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that anybody could have on the path."""
    (tmp_path / "imported_by_a_suite.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    return "imported_by_a_suite"


def test_a_suite_that_names_a_module_is_refused_and_the_module_not_imported(
    module: str, tmp_path: Path, small_suite: TraceSuite
) -> None:
    forged = changed(small_suite, environment=f"{module}:{ID}")
    path = tmp_path / "small-v1.json"
    path.write_bytes(forged.text.encode())
    with pytest.raises(DataError, match=r"tasks\.0\.environment: String should match"):
        read_suite(path)
    # However it was made: the table of ids is all that is asked.
    assert "unknown environment" in stale(forged)[0]
    assert module not in sys.modules


@pytest.mark.parametrize("name", ["CartPole-v1", "MO-AMC-ResNet20-v0", "AMC-Generalist-v0"])
def test_environments_are_those_of_the_package(name: str, small_suite: TraceSuite) -> None:
    with pytest.raises(HwenvsError, match=f"unknown environment '{name}'"):
        made(small_suite, environment=name).problem()


@pytest.mark.parametrize(
    "arguments",
    [
        {"proxy": "/tmp/x.npz"},
        {"proxy": "x.npz"},
        {"proxy": "measured"},
        {"proxy": "supernet"},
        {"proxy": {"name": "measured", "weights": "here"}},
        {"proxy": ["surrogate"]},
        {"hardware": "../mine.json"},
        {"hardware": {"name": "lookup", "table": "/etc/passwd"}},
        {"hardware": ["http://example.org"]},
        {"module": "package:Class"},
        {"a/b": 1},
        {"budget": float("inf")},
        {"cost": "late ncy"},
        {"cost": "latency\n"},
    ],
    ids=str,
)
def test_arguments_name_no_files_and_nothing_measured(
    arguments: dict[str, Any], small_suite: TraceSuite
) -> None:
    with pytest.raises(ValidationError, match=r"arguments are numbers and words|proxy must be one"):
        made(small_suite, arguments=arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"hardware": "bismo-edge", "cost": "latency", "budget": 0.6},
        {"hardware": {"name": "roofline", "preset": "v100"}, "floor": None},
        {"budget": {"latency": 0.5, "size": 0.65}, "constraint": "backoff", "proxy": "surrogate"},
    ],
    ids=str,
)
def test_what_environments_are_made_of_may_be_said(
    arguments: dict[str, Any], small_suite: TraceSuite
) -> None:
    assert made(small_suite, arguments=arguments).arguments == arguments


def test_environments_that_measure_are_refused_before_they_are_made(
    small_suite: TraceSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hwenvs.leaderboards.frozen.make_problem", pytest.fail)
    with pytest.raises(DataError, match="AMC-DigitsLeNet-v0 is measured, not read from tables"):
        made(small_suite, environment="AMC-DigitsLeNet-v0", arguments={}).problem()
