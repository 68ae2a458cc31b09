"""A genetic algorithm on the options of a chain, by pymoo (Blank and Deb, IEEE Access 2020)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from pymoo.algorithms.base.genetic import GeneticAlgorithm
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.config import Config
from pymoo.core.problem import Problem
from pymoo.core.termination import NoTermination
from pymoo.operators.crossover.ux import UX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair

from hwenvs.baselines.ranges import Ints, OptionRange
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured

Config.show_compile_hint = False  # pymoo would print it

ROUNDS = 20
"""Rounds of mating in which no new child may be found, before evolution starts over."""


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        population: designs that live at a time.
        crossover: probability that two parents mix their options, instead of being copied.
        mutation_eta: of polynomial mutation: the larger, the nearer to the parent's option.
    """

    population: int = 30
    crossover: float = 0.9
    mutation_eta: float = 3.0

    def __post_init__(self) -> None:
        check("genetic", self.population, self.crossover, self.mutation_eta)


class Genetic(Configured[Settings]):
    """Evolves designs: tournaments, uniform crossover, mutations of single options.

    Crossover hands on whole options, and mutations are rounded to options, so children are designs
    without further ado.  The environment lowers what the budget cannot bear; the child lives as
    what became of it.  Children equal to somebody alive are not born.  The first design is the
    uniform one, the rest of the first population is random.  When no new children can be born,
    evolution starts over with a random population.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``genetic.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "genetic"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:
        """Evolves until the evaluations are spent.

        Raises:
            SolverError: if decisions are not options.
        """
        settings = self.settings
        space = OptionRange.of(env)

        def start(first: Ints, seed: int) -> GeneticAlgorithm:
            return GA(
                pop_size=settings.population,
                sampling=first,
                seed=seed,
                **operators(settings.crossover, settings.mutation_eta),
            )

        evolve(space, start, settings.population, lambda reward: (-reward,), uniformly, seed)


Draw = Callable[[OptionRange, int, np.random.Generator], Ints]
"""Draws a number of random designs as options [B, T]."""


def evolve(
    space: OptionRange,
    start: Callable[[Ints, int], GeneticAlgorithm],
    population: int,
    judge: Callable[[float], tuple[float, ...]],
    draw: Draw,
    seed: int,
) -> NoReturn:
    """Evolves until the evaluations are spent.

    Args:
        space: what to choose from.
        start: makes an algorithm of pymoo from its first population [B, T] and a seed.
        population: how many B.
        judge: the objectives of the last episode, given its reward; less is better.
        draw: the random designs of the first population.
        seed: of everything random.
    """
    random = np.random.default_rng(seed)
    first = draw(space, population, random)
    first[0] = space.reference
    while True:
        algorithm = start(first, int(random.integers(2**32)))
        bounds = {"xl": np.zeros(len(space.widths)), "xu": space.widths - 1}
        # Objectives are filled in from outside; pymoo has to know the bounds only.
        algorithm.setup(Problem(len(space.widths), **bounds), termination=NoTermination())
        algorithm.mating.n_max_iterations = ROUNDS
        born = algorithm.ask()
        while born is not None and len(born):
            for child in born:
                child.F = np.array(judge(space.play(child.X)))
                child.X = space.became()
            algorithm.tell(infills=born)
            born = algorithm.ask()
        first = draw(space, population, random)


def operators(crossover: float, mutation_eta: float) -> dict[str, Any]:
    """Crossover and mutation of whole numbers, as arguments of pymoo's algorithms."""
    return {
        "crossover": UX(prob=crossover),
        "mutation": PM(prob=1.0, eta=mutation_eta),
        "repair": RoundingRepair(),
    }


def uniformly(space: OptionRange, count: int, random: np.random.Generator) -> Ints:
    """Options [count, T], each as likely as any other."""
    return random.integers(space.widths, size=(count, len(space.widths)))


def check(name: str, population: int, crossover: float, mutation_eta: float) -> None:
    """Refuses settings of solver ``name`` that make no sense.

    Raises:
        SolverError: naming the setting and what would be valid.
    """
    if population < 2:
        raise SolverError(f"population of {name} must be at least 2, not {population}")
    if not 0 <= crossover <= 1:
        raise SolverError(f"crossover of {name} must be a probability, not {crossover}")
    if not 1 <= mutation_eta <= 100:
        raise SolverError(f"mutation_eta of {name} must be from 1 to 100, not {mutation_eta}")
