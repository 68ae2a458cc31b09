"""Arguments and options that several commands share, and what they mean."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwenvs.arguments import MOST_SEEDS
from hwenvs.cli.console import notes
from hwenvs.errors import AnalyticProxyWarning, ArgumentError, unknown_name
from hwenvs.registration import ALL_ENVIRONMENTS, NAS, OPEN_ENVIRONMENTS, bare_id
from hwenvs.single import check_single

if TYPE_CHECKING:
    from hwenvs.problems import Problem
    from hwenvs.proxies import Card

EnvironmentArgument = Annotated[
    str,
    typer.Argument(metavar="ID", help="Environment; 'hwenvs list' shows them.", callback=bare_id),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(
        help="Fraction of the uncompressed cost, or none; default: the environment's.", metavar="F"
    ),
]
CostOption = Annotated[
    str | None, typer.Option(help="What is budgeted: macs, params, size, latency, energy.")
]
RewardOption = Annotated[
    str | None,
    typer.Option(
        help="accuracy, accuracy_change, compression_ratio, error_times_log_macs, "
        "error_times_log_params or accuracy_times_cost; docs/environments.md says who takes which."
    ),
]
HardwareOption = Annotated[
    str | None, typer.Option(help="Hardware model; 'hwenvs hardware list' shows them.")
]
NetworkOption = Annotated[
    str | None,
    typer.Option(help="Network of the zoo, for ids without one: AMC-v0, HAQ-v0, …"),
]
SpaceOption = Annotated[
    str | None, typer.Option(help="Search space, for NAS-v0: proxyless, proxyless_cifar, …")
]
ProxyOption = Annotated[
    str | None,
    typer.Option(
        help="Where accuracies come from: surrogate, measured, or a table (.npz); for NAS ids "
        "surrogate, supernet, zero_cost:SCORE, or a table."
    ),
]
ConstraintOption = Annotated[str | None, typer.Option(help="bounded, projected or backoff.")]
EvaluationsOption = Annotated[int, typer.Option(min=1, help="Designs that each run may try.")]
SeedsOption = Annotated[str, typer.Option(help="How many (from 0 on), or a list such as 3,4,7.")]
WorkersOption = Annotated[int, typer.Option(min=1, help="Processes, one thread each.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace records of other runs, if need be.")
]
OVERWRITE = "add --overwrite to replace it, or name another folder with --out"
"""What to do about a file with records of other runs."""


def environment_arguments(
    budget: str | None = None,
    cost: str | None = None,
    reward: str | None = None,
    hardware: str | None = None,
    constraint: str | None = None,
    network: str | None = None,
    proxy: str | None = None,
    space: str | None = None,
) -> dict[str, Any]:
    """The options that were given, as arguments of ``gym.make``.

    Raises:
        ArgumentError: if the budget is neither a number nor ``none``.
    """
    given: dict[str, Any] = {
        "network": network,
        "space": space,
        "proxy": proxy,
        "cost": cost,
        "reward": reward,
        "hardware": hardware,
        "constraint": constraint,
    }
    arguments = {name: value for name, value in given.items() if value is not None}
    if budget is not None:
        arguments = {"budget": _budget(budget), **arguments}
    return arguments


def subject(arguments: Mapping[str, Any]) -> str:
    """The network or the search space that arguments of an environment name."""
    return str(arguments.get("network", arguments.get("space")))


def check_subject(name: str, arguments: Mapping[str, Any]) -> None:
    """Asks for the network or the search space of an id without one.

    Raises:
        ArgumentError: if ``arguments`` lack it; the message names the option and what is valid.
    """
    from hwenvs.networks import SPACES, ZOO

    if name not in OPEN_ENVIRONMENTS:
        return
    searched = OPEN_ENVIRONMENTS[name]["problem"] == NAS
    option, known = ("space", SPACES) if searched else ("network", ZOO)
    if option not in arguments:
        raise ArgumentError(f"{name} needs --{option} NAME, one of {', '.join(known)}")


def check_environment(name: str) -> None:
    """Says which environment was meant.

    Raises:
        UnknownNameError: if ``name`` is no environment's id.
        SolverError: if it is many problems, or pays a vector.
    """
    check_single(name)
    if name not in ALL_ENVIRONMENTS:
        raise unknown_name("environment", name, ALL_ENVIRONMENTS)


def load_problem(name: str, arguments: dict[str, Any], quiet: bool = False) -> Problem:
    """The problem of an environment; notes once if its accuracies are not measured.

    Raises:
        HwenvsError: if the id is unknown, or an argument is missing or makes no sense.
    """
    from hwenvs.making import problem_of

    check_environment(name)
    check_subject(name, arguments)
    # The warning would come from every process and with a line of source: a note says it once.
    warnings.simplefilter("ignore", AnalyticProxyWarning)
    problem = problem_of(name, arguments)
    if not quiet:
        note_unmeasured(problem.card)
    return problem


def note_unmeasured(card: Card) -> None:
    """Notes that accuracies were not measured on what they are said of, if so."""
    if card.basis != "measured":
        notes().print(
            f"[yellow]note:[/] accuracies of {card.network} are {card.basis}, not "
            "measured: compare solvers on them, do not quote them",
            soft_wrap=True,
        )


def parse_names(text: str) -> list[str]:
    """Names between commas, each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def check_solvers(names: Sequence[str]) -> None:
    """Loads every solver, so that a missing package is told before hours of work.

    Raises:
        UnknownNameError: if there is no such solver; the message suggests the nearest.
        ArgumentError: if there are none.
        MissingExtraError: if a solver needs a package that is not installed.
    """
    from hwenvs.solving import SOLVERS, get_solver

    if not names:
        raise ArgumentError(f"name at least one solver of {', '.join(SOLVERS)}")
    for name in names:
        if name not in SOLVERS and ":" not in name:
            raise unknown_name("solver", name, SOLVERS)
    for name in names:
        get_solver(name)


def parse_seeds(text: str) -> list[int]:
    """``"3"`` is seeds 0 to 2, ``"3,"`` seed 3, ``"3,4"`` seeds 3 and 4.

    Raises:
        ArgumentError: if the text is none of these, or names a seed twice.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise ArgumentError(f"seeds must be a number or a list such as 3,4,7, not {text!r}")
    numbers = [int(part) for part in parts]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise ArgumentError(
            f"seeds {text!r} name {', '.join(map(str, twice))} twice: runs of one seed are the same"
        )
    if "," in text:
        return numbers
    if not numbers[0]:
        raise ArgumentError("at least one seed is needed")
    if numbers[0] > MOST_SEEDS:
        raise ArgumentError(
            f"seeds {text!r} stand for as many runs, and at most {MOST_SEEDS:,} are made: "
            f"{numbers[0]}, with a comma, is the one seed"
        )
    return list(range(numbers[0]))


def _budget(text: str) -> float | None:
    if text.lower() == "none":
        return None
    try:
        return float(text)
    except ValueError:
        raise ArgumentError(
            f"budget must be a fraction such as 0.5, or none, not {text!r}"
        ) from None
