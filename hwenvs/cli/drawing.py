"""``hwenvs render``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwenvs.cli import options, outputs
from hwenvs.cli.console import output
from hwenvs.cli.designs import choose_design, find_scale
from hwenvs.errors import ArgumentError

FORMATS = (".png", ".pdf", ".svg")


def render(
    environment: options.EnvironmentArgument,
    design: Annotated[
        str,
        typer.Option(
            help="24,48,... or mb3_k5,zero,... or @file.json or best:runs.jsonl or uniform or "
            "optimum."
        ),
    ] = "optimum",
    out: Annotated[
        Path | None,
        typer.Option(help="Write a picture (.png, .pdf, .svg) instead.", callback=outputs.file),
    ] = None,
    budget: options.BudgetOption = None,
    cost: options.CostOption = None,
    reward: options.RewardOption = None,
    hardware: options.HardwareOption = None,
    constraint: options.ConstraintOption = None,
    network: options.NetworkOption = None,
    space: options.SpaceOption = None,
    proxy: options.ProxyOption = None,
) -> None:
    """Show what a design keeps or chooses, what it costs, and how accurate it should be.

    The design is judged as it is, over budget or not.
    """
    arguments = options.environment_arguments(
        budget, cost, reward, hardware, constraint, network, proxy, space
    )
    if out is not None and out.suffix not in FORMATS:
        raise ArgumentError(f"pictures end in {', '.join(FORMATS)}, not {str(out)!r}")
    problem = options.load_problem(environment, arguments)
    chosen = choose_design(problem, design, environment)
    walker = problem.walker()
    walker.restore(chosen)
    find_scale(problem)
    result = walker.result()[1]
    progress = problem.progress(chosen)
    if out is None:
        from hwenvs.text import ansi

        output().print(ansi(progress, result), markup=False, soft_wrap=True)
        return
    from hwenvs.rendering import figure

    out.parent.mkdir(parents=True, exist_ok=True)
    figure(progress, result).savefig(out)
    output().print(f"wrote {out}", markup=False, soft_wrap=True)
