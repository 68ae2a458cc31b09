"""Environments made of data: files of records, sweeps and suites name an id and its arguments.

``gym.make`` imports the module that an id names (``module:Id-v0``), wraps what it makes if asked to
and raises errors of its own.  Data may do none of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import gymnasium as gym

from hwenvs.environment import DesignEnv
from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.problems import Problem
from hwenvs.registration import ALL_ENVIRONMENTS, bare_id
from hwenvs.single import check_single

WRAPPING = tuple(
    name
    for name, one in inspect.signature(gym.make).parameters.items()
    if one.kind is not one.VAR_KEYWORD
)
"""Arguments that ``gym.make`` does not hand on: the id, and what it wraps environments in."""


def make(environment: str, arguments: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """The environment, without importing anything that its id names.

    Args:
        environment: a registered id, with or without ``hwenvs:`` before it.
        arguments: of the environment.

    Raises:
        UnknownNameError: if there is no such id or argument.
        SolverError: if it is many problems, or pays a vector.
        ArgumentError: if an argument makes no sense, or is one of ``gym.make`` itself.
    """
    check_single(environment)
    name = bare_id(environment)
    if name not in gym.registry:
        raise unknown_name("environment", name, ALL_ENVIRONMENTS)
    if wrapping := [one for one in WRAPPING if one in arguments]:
        raise ArgumentError(
            f"{name}: {', '.join(wrapping)} is no argument of the environment but of gym.make: "
            "leave it out"
        )
    mode = arguments.get("render_mode")
    if not isinstance(mode, str | None):
        raise ArgumentError(f"{name}: render_mode must be a word, not {mode!r}")
    try:
        return gym.make(name, **arguments)
    except (TypeError, gym.error.Error) as error:
        raise ArgumentError(f"{name}: {error}") from error


def problem_of(environment: str, arguments: Mapping[str, Any]) -> Problem:
    """The problem of the environment that :func:`make` makes.

    Raises:
        HwenvsError: as :func:`make`.
        ArgumentError: if it is no :class:`hwenvs.environment.DesignEnv`.
    """
    base = make(environment, arguments).unwrapped
    if not isinstance(base, DesignEnv):
        raise ArgumentError(f"{environment} is no environment of designs, as those of hwenvs are")
    return base.problem
