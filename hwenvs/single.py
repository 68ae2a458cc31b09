"""Which ids are a single problem with one reward: what solvers, suites and commands work on."""

from __future__ import annotations

from hwenvs.errors import SolverError
from hwenvs.registration import MO_ENVIRONMENTS, TASK_ENVIRONMENTS


def check_single(environment: str) -> None:
    """Says what to take instead of an id that is many problems, or one that pays a vector.

    Args:
        environment: an id, with or without ``hwenvs:`` before it; unknown ones are let through.

    Raises:
        SolverError: if it is such an id.
    """
    name = environment.rpartition(":")[2]
    if name in TASK_ENVIRONMENTS:
        raise SolverError(_many_tasks(name))
    if name in MO_ENVIRONMENTS:
        raise SolverError(
            f"{name} pays a vector, but solvers and commands compare designs by one number: take "
            f"{name.removeprefix('MO-')}, which has one reward and a budget (1.0 leaves the whole "
            "range of costs); docs/multiobjective.md shows how to find whole trade-offs"
        )


def _many_tasks(name: str) -> str:
    """Why the tasks of ``name`` are no single problem, with one of them that is."""
    from hwenvs.tasks import VARIANTS, distribution  # for this message only

    tasks = distribution(TASK_ENVIRONMENTS[name]["rule"]).train
    one = next(task for task in tasks if task.chip not in VARIANTS)
    options = " ".join(f"--{key} {value}" for key, value in one.arguments.items())
    return (
        f"{name} draws another task every episode, but solvers and commands work on one: take a "
        "single task, gym.make(task.environment, **task.arguments), on the command line e.g. "
        f"hwenvs run {one.environment} {options}; or train an agent over the tasks as "
        "docs/tasks.md shows"
    )
