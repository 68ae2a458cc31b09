"""Return decomposition: an agent that learns what each decision contributes to the final reward.

A reward that is paid once, after all decisions, says little about any one of them; AMC's DDPG gives
every transition the whole of it.  This agent *decomposes* it: a return model

    link(reward) = b + sum_t q_t(a_t)

is regressed on finished episodes (return decomposition as in RUDDER, Arjona-Medina et al., 2019,
and Ren et al., 2022), a reward model for the next episode is drawn from its posterior (Thompson
sampling), and the episode is planned on that draw: dynamic programming over the decisions with a
Lagrange multiplier for the budget.  Costs are no secret, so planning uses the environment's cost
tables; accuracy is learned from rewards alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import ArgumentError
from hwenvs.hyperparameters import load_hyperparameters
from hwenvs.problems.chain import ChainProblem
from hwenvs.solving import Recorder

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


class Decomposition:
    """Learns a decomposed return model and plans on posterior draws of it.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``decomposition.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
    """

    name = "decomposition"
    deterministic = True

    def __init__(self, **hyperparameters: Any) -> None:
        self.settings = load_hyperparameters(
            Settings, Path(__file__).with_suffix(".yaml"), hyperparameters
        )
        self.hyperparameters: Mapping[str, Any] = asdict(self.settings)

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
        model = ReturnModel(planner, self.settings)
        history: list[Ints] = []
        rewards: list[float] = []
        while True:
            if len(history) < self.settings.warmup:
                options = planner.random_options(random, self.settings.warmup_spread)
            else:
                model.fit(np.array(history), np.array(rewards))
                options = self._propose(planner, model, history, random)
            design = problem.decisions.designs(options[:, None])[0]
            rewards.append(env.evaluate(design))
            history.append(problem.decisions.options(env.run.designs[-1:])[:, 0])

    def _propose(
        self,
        planner: Planner,
        model: ReturnModel,
        history: list[Ints],
        random: np.random.Generator,
    ) -> Ints:
        """Options [T] that are best under a posterior draw and were not tried before."""
        tried = {tuple(options) for options in history}
        scale = self.settings.exploration
        options = planner.plan(model.draw(random, scale))
        for _ in range(6):
            if tuple(options) not in tried:
                break
            scale *= 2
            options = planner.plan(model.draw(random, scale))
        return options


class Planner:
    """What is known without evaluating: options and their costs.

    Args:
        problem: the problem; only its options, its cost tables and its budget are read.
    """

    def __init__(self, problem: ChainProblem) -> None:
        self.problem = problem
        self.ratios = [np.asarray(d.kept) / d.size for d in problem.decisions]
        self.limit = problem.budget.limit
        widths = [len(ratios) for ratios in self.ratios]
        self.costs = [
            np.asarray(cost).reshape(-1, width)[: widths[t - 1] if t else 1]
            for t, (cost, width) in enumerate(zip(problem.budget.cost, widths, strict=True))
        ]

    def cost(self, options: Ints) -> float:
        """Budgeted cost of ``options`` [T] in SI units."""
        spent, previous = self.problem.budget.before[0], 0
        for cost, option in zip(self.costs, options, strict=True):
            spent += cost[previous, option]
            previous = option
        return float(spent)

    def random_options(self, random: np.random.Generator, spread: tuple[float, float]) -> Ints:
        """Random options at the budget: a drift over depth plus noise, scaled until it fits."""
        width, count = random.uniform(*spread), len(self.ratios)
        drift = np.interp(np.linspace(0, 3, count), range(4), random.normal(0, width, 4))
        ratios = np.exp(drift + random.normal(0, width, count))
        low, high = 0.0, float(1 / ratios.min())
        best = self._nearest(0.0 * ratios)
        for _ in range(20):
            middle = (low + high) / 2
            options = self._nearest(middle * ratios)
            if self.cost(options) <= self.limit:
                low, best = middle, options
            else:
                high = middle
        return best

    def plan(self, values: list[Floats]) -> Ints:
        """Options [T] with the largest sum of ``values`` that the budget allows.

        A Lagrange multiplier prices the budget; for each price the best options come from dynamic
        programming over the decisions.
        """
        best = self._priced(values, 0.0)
        if self.cost(best) <= self.limit:
            return best
        best = self._priced(values, np.exp(8.0) / self.limit)
        low, high = -18.0, 8.0
        for _ in range(16):
            middle = (low + high) / 2
            options = self._priced(values, np.exp(middle) / self.limit)
            if self.cost(options) <= self.limit:
                high, best = middle, options
            else:
                low = middle
        return self._filled(values, best)

    def _filled(self, values: list[Floats], options: Ints) -> Ints:
        """``options`` [T] after spending what is left of the budget, best change first.

        Prices reach only designs on the convex hull of value and cost; single changes reach more.
        """
        options = options.copy()
        while True:
            left = self.limit - self.cost(options)
            best, change = 0.0, None
            for t, value in enumerate(values):
                costs = self.costs[t][options[t - 1] if t else 0]
                if t + 1 < len(values):
                    costs = costs + self.costs[t + 1][:, options[t + 1]]
                gain = value - value[options[t]]
                gain[costs - costs[options[t]] > left] = 0.0
                pick = int(gain.argmax())
                if gain[pick] > best:
                    best, change = float(gain[pick]), (t, pick)
            if change is None:
                return options
            options[change[0]] = change[1]

    def _priced(self, values: list[Floats], price: float) -> Ints:
        total, back = np.zeros(1), []
        for gain, cost in zip(values, self.costs, strict=True):
            table = total[:, None] - price * cost
            choice = table.argmax(0)
            total = table[choice, np.arange(len(gain))] + gain
            back.append(choice)
        options = np.empty(len(values), dtype=np.int64)
        options[-1] = total.argmax()
        for t in range(len(values) - 1, 0, -1):
            options[t - 1] = back[t][options[t]]
        return options

    def _nearest(self, wanted: Floats) -> Ints:
        return np.array(
            [np.abs(ratios - w).argmin() for ratios, w in zip(self.ratios, wanted, strict=True)]
        )


class ReturnModel:
    """Bayesian linear regression of the linked reward on per-decision basis functions.

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
        self._fits = 0

    def fit(self, options: Ints, rewards: Floats) -> None:
        """Fits on finished episodes ``options`` [n, T] with ``rewards`` [n]."""
        inputs = self._inputs(options)
        spread = max(float(np.quantile(rewards, 0.9) - np.quantile(rewards, 0.5)), 1e-9)
        distance = (rewards.max() - rewards) / spread
        weights = np.exp(-self.settings.focus * np.minimum(distance, 6.0))
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
        (self._error, self._mean, self._root), self._choice = min(fits, key=lambda f: f[0][0])

    def draw(self, random: np.random.Generator, scale: float) -> list[Floats]:
        """Contributions of every option of every decision under a draw from the posterior."""
        noise = self._root @ random.normal(size=len(self._mean))
        weights = self._mean + scale * np.sqrt(self._error) * noise
        rates = len(self.settings.rates)
        own = weights[: self._own].reshape(-1, rates) + weights[self._own : self._own + rates]
        return [basis @ w for basis, w in zip(self.basis, own, strict=True)]

    def _inputs(self, options: Ints) -> Floats:
        own = np.stack([basis[column] for basis, column in zip(self.basis, options.T, strict=True)])
        rows = own.transpose(1, 0, 2).reshape(len(options), -1)
        return np.column_stack([rows, own.sum(0), np.ones(len(options))])

    def _solve(
        self, inputs: Floats, distance: Floats, weights: Floats, gap: float, link: float, own: float
    ) -> tuple[float, Floats, Floats]:
        """Leave-one-out error, posterior mean and root of the posterior covariance."""
        target = -((distance + gap) ** link)
        centre = np.average(target, weights=weights)
        target = (target - centre) / np.sqrt(np.average((target - centre) ** 2, weights=weights))
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
        return float((residual**2).mean()), prior * mean, prior[:, None] * root
