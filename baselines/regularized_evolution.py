"""Regularized evolution (Real et al., AAAI 2019): ageing populations, on options of any chain."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.baselines.ranges import OptionRange
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        population: designs that live at a time; the oldest dies when another is born.
        tournament: designs drawn, of which the best has a child.
        mutations: decisions of a child that are drawn anew, on average; at least one.
    """

    population: int = 50
    tournament: int = 12
    mutations: float = 1.0

    def __post_init__(self) -> None:
        for name in ("population", "tournament", "mutations"):
            if not getattr(self, name) >= 1:
                raise SolverError(
                    f"{name} of regularized-evolution must be at least 1, not {getattr(self, name)}"
                )


class RegularizedEvolution(Configured[Settings]):
    """Evolves designs: the best of a random few has a child, and the oldest design dies.

    Decisions are integers, and so are mutations: a child differs in single options, each drawn
    uniformly.  The environment lowers what the budget cannot bear; the child lives as what became
    of it.  The first design is the uniform one, the rest of the first population is random.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``regularized_evolution.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "regularized-evolution"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:
        """Evolves until the evaluations are spent.

        Raises:
            SolverError: if decisions are not options.
        """
        settings, random = self.settings, np.random.default_rng(seed)
        space = OptionRange.of(env)
        widths, options = space.widths, space.reference
        if widths.max() == 1:
            space.replay()
        alive: deque[tuple[float, Ints]] = deque()
        while True:
            reward = space.play(options)
            alive.append((reward, space.became()))
            if len(alive) < settings.population:
                options = random.integers(widths)
                continue
            if len(alive) > settings.population:
                alive.popleft()
            drawn = random.choice(len(alive), min(settings.tournament, len(alive)), replace=False)
            parent = max((alive[index] for index in drawn), key=lambda one: one[0])[1]
            options = self._mutated(parent, widths, random)

    def _mutated(self, parent: Ints, widths: Ints, random: np.random.Generator) -> Ints:
        """A child [T]: at least one decision has another option."""
        free = np.flatnonzero(widths > 1)
        changed = random.random(len(free)) < (self.settings.mutations - 1) / max(len(free) - 1, 1)
        changed[random.integers(len(free))] = True
        child = parent.copy()
        places = free[changed]
        # One of the other options each, uniformly.
        child[places] = (child[places] + 1 + random.integers(widths[places] - 1)) % widths[places]
        return child
