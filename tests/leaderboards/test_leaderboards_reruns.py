"""What the log says was run again: runs of the suite, and nothing where nothing was shown."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from hwenvs.canonical import canonical
from hwenvs.errors import EntryError
from hwenvs.leaderboards.board import LOG, check_board
from hwenvs.leaderboards.difference import difference
from hwenvs.leaderboards.log import append, head, read_log

TASK = "HAQ-ResNet20-v0"


def add_line(board: Path, **changes: Any) -> None:
    """Adds a line that follows, made of the first one, which is about ``small-v1/random``."""
    fields = read_log(board / LOG)[0].model_dump(mode="json")
    with (board / LOG).open("ab") as file:
        file.write(canonical({**fields, "number": 4, "previous": head(board / LOG), **changes}))
        file.write(b"\n")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"badge": "replayed", "reruns": [[TASK, 3]]}, "nothing is run again for the badge"),
        ({"reruns": [["<b>x</b>", 3]]}, "reruns.0.0: String should match"),
        ({"reruns": [["\u202eabc", 3]]}, "reruns.0.0: String should match"),
        ({"reruns": [[TASK, -5]]}, "reruns.0.1: Input should be greater than or equal to 0"),
        ({"suite": "<b>"}, "suite: String should match"),
        ({"entry": "x\n::error::"}, "entry: String should match"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_that_cannot_be_true_is_refused(
    changes: dict[str, Any], message: str, board: Path, tmp_path: Path
) -> None:
    before = shutil.copytree(board, tmp_path / "before")
    add_line(board, **changes)
    with pytest.raises(EntryError, match=message) as caught:
        read_log(board / LOG)
    assert str(caught.value).isprintable()
    (fault,) = difference(before, board, maintainer=True).faults
    assert message in fault


@pytest.mark.parametrize("rerun", [("no-such-env", 3), (TASK, 10**30), (TASK, 77)])
def test_a_run_that_the_suite_does_not_ask_for_is_a_fault(
    rerun: tuple[str, int], board: Path
) -> None:
    add_line(board, reruns=[[TASK, 3], list(rerun)])
    key, seed = rerun
    assert check_board(board, board / "suites").faults == [
        f"small-v1/random: log line 4 runs {key} with seed {seed}, which the suite lacks"
    ]


def test_nothing_of_a_policy_is_run_again(policy_board: Path) -> None:
    verdicts = check_board(policy_board, policy_board / "suites").verdicts
    append(policy_board / LOG, verdicts["bits-v1", "five-bits"], "reproduced", [("haq-test", 0)])
    (fault,) = check_board(policy_board, policy_board / "suites").faults
    assert "runs haq-test with seed 0, which the suite lacks" in fault
