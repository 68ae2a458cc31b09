"""``hwenvs run`` and ``hwenvs compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwenvs.cli import options
from hwenvs.cli.report import show, write

if TYPE_CHECKING:
    from hwenvs.problems import Problem
    from hwenvs.records import Run


def run(
    environment: options.EnvironmentArgument,
    solver: Annotated[str, typer.Option(help="Who looks for designs.")] = "ddpg",
    evaluations: options.EvaluationsOption = 400,
    seeds: options.SeedsOption = "1",
    workers: options.WorkersOption = 1,
    out: Annotated[Path, typer.Option(help="Folder for the records.")] = Path("runs"),
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

    Records are lines of JSON, one a run, for pandas.read_json(path, lines=True).
    """
    arguments = options.environment_arguments(
        budget, cost, reward, hardware, constraint, network, proxy, space
    )
    path = out / f"{environment}.{solver}.jsonl"
    problem = options.load_problem(environment, arguments)
    runs = _perform(
        problem, _tasks(environment, [solver], evaluations, seeds, arguments), workers, path
    )
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
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("report"),
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


def _perform(problem: Problem, tasks: list[dict[str, Any]], workers: int, path: Path) -> list[Run]:
    """Runs ``tasks`` and writes what is there after each of them: nothing is lost on Ctrl-C."""
    from hwenvs.baselines.exact import optimum
    from hwenvs.cli.progress import Bars
    from hwenvs.errors import SolverError
    from hwenvs.pool import solve_many
    from hwenvs.records import write_runs

    try:
        problem.optimum = optimum(problem).reward
    except SolverError:
        problem.optimum = None

    def score(reward: float) -> float | None:
        value = problem.score(reward)
        return None if value is None else float(value)

    done: dict[int, Run] = {}
    with Bars(tasks, score) as bars:
        for index, record in solve_many(tasks, min(workers, len(tasks)), bars.update):
            done[index] = record
            bars.finish(index, record)
            write_runs(path, [done[place] for place in sorted(done)])
    return [done[place] for place in sorted(done)]
