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

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.agents.aims import Aim, aim_of
from hwenvs.agents.planning import Planner
from hwenvs.errors import ArgumentError
from hwenvs.problems.chain import ChainProblem
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
INTERCEPT_VARIANCE = 100.0
SHARED_VARIANCE = 1.0


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


class Decomposition(Configured[Settings]):
    """Learns a decomposed return model and plans on posterior draws of it.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``decomposition.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
    """

    name = "decomposition"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:
        """Plays episodes until the evaluations are spent.

        Raises:
            ArgumentError: if the problem's decisions are not a chain with known costs.
        """
        problem = env.problem
        if not isinstance(problem, ChainProblem):
            raise ArgumentError(f"{self.name} needs a chain problem, not {type(problem).__name__}")
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


@dataclass(frozen=True)
class Draw:
    """A return model drawn from the posterior.

    Attributes:
        values: per decision what each of its options contributes [K], linked.
        intercept: what is added to their sum.
        link: turns a return into its linked value.
    """

    values: list[Floats]
    intercept: float
    link: Callable[[float], float]

    def reaches(self, options: Ints, level: float) -> bool:
        """Whether ``options`` [T] are believed to return ``level`` or more."""
        gained = sum(float(v[option]) for v, option in zip(self.values, options, strict=True))
        return gained + self.intercept >= self.link(level)


@dataclass(frozen=True)
class Fit:
    """A regression.

    Attributes:
        error: leave-one-out.
        mean: of the posterior.
        root: of the posterior's covariance.
        centre, scale: what linked returns were standardised with.
    """

    error: float
    mean: Floats
    root: Floats
    centre: float
    scale: float


class ReturnModel:
    """Bayesian linear regression of the linked return on per-decision basis functions.

    Every decision has weights of its own around weights that all decisions share.  Link exponent,
    pole and prior are chosen by leave-one-out error.

    Args:
        planner: knows the options.
        settings: hyper-parameters.
    """

    def __init__(self, planner: Planner, settings: Settings) -> None:
        self.settings = settings
        rates = np.array(settings.rates)
        self.basis = [np.exp(-np.outer(r, rates)) - np.exp(-rates) for r in planner.ratios]
        self._own = len(self.basis) * len(rates)
        self._choice: tuple[float, float, float] | None = None
        self._best, self._spread, self._fits = 0.0, 1.0, 0

    def fit(self, options: Ints, returns: Floats, focus: float) -> None:
        """Fits on finished episodes ``options`` [n, T] that brought ``returns`` [n].

        Args:
            options: option indices.
            returns: what was paid.
            focus: return around which episodes count most.
        """
        inputs = self._inputs(options)
        self._best = float(returns.max())
        self._spread = max(float(np.quantile(returns, 0.9) - np.quantile(returns, 0.5)), 1e-9)
        distance = (self._best - returns) / self._spread
        away = np.abs(focus - returns) / self._spread
        weights = np.exp(-self.settings.focus * np.minimum(away, 6.0))
        settings = self.settings
        choices = [
            (gap, link, own)
            for gap in settings.gaps
            for link in settings.links
            for own in settings.deviations
        ]
        if self._choice is not None and self._fits % settings.refresh:
            choices = [self._choice]
        self._fits += 1
        fits = [(self._solve(inputs, distance, weights, *c), c) for c in choices]
        self._found, self._choice = min(fits, key=lambda f: f[0].error)

    def draw(self, random: np.random.Generator, scale: float) -> Draw:
        """A draw from the posterior, ``scale`` times as wide."""
        found = self._found
        noise = found.root @ random.normal(size=len(found.mean))
        weights = found.mean + scale * np.sqrt(found.error) * noise
        rates = len(self.settings.rates)
        own = weights[: self._own].reshape(-1, rates) + weights[self._own : self._own + rates]
        values = [basis @ w for basis, w in zip(self.basis, own, strict=True)]
        return Draw(values, float(weights[-1]), self._linked)

    def _linked(self, level: float) -> float:
        assert self._choice is not None
        gap, link, _ = self._choice
        distance = max((self._best - level) / self._spread, 0.0)
        return float((-((distance + gap) ** link) - self._found.centre) / self._found.scale)

    def _inputs(self, options: Ints) -> Floats:
        own = np.stack([basis[column] for basis, column in zip(self.basis, options.T, strict=True)])
        rows = own.transpose(1, 0, 2).reshape(len(options), -1)
        return np.column_stack([rows, own.sum(0), np.ones(len(options))])

    def _solve(
        self, inputs: Floats, distance: Floats, weights: Floats, gap: float, link: float, own: float
    ) -> Fit:
        target = -((distance + gap) ** link)
        centre = float(np.average(target, weights=weights))
        # Episodes that all brought the same say nothing: a target of zeros.
        scale = max(float(np.sqrt(np.average((target - centre) ** 2, weights=weights))), 1e-12)
        target = (target - centre) / scale
        prior = np.full(inputs.shape[1], own)
        prior[self._own :] = np.sqrt(SHARED_VARIANCE)
        prior[-1] = np.sqrt(INTERCEPT_VARIANCE)
        heavy = np.sqrt(weights)
        rows = inputs * prior * heavy[:, None]
        precision = rows.T @ rows + self.settings.noise * np.eye(rows.shape[1])
        inverse = np.linalg.inv(precision)
        mean = inverse @ (rows.T @ (heavy * target))
        leverage = ((rows @ inverse) * rows).sum(1)
        residual = (heavy * target - rows @ mean) / (1 - np.minimum(leverage, 0.999))
        root = np.linalg.cholesky((inverse + inverse.T) / 2)
        error = float((residual**2).mean())
        return Fit(error, prior * mean, prior[:, None] * root, centre, scale)
