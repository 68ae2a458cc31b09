"""What is decided: the families of problems, by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from hwenvs.arguments import check_arguments, parameters
from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.networks import SPACES, ZOO, Network, Space
from hwenvs.problems.base import Outcome, Problem, Walk, Walker, spelled
from hwenvs.problems.bit_allocation import BitAllocationProblem
from hwenvs.problems.channel_pruning import ChannelPruningProblem
from hwenvs.problems.deep_compression import DeepCompressionProblem
from hwenvs.problems.fine_grained_pruning import FineGrainedPruningProblem
from hwenvs.problems.operator_selection import OperatorSelectionProblem
from hwenvs.problems.progress import Progress
from hwenvs.proxies import with_options
from hwenvs.proxies.opening import ARGUMENTS, surroundings

FAMILIES: dict[str, Callable[..., Problem]] = {
    ChannelPruningProblem.family: ChannelPruningProblem,
    FineGrainedPruningProblem.family: FineGrainedPruningProblem,
    BitAllocationProblem.family: BitAllocationProblem,
    DeepCompressionProblem.family: DeepCompressionProblem,
    OperatorSelectionProblem.family: OperatorSelectionProblem,
}
"""Problems by family."""

REMEMBERED = 32
"""Compiled problems that are kept, so that many environments share one set of tables."""


def check_given(
    problem: object, given: Iterable[str], own: Iterable[str] = (), without: Iterable[str] = ()
) -> None:
    """Refuses arguments that neither the family of ``problem`` nor its environment takes.

    Args:
        problem: name of the family; anything else has no arguments to check.
        given: names of the arguments.
        own: names of those that the environment takes itself.
        without: names of the family's that the environment does not take.

    Raises:
        UnknownNameError: if there is no such argument; the message suggests the nearest.
        ArgumentError: if one is in the wrong place.
    """
    if not isinstance(problem, str) or problem not in FAMILIES:
        return
    known = {*parameters(FAMILIES[problem]), *own}
    if problem != OperatorSelectionProblem.family:
        known.update(ARGUMENTS)
    check_arguments(given, known.difference(without), spelled(problem))


def make_problem(problem: str | Problem, **arguments: Any) -> Problem:
    """The problem of a family.

    Problems whose arguments can be written as JSON are compiled once and shared, as long as files
    that they name stay as they are.

    Args:
        problem: name of the family, or a problem, which is used as it is.
        **arguments: of the family's class.

    Raises:
        UnknownNameError: if there is no such family or argument; the message suggests the nearest.
        ArgumentError: without a network.
        HwenvsError: if the arguments make no sense.
    """
    if isinstance(problem, Problem):
        if arguments:
            names = ", ".join(sorted(arguments))
            raise TypeError(f"the problem is made already: {names} cannot be applied")
        return problem
    if not isinstance(problem, str) or problem not in FAMILIES:
        raise unknown_name("family of problems", problem, FAMILIES)
    check_given(problem, arguments)
    if problem == OperatorSelectionProblem.family:
        _check_space(arguments.get("space"))
    else:
        _check_network(arguments.get("network"))
    arguments = with_options(arguments)
    proxy = arguments.get("proxy", "")
    if "measured" in (proxy, *_name(proxy)):
        return FAMILIES[problem](**arguments)  # it remembers by itself what is open
    try:
        key = json.dumps(arguments, sort_keys=True)
    except (TypeError, ValueError):
        return FAMILIES[problem](**arguments)
    return _remembered(problem, key, surroundings(arguments))


def _check_network(network: object) -> None:
    """Says what a network is where there is none.

    Raises:
        ArgumentError: if it is neither a name nor a layer table.
    """
    if isinstance(network, str | Network):
        return
    problem = "is missing" if network is None else f"cannot be a {type(network).__name__}"
    raise ArgumentError(
        f"network {problem}: pass a name of the zoo ({', '.join(ZOO)}), or the layer table of your "
        "own module, network=hwenvs.networks.from_torch(module, example_input)"
    )


def _check_space(space: object) -> None:
    """Says what a search space is where there is none.

    Raises:
        ArgumentError: if it is neither a name nor a space.
    """
    if isinstance(space, str | Space):
        return
    problem = "is missing" if space is None else f"cannot be a {type(space).__name__}"
    raise ArgumentError(
        f"space {problem}: pass a name ({', '.join(SPACES)}) or a hwenvs.networks.Space"
    )


def _name(proxy: object) -> tuple[object, ...]:
    return (proxy.get("name"),) if isinstance(proxy, Mapping) else ()


@lru_cache(REMEMBERED)
def _remembered(
    family: str,
    arguments: str,
    stamp: tuple[object, ...],  # noqa: ARG001
) -> Problem:
    """Compiles the problem; ``stamp`` changes when files do."""
    return FAMILIES[family](**json.loads(arguments))


__all__ = [
    "FAMILIES",
    "BitAllocationProblem",
    "ChannelPruningProblem",
    "DeepCompressionProblem",
    "FineGrainedPruningProblem",
    "OperatorSelectionProblem",
    "Outcome",
    "Problem",
    "Progress",
    "Walk",
    "Walker",
    "check_given",
    "make_problem",
]
