"""Differential evolution (Storn and Price, 1997) on the options of a chain, by SciPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeResult, differential_evolution

from hwenvs.baselines.ranges import Floats, OptionRange
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured

STRATEGIES = (
    "best1bin",
    "rand1bin",
    "best2bin",
    "rand2bin",
    "randtobest1bin",
    "currenttobest1bin",
)
"""Those of SciPy with binomial crossover."""


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        population: designs that live at a time.
        strategy: how a trial is made of others, see :data:`STRATEGIES`.
        mutation: range from which each generation draws the weight of differences.
        crossover: probability that an option of a trial is the mutated one.
    """

    population: int = 30
    strategy: str = "best1bin"
    mutation: tuple[float, ...] = (0.5, 1.0)
    crossover: float = 0.7

    def __post_init__(self) -> None:
        name = "differential-evolution"
        if self.population < 6:
            raise SolverError(f"population of {name} must be at least 6, not {self.population}")
        if self.strategy not in STRATEGIES:
            known = ", ".join(STRATEGIES)
            raise SolverError(f"strategy of {name} must be one of {known}; not {self.strategy!r}")
        if len(self.mutation) != 2 or not 0 <= self.mutation[0] <= self.mutation[1] < 2:
            raise SolverError(f"mutation of {name} must be a range in [0, 2), not {self.mutation}")
        if not 0 <= self.crossover <= 1:
            raise SolverError(f"crossover of {name} must be a probability, not {self.crossover}")


class DifferentialEvolution(Configured[Settings]):
    """Moves designs by differences of others; trials are rounded to options.

    The first design is the uniform one, the rest of the first population is random.  When all
    designs of a population earn the same, another starts from random ones.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in
            ``differential_evolution.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "differential-evolution"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:
        """Evolves until the evaluations are spent.

        Raises:
            SolverError: if decisions are not options.
        """
        settings, random = self.settings, np.random.default_rng(seed)
        space = OptionRange.of(env)
        free = np.flatnonzero(space.widths > 1)
        top = (space.widths - 1)[free]
        if not len(free):
            space.replay()

        def loss(options: Floats) -> float:
            asked = space.reference.copy()
            asked[free] = np.rint(options)
            return -space.play(asked)

        first = random.integers(top + 1, size=(settings.population, len(free)))
        first[0] = space.reference[free]
        while True:
            differential_evolution(
                loss,
                list(zip(np.zeros(len(free)), top, strict=True)),
                strategy=settings.strategy,
                init=first,
                mutation=settings.mutation,
                recombination=settings.crossover,
                integrality=np.ones(len(free), dtype=bool),
                maxiter=env.run.evaluations,
                tol=0.0,
                polish=False,
                callback=_flat,
                rng=random,
            )
            first = random.integers(top + 1, size=(settings.population, len(free)))


def _flat(intermediate_result: OptimizeResult) -> bool:
    """Whether all designs earn the same; SciPy's own look at the spread is misled by rounding."""
    return bool(np.ptp(intermediate_result.population_energies) == 0.0)
