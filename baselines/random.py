"""Random search: every action uniformly at random, through the environment as an agent would."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn

import numpy as np
from gymnasium import spaces

from hwenvs.baselines.ranges import bounded_box
from hwenvs.solving import Recorder


class RandomSearch:
    """Uniform actions.

    Designs are not uniform: where decisions are bounded in turn, early ones spend the budget.
    """

    name = "random"
    deterministic = True
    hyperparameters: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def solve(self, env: Recorder, seed: int) -> None:
        """Plays random episodes until the evaluations are spent.

        Raises:
            SolverError: if actions are neither choices nor a bounded ``Box``.
        """
        if isinstance(env.action_space, spaces.Discrete):
            self._choose(env, np.random.default_rng(seed))
        box = bounded_box(env, self.name)
        random = np.random.default_rng(seed)
        while True:
            drawn = random.random((env.problem.horizon, *box.shape), dtype=np.float32)
            env.play(box.low + drawn * (box.high - box.low))

    def _choose(self, env: Recorder, random: np.random.Generator) -> NoReturn:
        """Plays episodes of choices, uniform among those that are not masked."""
        while True:
            _, info = env.reset()
            ended = False
            while not ended:
                choice = random.choice(np.flatnonzero(info["action_mask"]))
                _, _, ended, _, info = env.step(choice)
