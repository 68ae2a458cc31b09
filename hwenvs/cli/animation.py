"""``hwenvs animate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwenvs.cli import options, outputs
from hwenvs.cli.console import output
from hwenvs.cli.progress import steps


def animate(
    environment: options.EnvironmentArgument,
    out: Annotated[Path, typer.Option(help="Film to write, a .gif file.", callback=outputs.file)],
    solver: Annotated[str, typer.Option(help="Whose search.")] = "reinforce",
    evaluations: options.EvaluationsOption = 400,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the solver.")] = 0,
    budget: options.BudgetOption = None,
    cost: options.CostOption = None,
    reward: options.RewardOption = None,
    hardware: options.HardwareOption = None,
    constraint: options.ConstraintOption = None,
    network: options.NetworkOption = None,
    space: options.SpaceOption = None,
    proxy: options.ProxyOption = None,
) -> None:
    """Film a search: the best design so far, what the solver believes in, and what it earned."""
    from hwenvs.errors import ArgumentError
    from hwenvs.problems.chain import ChainProblem
    from hwenvs.reporting.animation import animate as film
    from hwenvs.solving import get_solver, solve

    if out.suffix != ".gif":
        raise ArgumentError(f"--out must be a .gif file, not {str(out)!r}")
    arguments = options.environment_arguments(
        budget, cost, reward, hardware, constraint, network, proxy, space
    )
    options.check_solvers([solver])
    problem = options.load_problem(environment, arguments)
    assert isinstance(problem, ChainProblem)
    agent = get_solver(solver)
    with steps() as report:
        run = solve(
            agent,
            environment,
            evaluations,
            seed,
            lambda done, _: report("searching", done, evaluations),
            **arguments,
        )
    frames = film(problem, run, out, getattr(agent, "history", ()))
    output().print(f"wrote {out} ({frames} frames)", markup=False, soft_wrap=True)
