"""What search methods choose from: the actions of a whole episode, or the options of a chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import SolverError
from hwenvs.problems.chain import ChainProblem
from hwenvs.solving import Recorder

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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


@dataclass(frozen=True, eq=False)
class OptionRange:
    """The designs of a chain as whole numbers: which option of each decision.

    Attributes:
        env: the environment.
        problem: its problem.
        widths: [T] numbers of options.
        reference: [T] options of the uniform design.
    """

    env: Recorder
    problem: ChainProblem
    widths: Ints
    reference: Ints

    @classmethod
    def of(cls, env: Recorder) -> OptionRange:
        """What ``env`` offers.

        Raises:
            SolverError: if its decisions are not options.
        """
        problem = env.chain()
        widths = np.array([len(decision.kept) for decision in problem.decisions], dtype=np.int64)
        reference = problem.decisions.options(problem.reference.designs)[:, 0]
        return cls(env, problem, widths, reference)

    def play(self, options: ArrayLike) -> float:
        """The reward of an episode that asks for ``options`` [T], rounded to whole ones."""
        whole = np.clip(np.rint(np.asarray(options, dtype=np.float64)), 0, self.widths - 1)
        asked = whole.astype(np.int64)[:, None]
        return self.env.evaluate(self.problem.decisions.designs(asked)[0])

    def replay(self) -> NoReturn:
        """Plays the uniform design until the evaluations are spent: where there is no other."""
        while True:
            self.play(self.reference)

    def became(self) -> Ints:
        """Options [T] of the design that the environment made of the last episode."""
        return self.problem.decisions.options(self.env.run.designs[-1:])[:, 0]
