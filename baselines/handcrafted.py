"""Rules of thumb: one design each, without looking at accuracy.

AMC compares itself with three policies: *uniform* prunes all layers alike, *shallow* prunes the
shallow layers harder, *deep* the deep ones (He et al., ECCV 2018, table 2; the numbers behind them
are not printed).  Here shallow and deep are straight lines over depth: the first and the last
decision's keep ratios lie ``slope`` apart, and the line is lifted as high as the budget allows;
what it asks beyond a decision's options is cut off there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import SolverError
from hwenvs.problems.chain import ChainProblem
from hwenvs.solving import Recorder

Ints = NDArray[np.int64]

LEVELS = 1024
"""Heights of the line that are tried; far finer than the options of any decision."""


class Uniform:
    """The largest common keep ratio that meets the budget: the environments' score 0."""

    name = "uniform"
    deterministic = True
    hyperparameters: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def solve(self, env: Recorder, seed: int) -> None:  # noqa: ARG002
        """Evaluates the one design."""
        env.evaluate(env.problem.reference.designs[0])


class Ramp:
    """Keep ratios on a line over depth.

    Args:
        slope: how far the keep ratios of the first and the last decision lie apart, in (0, 1].

    Raises:
        SolverError: if the slope is not in (0, 1].
    """

    name: ClassVar[str]
    direction: ClassVar[float]
    deterministic = True

    def __init__(self, slope: float = 0.5) -> None:
        if not isinstance(slope, int | float) or not 0 < slope <= 1:
            raise SolverError(f"slope of {self.name} must be a number in (0, 1], not {slope!r}")
        self.hyperparameters: Mapping[str, Any] = {"slope": float(slope)}

    def solve(self, env: Recorder, seed: int) -> None:  # noqa: ARG002
        """Evaluates the one design.

        Raises:
            SolverError: if the problem's decisions are not quantities with known costs.
        """
        env.evaluate(self.design(env.chain()))

    def design(self, problem: ChainProblem) -> Ints:
        """The design [T] of the highest line that meets the budget."""
        slope = self.hyperparameters["slope"]
        depth = np.linspace(-0.5, 0.5, problem.horizon) if problem.horizon > 1 else np.zeros(1)
        heights = np.linspace(-slope / 2, 1.0 + slope / 2, LEVELS)
        ratios = np.clip(heights[:, None] + self.direction * slope * depth, 0.0, 1.0)
        sizes = np.array([decision.size for decision in problem.decisions])
        asked = problem.decisions.nearest(np.maximum(np.rint(ratios * sizes), 1).astype(np.int64))
        rows = list(problem.tables.rows(asked))
        within = [budget.total(rows) <= budget.limit for budget in problem.budgets]
        fits = np.flatnonzero(np.all(within, axis=0))
        # On hardware whose costs are not monotone not even the lowest line need fit.
        options = asked[:, fits[-1:]] if len(fits) else problem.bounded(asked[:, :1])
        design: Ints = problem.decisions.designs(options)[0]
        return design


class Shallow(Ramp):
    """Prunes shallow layers harder than deep ones."""

    name = "shallow"
    direction = 1.0


class Deep(Ramp):
    """Prunes deep layers harder than shallow ones."""

    name = "deep"
    direction = -1.0
