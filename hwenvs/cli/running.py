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

ALIKE = ("arguments", "hyperparameters", "evaluations")
"""What runs in one file of ``hwenvs run`` have in common, beside environment and solver."""


def run(
    environment: options.EnvironmentArgument,
    solver: Annotated[str, typer.Option(help="Who looks for designs.")] = "ddpg",
    evaluations: options.EvaluationsOption = 400,
    seeds: options.SeedsOption = "1",
    workers: options.WorkersOption = 1,
    out: Annotated[
        Path, typer.Option(help="Folder for the records.", callback=outputs.folder)
    ] = Path("runs"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace records of other runs, if need be.")
    ] = False,
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
    if path.exists() and not overwrite:
        _keep(path, problem, tasks)
    runs = _perform(problem, tasks, workers, path)
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

    Solvers that know one design only (uniform, shallow, deep, exact) run once.
    """
    arguments = options.environment_arguments(
        budget, cost, reward, hardware, constraint, network, proxy, space
    )
    require("hwenvs compare", "matplotlib", "jinja2")
    names = options.parse_names(solvers)
    problem = options.load_problem(environment, arguments)
    tasks = _tasks(environment, names, evaluations, seeds, arguments)
    from hwenvs.reporting.report import RUNS

    write(_perform(problem, tasks, workers, out / RUNS), out)


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


def _keep(path: Path, problem: Problem, tasks: Sequence[dict[str, Any]]) -> None:
    """Refuses to lose records of runs that ``tasks``, of one solver, would not make again.

    Raises:
        ArgumentError: if the file holds one, or no records at all.
    """
    from hwenvs.errors import ArgumentError
    from hwenvs.solving.records import read_runs

    hint = "add --overwrite to replace it, or name another folder with --out"
    try:
        runs = read_runs(path)
    except ArgumentError as error:
        raise ArgumentError(f"{error}; {hint}") from error
    asked = _expected(tasks[0], problem)
    lost = [name for name in ALIKE if any(getattr(r, name) != asked[name] for r in runs)]
    if {run.seed for run in runs} - {task["seed"] for task in tasks}:
        lost.append("seeds")
    if lost:
        raise ArgumentError(f"{path} holds runs with other {' and '.join(lost)}: {hint}")


def _expected(task: dict[str, Any], problem: Problem) -> dict[str, Any]:
    """What the record of a task will say of it."""
    from hwenvs.solving import get_solver
    from hwenvs.solving.records import plain

    arguments = dict(task)
    solver = get_solver(arguments.pop("solver"))
    fixed = {name: arguments.pop(name) for name in ("environment", "evaluations", "seed")}
    return {
        **fixed,
        "solver": solver.name,
        "arguments": plain(arguments, problem),
        "hyperparameters": json.loads(json.dumps(dict(solver.hyperparameters))),
    }


def _before(path: Path, problem: Problem, tasks: Sequence[dict[str, Any]]) -> dict[int, Run]:
    """Records of ``tasks`` by index that a file holds already; none if it holds no records."""
    from hwenvs.errors import ArgumentError
    from hwenvs.solving.records import read_runs

    try:
        runs = read_runs(path)
    except ArgumentError:  # missing, or to be replaced whatever it is
        return {}
    asked = [_expected(task, problem) for task in tasks]
    return {
        index: run
        for run in runs
        for index, entries in enumerate(asked)
        if all(getattr(run, name) == value for name, value in entries.items())
    }


def _perform(problem: Problem, tasks: list[dict[str, Any]], workers: int, path: Path) -> list[Run]:
    """Runs ``tasks`` and writes what is there after each of them: nothing is lost on Ctrl-C.

    Records of the same tasks that are there already stay until each is replaced.

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

    before = _before(path, problem, tasks)
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
