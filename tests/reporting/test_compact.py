"""Compact records: the same curves in less space."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.errors import ArgumentError
from hwenvs.reporting.compact import compact, expanded, read_compact, write_compact
from hwenvs.reporting.markdown import markdown_page
from hwenvs.solving import solve
from hwenvs.solving.records import Run

ID = "AMC-ResNet20-v0"


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    names = ("random", "regularized-evolution")
    return [solve(name, ID, evaluations=60, seed=seed) for name in names for seed in (0, 1)]


def test_curves_survive(runs: list[Run], tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl.gz"
    write_compact(path, runs[::-1])
    found = read_compact(path)
    assert [(run.solver, run.seed) for run in found] == [(run.solver, run.seed) for run in runs]
    for run, again in zip(runs, found, strict=True):
        assert np.array_equal(run.best_so_far(), again.best_so_far())
        assert np.array_equal(np.maximum.accumulate(run.rewards), again.rewards)
        assert again.accuracies[-1] == run.accuracies[run.best]
        assert again.hyperparameters == run.hyperparameters


def test_equal_runs_give_equal_bytes(runs: list[Run], tmp_path: Path) -> None:
    for name, order in (("a", runs), ("b", runs[::-1])):
        write_compact(tmp_path / name, order)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_best_design_is_kept(runs: list[Run]) -> None:
    record = compact(runs[0])
    assert record["design"] == runs[0].designs[runs[0].best]
    assert record["improvements"][-1][1] == max(runs[0].rewards)
    assert record["done"] == 60


def test_runs_without_scores_stay_without() -> None:
    bare = Run("random", ID, {}, 0, 3, [[1], [2], [3]], [0.2, 0.1, 0.3], [0.2, 0.1, 0.3])
    again = expanded(compact(bare))
    assert again.scores is None
    assert again.rewards == [0.2, 0.2, 0.3]


def test_damaged_files_are_refused(runs: list[Run], tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl.gz"
    with pytest.raises(ArgumentError, match="cannot read"):
        read_compact(path)
    path.write_bytes(b"no gzip")
    with pytest.raises(ArgumentError, match=r"runs\.jsonl\.gz"):
        read_compact(path)
    with pytest.raises(ArgumentError, match="not a compact record"):
        expanded({**compact(runs[0]), "improvements": 3})
    for done, first in ((1, 1), (60, 3)):
        steps = [[first, 0.1, 0.1, 0.1], [first + 4, 0.2, 0.2, 0.2]]
        with pytest.raises(ArgumentError, match="must begin at evaluation 1, rise, and end"):
            expanded({**compact(runs[0]), "done": done, "improvements": steps})
    with pytest.raises(ArgumentError, match="seconds"):
        expanded({key: value for key, value in compact(runs[0]).items() if key != "seconds"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"improvements": [[1, "x", 0.1, 0.1]]}, r"rewards\[0\]: .* valid number, not 'x'"),
        ({"seconds": "long"}, "seconds: .* valid number, not 'long'"),
        ({"certificate": 5}, "certificate: .* valid string, not 5"),
    ],
)
def test_values_of_another_type_are_told_with_file_line_and_run(
    runs: list[Run], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "runs.jsonl.gz"
    records = [compact(runs[0]), {**compact(runs[1]), **changes}]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, records)).encode()))
    place = rf"runs\.jsonl\.gz: line 2: not a .*: random on {ID}, seed 1: "
    with pytest.raises(ArgumentError, match=place + message):
        read_compact(path)


def test_the_page_of_reference_results_is_up_to_date(script: Callable[[str], Any]) -> None:
    pytest.importorskip("matplotlib")
    generate = script("docs/generate_reference.py")
    made = generate.document(generate.read())
    assert generate.PAGE.read_text(encoding="utf-8") == markdown_page(made), (
        "docs/reference.md is stale: run python docs/generate_reference.py"
    )
    assert all((generate.HERE / picture.name).is_file() for picture in made.pictures())


def test_the_scores_in_the_readme_are_those_of_the_reference_results(
    script: Callable[[str], Any],
) -> None:
    generate = script("docs/generate_reference.py")
    medians = {
        (one.environment, entry.solver): entry.median
        for one in generate.read()
        if not one.arguments
        for entry in one.summaries
    }
    text = (generate.HERE.parent / "README.md").read_text(encoding="utf-8")
    table = text.partition("| median score |")[2].partition("\n\n")[0]
    heads, _, *rows = [[cell.strip(" `") for cell in line.split("|")] for line in table.split("\n")]
    environments = [f"AMC-{head.replace('-', '')}-v0" for head in heads if head]
    shown = [(solver, *zip(environments, row, strict=False)) for _, solver, *row in rows]
    assert len(shown) >= 4
    for solver, *cells in shown:
        for environment, cell in cells:
            digits = len(cell.partition(".")[2])
            assert cell == f"{medians[environment, solver]:.{digits}f}", (solver, environment)
