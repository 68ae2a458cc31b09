"""What callers may pass to environments, and one clear error for everything else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from numbers import Integral
from typing import Any, TypeGuard

from hwenvs.errors import ArgumentError, UnknownNameError, unknown_name

ANYTHING = "**"
"""Stands for arguments of any name."""

MOST_SEEDS = 1_000_000
"""Seeds that a single number may stand for: more is one seed, and not meant as a number of them."""

ELSEWHERE = {
    "max_episode_steps": (
        "every episode ends with its last decision, which alone is paid; gym.make puts Gymnasium's "
        "TimeLimit around an environment, and so does gym.make_vec with vectorization_mode='sync'"
    ),
    "autoreset_mode": (
        "it goes with gym.make_vec where copies are native; where they are made one by one "
        "(vectorization_mode='sync' or 'async', and the Generalist ids always) Gymnasium takes it "
        "as vector_kwargs={'autoreset_mode': ...}"
    ),
}
"""Arguments that Gymnasium hands on although they are nobody's here, and what to do instead."""


def check_arguments(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuses arguments that nobody takes.

    Args:
        given: names of the arguments.
        known: names of those that there are; :data:`ANYTHING` among them lets all pass.
        what: whose arguments they are, for the message.

    Raises:
        ArgumentError: if one is in the wrong place; the message tells the right one.
        UnknownNameError: if there is no such argument; the message suggests the nearest.
    """
    names = set(known)
    for name in given:
        if name in names or ANYTHING in names:
            continue
        if name in ELSEWHERE:
            raise ArgumentError(f"{name} is no argument of {what}: {ELSEWHERE[name]}")
        raise unknown_name(f"argument of {what}", name, names)


def check_options(options: Mapping[str, Any] | None, known: Iterable[str] = ()) -> None:
    """Refuses options of ``reset`` that an environment does not have.

    Raises:
        UnknownNameError: if there is one; the message names those that there are.
    """
    names = tuple(known)
    for name in options or {}:
        if name in names:
            continue
        if not names:
            raise UnknownNameError(f"unknown option of reset {name!r}: this environment has none")
        raise unknown_name("option of reset", name, names)


def is_whole(value: Any) -> TypeGuard[int]:
    """Whether ``value`` is a whole number, of Python or numpy; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """``value`` as a Python integer.

    Raises:
        ArgumentError: if it is no whole number from ``least`` to ``most``.
    """
    if not is_whole(value) or value < least:
        raise ArgumentError(f"{name} must be a whole number of at least {least}, not {value!r}")
    if most is not None and value > most:
        raise ArgumentError(f"{name} must be at most {most}, not {value!r}")
    return int(value)


@lru_cache
def parameters(maker: Callable[..., Any]) -> frozenset[str]:
    """Names of the arguments of ``maker``; :data:`ANYTHING` stands for those of any name."""
    found = inspect.signature(maker).parameters.values()
    return frozenset(ANYTHING if one.kind is one.VAR_KEYWORD else one.name for one in found)
