"""What search methods choose from: the actions of a whole episode."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hwenvs.errors import SolverError
from hwenvs.solving import Recorder

Floats = NDArray[np.float64]


def bounded_box(env: Recorder, solver: str) -> spaces.Box:
    """The actions of a step.

    Raises:
        SolverError: if they are not a bounded ``Box``.
    """
    box = env.action_space
    if not isinstance(box, spaces.Box) or not box.is_bounded():
        raise SolverError(f"{solver} needs actions from a bounded Box, not {box}")
    return box


def episode_range(env: Recorder, solver: str) -> tuple[Floats, Floats, Floats]:
    """Lowest and highest actions of an episode, and those of the reference, ``[T * A]`` each.

    Raises:
        SolverError: as above.
    """
    box, horizon = bounded_box(env, solver), env.problem.horizon
    low, high = (np.tile(end.ravel().astype(np.float64), horizon) for end in (box.low, box.high))
    return low, high, env.actions(env.problem.reference.designs)[0].ravel()
