"""Actions, checked: one clear error instead of a silent clip."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hwenvs.errors import ActionError

VALID = "an array of floats in [0, 1]"


def check_action(action: Any) -> float:
    """The action of one environment as a float.

    Args:
        action: [1] or anything that numpy makes such an array of.

    Raises:
        ActionError: if it has another shape or type, is not a number, or lies outside [0, 1].
    """
    if not isinstance(action, np.ndarray):
        action = _array(action)
    if action.shape != (1,) or action.dtype.kind not in "fiu":
        raise _unfit(action, (1,))
    value = float(action.item())
    if not 0.0 <= value <= 1.0:
        raise ActionError(f"action {value} is not in [0, 1]")
    return value


def check_actions(actions: Any, batch: int) -> NDArray[Any]:
    """The actions [batch, 1] of a vector environment.

    Raises:
        ActionError: as for :func:`check_action`; the message names the environment.
    """
    if not isinstance(actions, np.ndarray):
        actions = _array(actions)
    if actions.shape != (batch, 1) or actions.dtype.kind not in "fiu":
        raise _unfit(actions, (batch, 1))
    # Any NaN makes both comparisons false.
    if not (actions.min() >= 0.0 and actions.max() <= 1.0):
        wrong = int(np.argmin((actions[:, 0] >= 0.0) & (actions[:, 0] <= 1.0)))
        raise ActionError(f"action {actions[wrong, 0]} of environment {wrong} is not in [0, 1]")
    checked: NDArray[Any] = actions
    return checked


def check_choice(count: int, action: Any) -> int:
    """The choice of one environment as an integer.

    Args:
        count: number of choices.
        action: a whole number, or an array [] or [1] of one.

    Raises:
        ActionError: if it has another shape or type, or is not a choice.
    """
    if not isinstance(action, np.ndarray | np.integer):
        action = _array(action)
    if action.size != 1 or action.ndim > 1 or action.dtype.kind not in "iu":
        raise _unfit(action, (), _choices(count))
    value = int(action.item())
    if not 0 <= value < count:
        raise ActionError(f"action {value} is not {_choices(count)}")
    return value


def check_choices(count: int, actions: Any, batch: int) -> NDArray[Any]:
    """The choices [batch] of a vector environment.

    Raises:
        ActionError: as for :func:`check_choice`; the message names the environment.
    """
    if not isinstance(actions, np.ndarray):
        actions = _array(actions)
    if actions.shape != (batch,) or actions.dtype.kind not in "iu":
        raise _unfit(actions, (batch,), _choices(count))
    if not (actions.min() >= 0 and actions.max() < count):
        wrong = int(np.argmin((actions >= 0) & (actions < count)))
        raise ActionError(
            f"action {actions[wrong]} of environment {wrong} is not {_choices(count)}"
        )
    checked: NDArray[Any] = actions
    return checked


def checker(space: spaces.Space[Any]) -> Callable[[Any], float]:
    """What checks the actions of one environment."""
    return (
        partial(check_choice, int(space.n)) if isinstance(space, spaces.Discrete) else check_action
    )


def batch_checker(space: spaces.Space[Any]) -> Callable[[Any, int], NDArray[Any]]:
    """What checks the actions of a vector environment."""
    if isinstance(space, spaces.Discrete):
        return partial(check_choices, int(space.n))
    return check_actions


def no_choices(family: str) -> ActionError:
    """The error of asking a continuous problem for masks."""
    return ActionError(
        f"actions of {family.replace('_', ' ')} are fractions: only choices have masks"
    )


def _choices(count: int) -> str:
    return f"a whole number from 0 to {count - 1}"


def _array(action: Any) -> NDArray[Any]:
    try:
        return np.asarray(action)
    except (TypeError, ValueError) as error:
        raise ActionError(f"action {action!r} is not {VALID}: {error}") from error


def _unfit(action: NDArray[Any], shape: tuple[int, ...], valid: str = VALID) -> ActionError:
    return ActionError(
        f"action has shape {action.shape} and type {action.dtype}; valid: {valid}, shape {shape}"
    )
