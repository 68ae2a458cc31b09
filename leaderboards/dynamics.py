"""The digest of an environment's dynamics: everything that a reward depends on.

A table with another byte, a hardware constant with another digit, a rule that decides otherwise:
each changes the digest, and a suite that was frozen with the old one is told so.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.canonical import digest
from hwenvs.errors import DataError, HwenvsError
from hwenvs.leaderboards.replay import walked
from hwenvs.leaderboards.suites import Family, PolicySuite, Suite, Task, TraceSuite, UnionSuite
from hwenvs.problems import Problem
from hwenvs.problems.chain import ChainProblem
from hwenvs.proxies import TABLES
from hwenvs.tasks import Tasks, distribution
from hwenvs.tasks.compiled import compile_task

GOLDEN_SEED = 20_190_101
GOLDEN_EPISODES = 16
"""Random episodes whose observations, designs and rewards are part of the digest."""


def dynamics(problem: Problem) -> str:
    """sha256 over what a problem's rewards and observations follow from.

    Its arguments, the bytes of its shipped accuracy table, the compiled tables (what every option
    costs, which holds the hardware's constants, and what it loses), budgets, and some golden
    episodes with everything that an agent sees in them.

    Args:
        problem: the problem of an environment.

    Raises:
        DataError: if it is no chain of tables: its rewards cannot be frozen.
    """
    if not isinstance(problem, ChainProblem) or problem.curve is None:
        raise DataError(
            f"{problem.title} is measured, not read from tables: its dynamics cannot be frozen"
        )
    return digest(
        {
            "arguments": problem.spec(),
            "table": _table_bytes(problem),
            "hardware": getattr(getattr(problem, "hardware", None), "name", None),
            "options": [decision.kept.tolist() for decision in problem.decisions],
            "costs": [_bytes(table) for table in problem.tables.ledger],
            "constant": _bytes(problem.tables.constant),
            "peaks": [_bytes(table) for table in problem.tables.peaks or ()],
            "curve": [_bytes(problem.curve.divergence), _bytes(problem.curve.accuracy)],
            "limits": [budget.amount.hex() for budget in problem.budgets],
            "features": _bytes(problem.features.table),
            "episodes": _golden(problem),
        }
    )


def tasks_of(rule: str) -> Tasks:
    """The tasks of a rule that policies are tried on.

    Raises:
        UnknownNameError: if there is no such rule.
    """
    return distribution(rule).test


def dynamics_of(rule: str) -> str:
    """sha256 over what scores on the test tasks of a rule follow from.

    Of every task :func:`dynamics`, what a policy sees of it beside that, and the two ends of its
    score; and which tasks there are.

    Raises:
        HwenvsError: if there is no such rule, or a task cannot be frozen.
    """
    found = {}
    for task in tasks_of(rule):
        made = compile_task(task)
        found[task.id] = {
            "dynamics": dynamics(made.problem),
            "features": _bytes(made.features),
            "uniform": made.certificate.reference.hex(),
            "optimum": made.certificate.optimum.hex(),
            "proved": made.certificate.proved,
        }
    return digest(found)


def stale(suite: Suite) -> list[str]:
    """What of ``suite`` does not hold today, in words: environments, references or families.

    A union has nothing but parts, which are suites themselves.
    """
    found: list[str] = []
    for part in _parts(suite):
        try:
            wrong = _stale_family(part) if isinstance(part, Family) else _stale(part)
            found += [f"suite {suite.id}: {part.key}: {what}" for what in wrong]
        except HwenvsError as error:
            found.append(f"suite {suite.id}: {part.key}: {error}")
    return found


def _parts(suite: Suite) -> list[Task] | list[Family]:
    if isinstance(suite, PolicySuite):
        return suite.families
    if isinstance(suite, UnionSuite):
        return []
    assert isinstance(suite, TraceSuite)
    return suite.tasks


def _stale_family(family: Family) -> list[str]:
    if dynamics_of(family.rule) != family.dynamics:
        return ["no longer what was frozen: its tasks have another digest; freeze a new version"]
    return []


def _stale(task: Task) -> list[str]:
    problem = task.problem()
    if dynamics(problem) != task.dynamics:
        return ["no longer what was frozen: its dynamics have another digest; freeze a new version"]
    best = problem.evaluate([task.design])
    holds = {
        "the uniform design": float(problem.reference.reward[0]) == task.uniform,
        "the optimum": bool(best.feasible[0]) and float(best.reward[0]) == task.optimum,
    }
    wrong = [
        f"{what} earns another reward than it says" for what, good in holds.items() if not good
    ]
    return wrong or _beaten(task, problem)


def _beaten(task: Task, problem: Problem) -> list[str]:
    """Whether there is a better design than the optimum, or no proof that there is none."""
    from hwenvs.baselines.exact import optimum

    found = optimum(problem)
    if found.reward > task.optimum:
        return [
            f"its optimum earns {task.optimum:.6g}, and {list(found.design)} {found.reward:.6g}"
        ]
    if task.proved and not found.proved:
        return ["its optimum is called proved, and cannot be proved"]
    return []


def _table_bytes(problem: ChainProblem) -> str:
    """sha256 of the shipped table behind the accuracies; empty where there is none."""
    path = TABLES / f"{problem.card.network}.{problem.card.family}.npz"
    return _file(path) if path.is_file() else ""


def _golden(problem: ChainProblem) -> dict[str, Any]:
    random = np.random.default_rng(GOLDEN_SEED)
    shape = (problem.horizon, GOLDEN_EPISODES)
    if problem.decisions.choices:
        actions: NDArray[Any] = random.integers(problem.decisions.choices, size=shape)
    else:
        actions = random.random(shape, dtype=np.float32)[..., None]
    seen = walked(problem, actions, watch=True)
    assert seen.observations is not None
    return {
        "observations": _bytes(seen.observations),
        "designs": seen.designs.tolist(),
        "rewards": [float(reward).hex() for reward in seen.rewards],
        "costs": {key: [float(v).hex() for v in values] for key, values in seen.costs.items()},
    }


def _bytes(array: NDArray[Any]) -> str:
    """sha256 of type, shape and numbers of an array, little-endian."""
    plain = np.ascontiguousarray(array)
    plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
    head = f"{plain.dtype.str} {plain.shape} ".encode()
    return hashlib.sha256(head + plain.tobytes()).hexdigest()


def _file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
