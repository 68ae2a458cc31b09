"""Cells: what an entry did on one environment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwenvs.leaderboards.ranking import THRESHOLD
from hwenvs.leaderboards.suites import Family, Suite, Task
from hwenvs.leaderboards.verify import Judged
from hwenvs.reporting.statistics import evaluations_to, median, median_effort


@dataclass(frozen=True)
class Cell:
    """What an entry did on one environment.

    Attributes:
        environment: anchor of the environment, or of the family of tasks.
        judged: the verifier's findings.
        middle, low, high: median and quartiles of the final scores.
        best: score of the best design of all runs; None without runs.
        effort: median evaluations to the threshold.
        solved: runs that reach it.
    """

    environment: str
    judged: Judged
    middle: float
    low: float
    high: float
    best: float | None
    effort: float
    solved: int


def cell(place: str, judged: Judged) -> Cell:
    """What the verifier found of an entry on a task, in the numbers of its table.

    Args:
        place: anchor of the task's section.
        judged: what was found.
    """
    efforts = [evaluations_to(curve, THRESHOLD) for curve in judged.curves]
    low, high = np.quantile(judged.scores, [0.25, 0.75])
    return Cell(
        place,
        judged,
        float(median(judged.scores)),
        float(low),
        float(high),
        None if judged.reward is None else judged.task.score(judged.reward),
        median_effort(efforts),
        int(np.isfinite(efforts).sum()),
    )


def anchor(suite: Suite, task: Task | Family) -> str:
    """Id of the section of an environment or a family; no entry or suite can have the same."""
    return f"{suite.id}/environment/{task.key}"
