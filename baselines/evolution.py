"""CMA-ES: covariance matrix adaptation (Hansen, 2016) on the actions of an episode, by pycma."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cma
import numpy as np

from hwenvs.baselines.ranges import Floats, OptionRange, episode_range
from hwenvs.baselines.seeding import legacy_generator
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured
from hwenvs.solving.relaxing import relaxed


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        sigma: standard deviation of the first generation, as a fraction of the actions' range.
        growth: factor on the population with every restart (Auger and Hansen, 2005).
        integers: whether options are evolved instead of actions, with pycma's handling of whole
            numbers, which keeps every option within reach (Marty et al., PPSN 2024).
    """

    sigma: float = 0.2
    growth: float = 2.0
    integers: bool = False

    def __post_init__(self) -> None:
        if not self.sigma > 0:
            raise SolverError(f"sigma of cma-es must be positive, not {self.sigma}")
        if not self.growth >= 1:
            raise SolverError(f"growth of cma-es must be at least 1, not {self.growth}")


class CMAES(Configured[Settings]):
    """Evolves the T actions (or options) of an episode, starting from those of the uniform design.

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
            SolverError: if actions are not a bounded ``Box``, or decisions are not options where
                ``integers`` asks for them.
        """
        random = np.random.default_rng(seed)
        space = _options(env) if self.settings.integers else _actions(relaxed(env))
        start = space.start
        while len(start) < 2:  # pycma needs two dimensions
            space.play(start)
            start = space.draw(random)
        population = 4 + int(3 * np.log(len(start)))
        with legacy_generator(int(random.integers(2**32))):
            while True:
                evolution = cma.CMAEvolutionStrategy(
                    start,
                    self.settings.sigma,
                    {"popsize": population, "seed": np.nan, "verbose": -9, **space.options},
                )
                while not evolution.stop():
                    points = evolution.ask()
                    losses = [-space.play(point) for point in points]
                    evolution.tell(points, losses)
                start = space.draw(random)
                population = int(population * self.settings.growth)


@dataclass(frozen=True, eq=False)
class _Space:
    """What is evolved.

    Attributes:
        start: the uniform design as a point.
        play: the reward of a point.
        draw: a random point.
        options: of pycma, the bounds among them.
    """

    start: Floats
    play: Callable[[Floats], float]
    draw: Callable[[np.random.Generator], Floats]
    options: dict[str, Any] = field(default_factory=dict)


def _actions(env: Recorder) -> _Space:
    """The actions of an episode, scaled to [0, 1]."""
    low, high, reference = episode_range(env, CMAES.name)
    span = high - low

    def play(point: Floats) -> float:
        # pycma keeps points within bounds up to rounding.
        return env.play(low + np.minimum(np.maximum(point, 0.0), 1.0) * span)

    def draw(random: np.random.Generator) -> Floats:
        return random.random(len(low))

    return _Space((reference - low) / span, play, draw, {"bounds": [0, 1]})


def _options(env: Recorder) -> _Space:
    """The options of a design, for decisions that have any choice."""
    space = OptionRange.of(env)
    free = np.flatnonzero(space.widths > 1)
    top = (space.widths - 1)[free].astype(np.float64)

    def play(point: Floats) -> float:
        asked = space.reference.astype(np.float64)
        asked[free] = point
        return space.play(asked)

    def draw(random: np.random.Generator) -> Floats:
        return random.random(len(free)) * top

    options = {
        # Half an option beyond the ends: the first and the last are as wide as the others.
        "bounds": [np.full(len(free), -0.5), top + 0.5],
        "CMA_stds": top,
        "integer_variables": list(range(len(free))),
    }
    return _Space(space.reference[free].astype(np.float64), play, draw, options)
