"""``hwenvs run`` and ``hwenvs compare``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwenvs.cli import options, outputs
from hwenvs.cli.console import notes
from hwenvs.cli.report import show, write
from hwenvs.extras import require
from hwenvs.text import counted

if TYPE_CHECKING:
    from hwenvs.problems import Problem
    from hwenvs.solving.records import Run

IDENTITY = {
    "environment": "environments",
    "arguments": "arguments",
    "files": "contents of files",
    "hyperparameters": "hyperparameters",
    "evaluations": "evaluations",
    "seed": "seeds",
}
"""What tells runs of one solver apart, in singular and plural."""


def run(
    environment: options.EnvironmentArgument,
    solver: Annotated[str, typer.Option(help="Who looks for designs.")] = "ddpg",
    evaluations: options.EvaluationsOption = 400,
    seeds: options.SeedsOption = "1",
    workers: options.WorkersOption = 1,
    out: Annotated[
        Path, typer.Option(help="Folder for the records.", callback=outputs.folder)
    ] = Path("runs"),
    overwrite: options.OverwriteOption = False,
    budget: options.BudgetOption = None,
    cost: options.CostOption = None,
    reward: options.RewardOption = None,
    hardware: options.HardwareOption = None,
    constraint: options.ConstraintOption = None,
    network: options.NetworkOption = None,
    space: options.SpaceOption = None,
    proxy: options.ProxyOption = None,
) -> None:
    """Run one solver with several seeds and record every design it tries.

    Records are lines of JSON, one a run, for pandas.read_json(path, lines=True), in the file
    OUT/ID.SOLVER.jsonl.  The same command again replaces them; runs that it would not make again
    are not lost without --overwrite.
    """
    arguments = options.environment_arguments(
        budget, cost, reward, hardware, constraint, network, proxy, space
    )
    path = out / f"{environment}.{solver}.jsonl"
    problem = options.load_problem(environment, arguments)
    tasks = _tasks(environment, [solver], evaluations, seeds, arguments)
    before = _before(path, problem, tasks, overwrite)
    runs = _perform(problem, tasks, workers, path, before)
    from hwenvs.reporting.results import collect

    show(collect(runs), [path])


def compare(
    environment: options.EnvironmentArgument,
    solvers: Annotated[str, typer.Option(help="Names between commas.")] = (
        "ddpg,decomposition,random,uniform,cma-es,exact"
    ),
    evaluations: options.EvaluationsOption = 400,
    seeds: options.SeedsOption = "6",
    workers: options.WorkersOption = 1,
    out: Annotated[
        Path, typer.Option(help="Folder for the report.", callback=outputs.folder)
    ] = Path("report"),
    overwrite: options.OverwriteOption = False,
    budget: options.BudgetOption = None,
    cost: options.CostOption = None,
    reward: options.RewardOption = None,
    hardware: options.HardwareOption = None,
    constraint: options.ConstraintOption = None,
    network: options.NetworkOption = None,
    space: options.SpaceOption = None,
    proxy: options.ProxyOption = None,
) -> None:
    """Run several solvers on one environment; print a table and write a report.

    Solvers that know one design only (uniform, shallow, deep, exact, milp) run once.  The same
    command again replaces report and records (OUT/runs.jsonl); runs that it would not make again
    are not lost without --overwrite.
    """
    arguments = options.environment_arguments(
        budget, cost, reward, hardware, constraint, network, proxy, space
    )
    require("hwenvs compare", "matplotlib", "jinja2")
    names = options.parse_names(solvers)
    problem = options.load_problem(environment, arguments)
    tasks = _tasks(environment, names, evaluations, seeds, arguments)
    from hwenvs.reporting.report import RUNS

    path = out / RUNS
    before = _before(path, problem, tasks, overwrite)
    write(_perform(problem, tasks, workers, path, before), out)


def _tasks(
    environment: str,
    solvers: Sequence[str],
    evaluations: int,
    seeds: str,
    arguments: dict[str, Any],
) -> list[dict[str, Any]]:
    """Arguments of ``solve`` for every solver and seed."""
    from hwenvs.solving import ONE_DESIGN

    options.check_solvers(solvers)
    numbers = options.parse_seeds(seeds)
    return [
        {
            "solver": solver,
            "environment": environment,
            "evaluations": evaluations,
            "seed": seed,
            **arguments,
        }
        for solver in solvers
        for seed in (numbers[:1] if solver in ONE_DESIGN else numbers)
    ]


def _before(
    path: Path, problem: Problem, tasks: Sequence[dict[str, Any]], overwrite: bool
) -> dict[int, Run]:
    """Records of ``tasks`` by index that a file holds already.

    Raises:
        ArgumentError: if it holds others as well, or no records at all, and ``overwrite`` does not
            allow to lose them.
    """
    from hwenvs.errors import ArgumentError
    from hwenvs.solving.records import read_runs

    if not path.exists():
        return {}
    try:
        runs = read_runs(path)
    except ArgumentError as error:
        if overwrite:
            return {}
        raise ArgumentError(f"{error}; {options.OVERWRITE}") from error
    asked = _expected(tasks, problem)
    lost = {name for run in runs for name in _other(run, asked)}
    if lost and not overwrite:
        named = [name for name in ("solvers", *IDENTITY.values()) if name in lost]
        raise ArgumentError(
            f"{path} holds runs with other {' and '.join(named)}: {options.OVERWRITE}"
        )
    return {
        index: run
        for run in runs
        for index, entries in enumerate(asked)
        if not _other(run, [entries])
    }


def _other(run: Run, asked: Sequence[dict[str, Any]]) -> list[str]:
    """In what a run is none of those that are asked for; nothing if it is one."""
    alike = [entries for entries in asked if entries["solver"] == run.solver]
    if not alike:
        return ["solvers"]
    return [
        plural
        for name, plural in IDENTITY.items()
        if all(getattr(run, name) != entries[name] for entries in alike)
    ]


def _expected(tasks: Sequence[dict[str, Any]], problem: Problem) -> list[dict[str, Any]]:
    """What the records of ``tasks``, which differ in solver and seed, will say of them."""
    from hwenvs.files import digests
    from hwenvs.solving import get_solver
    from hwenvs.solving.records import plain

    made = {name: get_solver(name) for name in {task["solver"] for task in tasks}}
    fixed = ("environment", "evaluations", "seed")
    arguments = {n: v for n, v in tasks[0].items() if n not in (*fixed, "solver")}
    arguments = plain(arguments, problem)
    return [
        {
            **{name: task[name] for name in fixed},
            "solver": (solver := made[task["solver"]]).name,
            "arguments": arguments,
            "files": digests(arguments),
            "hyperparameters": json.loads(json.dumps(dict(solver.hyperparameters))),
        }
        for task in tasks
    ]


def _perform(
    problem: Problem,
    tasks: list[dict[str, Any]],
    workers: int,
    path: Path,
    before: dict[int, Run],
) -> list[Run]:
    """Runs ``tasks`` and writes what is there after each of them: nothing is lost on Ctrl-C.

    Records of the same tasks that were there ``before``, by index, stay until each is replaced.

    Raises:
        SolverError: if a solver evaluates no design.
    """
    from hwenvs.cli.designs import find_scale
    from hwenvs.cli.progress import Bars
    from hwenvs.solving.pool import solve_many
    from hwenvs.solving.records import write_runs

    find_scale(problem)

    def score(reward: float) -> float | None:
        value = problem.score(reward)
        return None if value is None else float(value)

    done: dict[int, Run] = {}
    with Bars(tasks, score) as bars:
        try:
            for index, record in solve_many(tasks, min(workers, len(tasks)), bars.update):
                _ = record.best  # raises where nothing was evaluated: such a record helps nobody
                done[index] = record
                bars.finish(index, record)
                there = {**before, **done}
                write_runs(path, [there[place] for place in sorted(there)])
        except KeyboardInterrupt:
            bars.stop()
            kept = f": their records are in {path}" if done else ""
            stopped = f"stopped after {len(done)} of {counted(len(tasks), 'run')}{kept}"
            notes().print(stopped, markup=False, soft_wrap=True)
            raise
    return [done[place] for place in sorted(done)]
