"""Random search: every action uniformly at random, through the environment as an agent would."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

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
            SolverError: if actions are not a bounded ``Box``.
        """
        box = bounded_box(env, self.name)
        random = np.random.default_rng(seed)
        while True:
            drawn = random.random((env.problem.horizon, *box.shape), dtype=np.float32)
            env.play(box.low + drawn * (box.high - box.low))
