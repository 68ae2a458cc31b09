"""``hwenvs list``, ``hwenvs card`` and ``hwenvs hardware list``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from hwenvs.cli import options
from hwenvs.cli.commands import Commands
from hwenvs.cli.console import output
from hwenvs.proxies.measured import NAME as MEASURED
from hwenvs.proxies.measured import Unopened, extra_installed
from hwenvs.registration import (
    ENVIRONMENTS,
    MO_ENVIRONMENTS,
    OPEN_ENVIRONMENTS,
    TASK_ENVIRONMENTS,
)
from hwenvs.tasks import distribution
from hwenvs.text import LABELS

hardware = typer.Typer(cls=Commands, no_args_is_help=True, help="What designs can cost.")


def list_environments() -> None:
    """List the environments, and how far their accuracies can be trusted.

    Budgets are fractions of what the uncompressed (of a search space: the largest) network costs.
    Spearman is the rank correlation of estimated and measured accuracies on held-out designs that
    all cost the same.
    """
    table = Table(box=SIMPLE_HEAD)
    for heading in ("id", "network", "decisions", "budget", "accuracies", "Spearman"):
        right = heading in ("decisions", "Spearman")
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading == "id")
    for name, given in ENVIRONMENTS.items():
        itself = given.get("proxy") == MEASURED
        if itself and not extra_installed():
            table.add_row(name, options.subject(given), "", "", "needs hwenvs\\[measure]", "")
            continue
        # Nobody waits for networks and images to be loaded, only to be told of them.
        stand_in = {"proxy": Unopened(options.subject(given))} if itself else {}
        problem = options.load_problem(name, stand_in, quiet=True)
        spec, card = problem.spec(), problem.card
        spearman = card.heldout.get("spearman_equal_budget")
        table.add_row(
            name,
            options.subject(spec),
            str(problem.horizon),
            _budget(spec["budget"], spec["cost"]),
            card.basis,
            "real network" if itself else _rank(spearman),
        )
    for name in OPEN_ENVIRONMENTS:
        asked = "--space" if name.startswith("NAS") else "--network"
        table.add_row(name, f"yours, or {asked}", "", "", "", "")
    for name, given in TASK_ENVIRONMENTS.items():
        train, test = distribution(given["rule"]).split()
        table.add_row(name, f"{len(train)} tasks, {len(test)} to test on", "", "", "", "")
    table.caption = _twins()
    output().print(table)


def _twins() -> str:
    """Which ids of one network have a twin with a vector reward, in a sentence: most have."""
    without = [name for name in ENVIRONMENTS if f"MO-{name}" not in MO_ENVIRONMENTS]
    one = next(iter(MO_ENVIRONMENTS))
    return (
        f"Ids of one network exist as {one} and so on as well, with a vector reward for whole "
        f"fronts, but for {' and '.join(without)}."
    )


def card(
    environment: options.EnvironmentArgument,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    network: options.NetworkOption = None,
    space: options.SpaceOption = None,
    proxy: options.ProxyOption = None,
) -> None:
    """Show what stands behind an environment's accuracies: data, method, held-out errors."""
    arguments = options.environment_arguments(network=network, space=space, proxy=proxy)
    entries = options.load_problem(environment, arguments, quiet=True).card.to_dict()
    console = output()
    if as_json:
        console.print(json.dumps(entries, indent=2), markup=False, soft_wrap=True)
        return
    table = Table(box=None, show_header=False, title=environment, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in _flat(entries):
        table.add_row(key.replace("_", " "), escape(value))
    console.print(table)


@hardware.command("list")
def list_models() -> None:
    """List hardware models and where their figures come from, plug-ins included."""
    from hwenvs.hardware import list_hardware

    table = Table(box=SIMPLE_HEAD)
    for heading in ("name", "reports", "source", "provided by"):
        table.add_column(heading, no_wrap=heading == "name")
    for row in list_hardware():
        source = escape(row.source) if row.error is None else f"[red]{escape(row.error)}[/]"
        if row.platform_dependent:
            source += " [yellow](platform-dependent: no leaderboards)[/]"
        table.add_row(row.name, ", ".join(row.quantities), source, row.provider)
    output().print(table)


def _rank(spearman: float | None) -> str:
    return "not measured" if spearman is None else f"{spearman:.3f}"


def _budget(budget: float | Mapping[str, float] | None, cost: str) -> str:
    """A budget in words, e.g. ``"40% of the latency"``."""
    if isinstance(budget, Mapping):
        return ", ".join(_budget(share, name) for name, share in budget.items())
    return "none" if budget is None else f"{budget:.0%} of the {LABELS[cost]}"


def _flat(entries: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Entries of nested objects, one a line; empty ones are left out."""
    for key, value in entries.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}: ")
        elif value in ("", None, [], ()):
            continue
        elif isinstance(value, list | tuple):
            yield name, "\n".join(str(item) for item in value)
        else:
            yield name, str(value)
