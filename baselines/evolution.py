"""CMA-ES: covariance matrix adaptation (Hansen, 2016) on the actions of an episode, by pycma."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cma
import numpy as np
from numpy.typing import NDArray

from hwenvs.baselines.ranges import episode_range
from hwenvs.errors import SolverError
from hwenvs.hyperparameters import Configured
from hwenvs.relaxing import relaxed
from hwenvs.solving import Recorder

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        sigma: standard deviation of the first generation, as a fraction of the actions' range.
        growth: factor on the population with every restart (Auger and Hansen, 2005).
    """

    sigma: float = 0.2
    growth: float = 2.0

    def __post_init__(self) -> None:
        if not self.sigma > 0:
            raise SolverError(f"sigma of cma-es must be positive, not {self.sigma}")
        if not self.growth >= 1:
            raise SolverError(f"growth of cma-es must be at least 1, not {self.growth}")


class CMAES(Configured[Settings]):
    """Evolves the T actions of an episode, starting from those of the uniform design.

    When a run has converged and evaluations are left, another starts from a random point with a
    larger population.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``evolution.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "cma-es"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:
        """Evolves until the evaluations are spent.

        Raises:
            SolverError: if actions are not a bounded ``Box``.
        """
        random, env = np.random.default_rng(seed), relaxed(env)
        low, high, reference = episode_range(env, self.name)
        span = high - low
        start = (reference - low) / span
        population = 4 + int(3 * np.log(len(start)))
        with legacy_generator(int(random.integers(2**32))):
            while True:
                evolution = cma.CMAEvolutionStrategy(
                    start,
                    self.settings.sigma,
                    {"bounds": [0, 1], "popsize": population, "seed": np.nan, "verbose": -9},
                )
                while not evolution.stop():
                    points = evolution.ask()
                    losses = [-env.play(_actions(point, low, span)) for point in points]
                    evolution.tell(points, losses)
                start = random.random(len(start))
                population = int(population * self.settings.growth)


def _actions(point: Floats, low: Floats, span: Floats) -> Floats:
    # pycma keeps points within bounds up to rounding.
    return low + np.minimum(np.maximum(point, 0.0), 1.0) * span


@contextmanager
def legacy_generator(seed: int) -> Iterator[None]:
    """Seeds numpy's global generator, which pycma draws from, and leaves it as it was."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
