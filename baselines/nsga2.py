"""NSGA-II (Deb et al., IEEE TEC 2002): fronts of accuracy against a cost, by pymoo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pymoo.algorithms.base.genetic import GeneticAlgorithm
from pymoo.algorithms.moo.nsga2 import NSGA2 as PYMOO

from hwenvs.baselines.genetic import check, evolve, operators
from hwenvs.baselines.ranges import Ints, OptionRange
from hwenvs.errors import unknown_name
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured

SPREAD = 4.0
"""Options of a random design are drawn as fractions to a power between 1 / SPREAD and SPREAD."""


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        quantity: the cost, e.g. ``"latency"``; empty for the one that the environment budgets.
        population: designs that live at a time: the resolution of the front.
        crossover: probability that two parents mix their options, instead of being copied.
        mutation_eta: of polynomial mutation: the larger, the nearer to the parent's option.
    """

    quantity: str = ""
    population: int = 40
    crossover: float = 0.9
    mutation_eta: float = 3.0

    def __post_init__(self) -> None:
        check("nsga2", self.population, self.crossover, self.mutation_eta)


class NSGA2(Configured[Settings]):
    """Evolves a front of designs, accurate ones and cheap ones; it never looks at the reward.

    The front is read from the record: :func:`hwenvs.reporting.fronts.front`.  A hard budget bounds
    it: designs above are lowered into it.  ``budget=1.0``, the uncompressed network's cost, leaves
    the whole range; so does ``budget=None`` where the reward allows that.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``nsga2.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "nsga2"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:
        """Evolves until the evaluations are spent.

        Raises:
            SolverError: if decisions are not options.
            UnknownNameError: if the environment reports no such cost.
        """
        settings, run = self.settings, env.run
        space = OptionRange.of(env)
        quantity = settings.quantity or space.problem.budget.quantity
        if quantity not in space.problem.full_costs:
            raise unknown_name("cost", quantity, space.problem.full_costs)

        def start(first: Ints, seed: int) -> GeneticAlgorithm:
            return PYMOO(
                pop_size=settings.population,
                sampling=first,
                seed=seed,
                **operators(settings.crossover, settings.mutation_eta),
            )

        def judge(reward: float) -> tuple[float, ...]:  # noqa: ARG001
            return -run.accuracies[-1], run.costs[quantity][-1]

        evolve(space, start, settings.population, judge, at_all_sizes, seed)


def at_all_sizes(space: OptionRange, count: int, random: np.random.Generator) -> Ints:
    """Options [count, T]: of small designs and of large ones.

    Uniform options of many decisions would all cost about half: then both ends of the front would
    have to be reached by mutations.
    """
    power = SPREAD ** random.uniform(-1, 1, (count, 1))
    fraction = random.random((count, len(space.widths))) ** power
    drawn: Ints = np.minimum((fraction * space.widths).astype(np.int64), space.widths - 1)
    return drawn
