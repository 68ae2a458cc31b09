"""A second certificate of the optimum, by integer programming (HiGHS through SciPy).

Nothing is shared with the label search of :mod:`hwenvs.baselines.exact` but the tables and the
shortest paths, and there may be as many budgets as one likes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from hwenvs.baselines.program import Program
from hwenvs.baselines.targets import Objective
from hwenvs.errors import SolverError
from hwenvs.problems import Problem
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured

GAP = 1e-8
"""Relative gap of the objective that counts as none."""


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        seconds: that HiGHS may take; the certificate names the gap that is left then.
    """

    seconds: float = 120.0

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise SolverError(f"seconds of milp must be positive, not {self.seconds}")


@dataclass(frozen=True)
class Certified:
    """The best design that HiGHS found, and how sure that is.

    Attributes:
        design: [T] its entries.
        reward: its reward, as the environment pays it.
        bound: no design earns more than this, within HiGHS's tolerances.
        proved: whether HiGHS closed the gap up to :data:`GAP`.
        arcs: binary variables.
        seconds: wall time.
    """

    design: tuple[int, ...]
    reward: float
    bound: float
    proved: bool
    arcs: int
    seconds: float


class MILP(Configured[Settings]):
    """Evaluates the optimum of :func:`find_optimum` once.

    Like ``exact`` it reads the accuracy tables behind the rewards.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``milp.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "milp"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:  # noqa: ARG002
        """Evaluates the one design.

        Raises:
            SolverError: as :func:`find_optimum`.
        """
        env.evaluate(find_optimum(env.problem, self.settings.seconds).design)


def find_optimum(problem: Problem, seconds: float = 120.0) -> Certified:
    """The best design of ``problem``.

    Args:
        problem: a chain problem on a surrogate proxy.
        seconds: that HiGHS may take.

    Raises:
        SolverError: if the problem is not a chain of tables, its reward is not linear in the
            divergence or in a cost, or no design is found that is within the limits.
    """
    started = time.perf_counter()
    objective = Objective.of(problem)
    program = Program(objective)
    least = program.solve(started + seconds)
    assert program.best is not None
    design = program.design(program.best)
    outcome = objective.problem.evaluate([design])
    if not outcome.feasible[0]:
        raise SolverError(f"milp on {problem.title}: the best design found exceeds the budget")
    reward = float(outcome.reward[0])
    return Certified(
        tuple(int(entry) for entry in outcome.designs[0]),
        reward,
        max(program.reward(least), reward),
        program.least - least <= GAP * abs(program.least),
        len(program.goal),
        time.perf_counter() - started,
    )
