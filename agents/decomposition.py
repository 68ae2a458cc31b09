"""Return decomposition: an agent that learns what each decision contributes to the final reward.

A reward that is paid once, after all decisions, says little about any one of them; AMC's DDPG gives
every transition the whole of it.  This agent *decomposes* it: a return model

    link(reward) = b + sum_t q_t(a_t)

is regressed on finished episodes (return decomposition as in RUDDER, Arjona-Medina et al., 2019,
and Ren et al., 2022), a reward model for the next episode is drawn from its posterior (Thompson
sampling), and the episode is planned on that draw: dynamic programming over the decisions with a
Lagrange multiplier for the budget.  Costs are no secret, so planning uses the environment's cost
tables; accuracy is learned from rewards alone.  Where the reward is a ratio of compression at an
accuracy, accuracies are regressed on instead, and the cheapest design that a draw calls accurate
enough is tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.agents.aims import Aim, aim_of
from hwenvs.agents.planning import Planner
from hwenvs.agents.return_model import ReturnModel
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        warmup: random episodes before the first fit.
        warmup_spread: smallest and largest standard deviation of the log keep ratios in them.
        rates: decay rates of the basis functions ``exp(-rate a) - exp(-rate)``.
        deviations: prior standard deviations of a decision's own weights to choose from.
        links: exponents of the link to choose from.
        gaps: distances of the link's pole above the best reward to choose from.
        noise: observation noise, as a variance of the standardised target.
        focus: how fast the weight of an episode falls with its distance from the best.
        refresh: episodes between two choices of link and prior.
        exploration: scale of the posterior draws.
    """

    warmup: int = 50
    warmup_spread: tuple[float, float] = (0.1, 0.5)
    rates: tuple[float, ...] = (1.5, 4.0, 10.0, 25.0)
    deviations: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0)
    links: tuple[float, ...] = (0.5, 0.7, 1.0, 1.4)
    gaps: tuple[float, ...] = (0.3, 1.0, 3.0)
    noise: float = 0.01
    focus: float = 2.0
    refresh: int = 8
    exploration: float = 1.0

    def __post_init__(self) -> None:
        for name in ("warmup", "refresh"):
            if getattr(self, name) < 1:
                raise SolverError(
                    f"{name} of decomposition must be at least 1, not {getattr(self, name)}"
                )
        for name in ("rates", "deviations", "links", "gaps"):
            found = getattr(self, name)
            if not found or min(found) <= 0:
                raise SolverError(f"{name} of decomposition must be positive numbers, not {found}")
        if not self.noise > 0:
            raise SolverError(f"noise of decomposition must be positive, not {self.noise}")
        for name in ("focus", "exploration"):
            if getattr(self, name) < 0:
                raise SolverError(
                    f"{name} of decomposition must not be negative, not {getattr(self, name)}"
                )
        spread = self.warmup_spread
        if len(spread) != 2 or not 0 <= spread[0] <= spread[1]:
            raise SolverError(
                f"warmup_spread of decomposition must be a range from 0 on, not {spread}"
            )


class Decomposition(Configured[Settings]):
    """Learns a decomposed return model and plans on posterior draws of it.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``decomposition.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "decomposition"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:
        """Plays episodes until the evaluations are spent.

        Raises:
            SolverError: if the problem's decisions are not a chain with known costs.
        """
        problem = env.chain()
        random = np.random.default_rng(seed)
        planner = Planner(problem)
        aim = aim_of(problem, planner)
        model = ReturnModel(planner, self.settings)
        history: list[Ints] = []
        while True:
            if len(history) < self.settings.warmup:
                options = aim.explore(random, self.settings.warmup_spread)
            else:
                returns = aim.returns(env.run)
                model.fit(np.array(history), returns, aim.focus(returns))
                options = self._propose(aim, model, history, random)
            env.evaluate(problem.decisions.designs(options[:, None])[0])
            history.append(problem.decisions.options(env.run.designs[-1:])[:, 0])

    def _propose(
        self,
        aim: Aim,
        model: ReturnModel,
        history: list[Ints],
        random: np.random.Generator,
    ) -> Ints:
        """Options [T] that are best under a posterior draw and were not tried before."""
        tried = {tuple(options) for options in history}
        scale = self.settings.exploration
        options = aim.plan(model.draw(random, scale))
        for _ in range(6):
            if tuple(options) not in tried:
                break
            scale *= 2
            options = aim.plan(model.draw(random, scale))
        return options
