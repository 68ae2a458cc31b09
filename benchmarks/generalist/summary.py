"""The summary: scores by what is new in the tasks and by method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from learners import COPIES, GROUPS
from lines import Row

from hwenvs.reporting.statistics import bootstrap_interval, interquartile_mean
from hwenvs.tasks import Distribution, Task

TRAINING = "training tasks"


def chosen(found: Distribution, most: int) -> dict[str, list[Task]]:
    """Tasks to compare on, evenly from the training tasks and each group of test tasks."""
    groups = {TRAINING: found.train, **found.groups()}
    picks = {}
    for name, tasks in groups.items():
        places = np.unique(np.linspace(0, len(tasks) - 1, min(most, len(tasks))).astype(int))
        picks[name if name == TRAINING else f"new {name}"] = [tasks[int(i)] for i in places]
    return picks


def by_method(rows: Sequence[Row]) -> dict[str, dict[str, list[float]]]:
    """Scores of all seeds, by method and task; trained policies are told by their evaluations."""
    scores: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        if "scores" in row:
            named = scores.setdefault(f"{row['method']} ({_used(row):,}), 1 design", {})
            for name, score in row["scores"].items():
                named.setdefault(name, []).append(score)
        for count, score in row.get("best", {}).items():
            named = scores.setdefault(f"{row['method']}, {count} designs", {})
            named.setdefault(row["task"], []).append(score)
    return scores


def _used(row: Row) -> int:
    """How many evaluations a policy was trained with.

    Those of the last step end together, some of them beyond the budget: of all copies that PPO
    walks at most.  It does not learn from the rollout that they end.  Whoever used still more is
    told by that.
    """
    used, budget = int(row["used"]), int(row["evaluations"])
    return budget if budget < used < budget + GROUPS * COPIES else used


def summarise(rows: Sequence[Row], groups: Mapping[str, Sequence[Task]]) -> Row:
    """By group and method: interquartile mean, interval, share of designs better than uniform."""
    summary: Row = {}
    for group, tasks in groups.items():
        summary[group] = {"tasks": [task.id for task in tasks], "methods": {}}
        for method, by_task in by_method(rows).items():
            strata = [by_task[task.id] for task in tasks if task.id in by_task]
            if len(strata) < len(tasks):
                continue  # not all done yet
            flat = np.concatenate(strata)
            summary[group]["methods"][method] = {
                "iqm": float(interquartile_mean(flat)),
                "interval": bootstrap_interval(strata, repetitions=2000),
                "median": float(np.median(flat)),
                "better_than_uniform": float(np.mean(flat > 0)),
                "runs": len(flat),
            }
    return summary


def report(summary: Row) -> None:
    """Prints a table."""
    for group, entry in summary.items():
        print(f"\n{group} ({len(entry['tasks'])} tasks)")
        for method, m in entry["methods"].items():
            low, high = m["interval"]
            better = f"{m['better_than_uniform']:.0%} better than uniform"
            print(f"  {method:34} {m['iqm']:7.3f} [{low:.3f}, {high:.3f}]  {better}")
