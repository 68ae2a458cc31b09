"""``hwenvs run``, ``hwenvs compare`` and ``hwenvs report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwenvs.cli import options
from hwenvs.cli.console import output

if TYPE_CHECKING:
    from hwenvs.problems import Problem
    from hwenvs.records import Run
    from hwenvs.reporting.results import Results

ONE_DESIGN = ("uniform", "shallow", "deep", "exact")
"""Solvers without any chance in them: one seed tells all."""


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

    _show(collect(runs), [path])


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

    _write(_perform(problem, tasks, workers, out / RUNS), out)


def report(
    records: Annotated[
        list[Path], typer.Argument(metavar="RUNS.jsonl...", help="Records of run or compare.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("report"),
) -> None:
    """Make a report of runs: table, learning curves, kept channels.

    Several files are put together, with a section for each environment.
    """
    from hwenvs.records import read_runs

    runs = [run for path in records for run in read_runs(path)]
    for name, arguments in {run.environment: run.arguments for run in runs}.items():
        options.load_problem(name, dict(arguments), quiet=True)
    _write(runs, out)


def _tasks(
    environment: str,
    solvers: Sequence[str],
    evaluations: int,
    seeds: str,
    arguments: dict[str, Any],
) -> list[dict[str, Any]]:
    """Arguments of ``solve`` for every solver and seed."""
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


def _write(runs: list[Run], out: Path) -> None:
    from hwenvs.reporting.report import report_files, write_report

    collected = write_report(runs, out)
    _show(collected, report_files(out, len(collected)))


def _show(collected: Sequence[Results], paths: Sequence[Path]) -> None:
    from hwenvs.reporting.table import rich_table

    console = output()
    for results in collected:
        console.print(rich_table(results))
    for path in paths:
        console.print(f"wrote {path}", markup=False, soft_wrap=True)
