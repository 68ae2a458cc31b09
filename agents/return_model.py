"""What each decision is believed to contribute to the final reward, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwenvs.agents.planning import Planner

if TYPE_CHECKING:
    from hwenvs.agents.decomposition import Settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INTERCEPT_VARIANCE = 100.0
"""Of the prior of what is added to all contributions."""

SHARED_VARIANCE = 1.0
"""Of the prior of the weights that all decisions share."""


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
