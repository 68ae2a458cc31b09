"""Continuous actions, checked: one clear error instead of a silent clip."""

from __future__ import annotations

from typing import Any

import numpy as np
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


def _array(action: Any) -> NDArray[Any]:
    try:
        return np.asarray(action)
    except (TypeError, ValueError) as error:
        raise ActionError(f"action {action!r} is not {VALID}: {error}") from error


def _unfit(action: NDArray[Any], shape: tuple[int, ...]) -> ActionError:
    return ActionError(
        f"action has shape {action.shape} and type {action.dtype}; valid: {VALID}, shape {shape}"
    )
