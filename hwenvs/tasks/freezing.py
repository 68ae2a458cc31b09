"""Freezes rules: certifies every combination, and keeps those on which designs differ.

::

    python -m hwenvs.tasks.freezing amc haq

writes ``frozen/NAME.json`` beside this module.  Combinations that are there already are kept, so it
can be stopped and started; ``--fresh`` begins anew, as it must after a table has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

from hwenvs.errors import BudgetError
from hwenvs.files import replacing
from hwenvs.networks import get_network
from hwenvs.problems import FAMILIES
from hwenvs.problems.chain import ChainProblem
from hwenvs.proxies import table_path
from hwenvs.tasks.certificates import frozen_content, frozen_path
from hwenvs.tasks.compiled import certify
from hwenvs.tasks.rules import RULES, Rule
from hwenvs.tasks.task import KINDS, Task

SMALLEST_SPAN = 0.01
"""Points of accuracy between the uniform and the best design, below which scores say little."""


def freeze(rule: Rule, fresh: bool = False) -> Iterator[tuple[Task, str]]:
    """Certifies the combinations of ``rule`` and writes them when all are done, or on the way.

    Yields:
        Every combination that was not there yet, and what became of it.
    """
    before: dict[str, Any] = {} if fresh else dict(frozen_content(rule.name))
    kept: dict[str, Any] = dict(before.get("tasks", {}))
    left_out: dict[str, str] = dict(before.get("left_out", {}))
    wanted = [*rule.train(), *rule.test()]
    for number, task in enumerate(wanted):
        if task.id in kept or task.id in left_out:
            continue
        row, verdict = _tried(task)
        if row is None:
            left_out[task.id] = verdict
        else:
            kept[task.id] = row
        yield task, verdict
        if number % 20 == 0:
            _write(rule, wanted, kept, left_out)
    _write(rule, wanted, kept, left_out)


def table_hash(kind: str, network: str) -> str:
    """Which table of accuracies a task rests on."""
    path = table_path(get_network(network), KINDS[kind].family)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _tried(task: Task) -> tuple[dict[str, Any] | None, str]:
    """What to keep of a task (None: nothing), and why."""
    started = time.perf_counter()
    try:
        problem = FAMILIES[KINDS[task.kind].family](**task.arguments)
    except BudgetError:
        return None, "no design meets the budget"
    assert isinstance(problem, ChainProblem)
    found = certify(problem)
    if found.span < SMALLEST_SPAN:
        return None, f"the best design is {max(100 * found.span, 0.0):.2f} points above uniform"
    row = {
        "reference": found.reference,
        "optimum": found.optimum,
        "proved": found.proved,
        "horizon": found.horizon,
    }
    return row, f"{100 * found.span:.1f} points, {time.perf_counter() - started:.2f} s"


def _write(rule: Rule, wanted: list[Task], kept: dict[str, Any], left_out: dict[str, str]) -> None:
    networks = (*rule.train_networks, *rule.test_networks)
    content = {
        "rule": rule.name,
        "smallest_span": SMALLEST_SPAN,
        "tables": {network: table_hash(rule.kind, network) for network in networks},
        "tasks": {task.id: kept[task.id] for task in wanted if task.id in kept},
        "left_out": {task.id: left_out[task.id] for task in wanted if task.id in left_out},
    }
    with replacing(frozen_path(rule.name)) as path:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    frozen_content.cache_clear()


def main() -> None:
    """The command."""
    from hwenvs.cli.console import output

    parser = argparse.ArgumentParser(description="Certify the tasks of rules.")
    parser.add_argument("rules", nargs="*", default=list(RULES), choices=list(RULES))
    parser.add_argument("--fresh", action="store_true", help="forget what is there")
    given = parser.parse_args()
    for name in given.rules:
        for task, verdict in freeze(RULES[name], given.fresh):
            output().print(f"{task.id}: {verdict}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
