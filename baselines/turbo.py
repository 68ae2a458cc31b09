"""TuRBO: trust-region Bayesian optimisation (Eriksson et al., NeurIPS 2019), with BoTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from hwenvs.baselines.ranges import episode_range
from hwenvs.baselines.seeding import seeded_torch
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured
from hwenvs.solving.relaxing import relaxed

with warnings.catch_warnings():
    # GPyTorch still compiles a function with what torch has deprecated.
    warnings.filterwarnings("ignore", message=".*torch.jit.script", category=DeprecationWarning)
    from botorch.generation.sampling import MaxPosteriorSampling
    from botorch.models import SingleTaskGP
    from botorch.optim.fit import fit_gpytorch_mll_scipy
    from gpytorch.constraints import Interval
    from gpytorch.kernels import MaternKernel, ScaleKernel
    from gpytorch.likelihoods import GaussianLikelihood
    from gpytorch.mlls import ExactMarginalLogLikelihood

Play = Callable[[Tensor], list[float]]
"""Rewards of points [N, D] in the unit cube."""

PERTURBED = 20
"""Decisions of a candidate that differ from the best episode, about; the paper's number."""

LENGTH_SCALES, SIGNAL, NOISE = (0.005, 2.0), (0.05, 20.0), (1e-6, 1e-2)
"""Bounds of length scales and variances: those of the authors' implementation, but for the noise,
of which deterministic environments have none."""


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        startup: episodes of a trust region before its first model.
        batch: episodes between two models.
        candidates: points among which each of them is chosen.
        steps: of L-BFGS per model, at most.
        length: side of a new trust region, as a fraction of the actions' range.
        shortest: side below which the search starts over elsewhere.
        longest: largest side.
        successes: batches in a row with a new best episode that double the side.
    """

    startup: int = 20
    batch: int = 5
    candidates: int = 1000
    steps: int = 50
    length: float = 0.8
    shortest: float = 0.0078125
    longest: float = 1.6
    successes: int = 3

    def __post_init__(self) -> None:
        for name in ("startup", "batch", "candidates", "steps", "successes"):
            if getattr(self, name) < 1:
                raise SolverError(f"{name} of turbo must be at least 1, not {getattr(self, name)}")
        if self.startup < 2:
            raise SolverError("startup of turbo must be at least 2: of one there is no spread")
        if self.candidates < self.batch:
            raise SolverError(f"candidates of turbo must be at least its batch, {self.batch}")
        if not 0 < self.shortest < self.length <= self.longest:
            raise SolverError(
                "turbo needs 0 < shortest < length <= longest, not "
                f"{self.shortest}, {self.length}, {self.longest}"
            )


@dataclass
class TrustRegion:
    """How far from the best episode the next ones may lie.

    Attributes:
        length: side of the box, as a fraction of the actions' range.
        longest: largest side.
        patience: batches without a new best episode that halve the side.
        successes: batches in a row with one that double it.
    """

    length: float
    longest: float
    patience: int
    successes: int
    _won: int = 0
    _lost: int = 0

    def update(self, improved: bool) -> None:
        """Takes note of a batch."""
        self._won, self._lost = (self._won + 1, 0) if improved else (0, self._lost + 1)
        if self._won >= self.successes:
            self.length, self._won = min(2 * self.length, self.longest), 0
        elif self._lost >= self.patience:
            self.length, self._lost = self.length / 2, 0


class Turbo(Configured[Settings]):
    """Models rewards near the best episode only, in a box that breathes.

    A Gaussian process (Matern 5/2, a length scale per action) is fitted to the episodes of the
    trust region.  Thompson sampling chooses a batch of points from a box around the best of them,
    stretched along the length scales.  The box doubles after batches that improved and halves after
    such that did not; when it has become too small, the search starts over from random points.  The
    very first episode is the uniform design.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``turbo.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "turbo"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:
        """Searches trust region by trust region until the evaluations are spent.

        Raises:
            SolverError: if actions are not a bounded ``Box``.
        """
        env = relaxed(env)
        low, high, reference = episode_range(env, self.name)
        span = high - low

        def play(points: Tensor) -> list[float]:
            return [env.play(low + point * span) for point in points.numpy()]

        first = torch.from_numpy((reference - low) / span).double()
        with seeded_torch(seed), warnings.catch_warnings():
            # Jitter on a kernel matrix, fits that end before they converge: expected here.
            warnings.simplefilter("ignore")
            self._search(play, first)

    def _search(self, play: Play, first: Tensor) -> NoReturn:
        settings, dimension = self.settings, len(first)
        start: Tensor | None = first
        while True:
            points = _sobol(settings.startup, dimension)
            if start is not None:
                points[0], start = start, None
            rewards = play(points)
            patience = int(np.ceil(max(4, dimension) / settings.batch))
            region = TrustRegion(settings.length, settings.longest, patience, settings.successes)
            while region.length >= settings.shortest:
                chosen = self._choose(points, rewards, region.length)
                found = play(chosen)
                region.update(max(found) > max(rewards) + 1e-3 * abs(max(rewards)))
                points, rewards = torch.cat([points, chosen]), rewards + found

    def _choose(self, points: Tensor, rewards: list[float], length: float) -> Tensor:
        """A batch [q, D] by Thompson sampling, given ``points`` [N, D] and their rewards [N]."""
        values = torch.tensor(rewards, dtype=torch.float64)[:, None]
        values = (values - values.mean()) / values.std().clamp_min(1e-9)
        model = _fitted(points, values, self.settings.steps)
        candidates = self._candidates(points[int(values.argmax())], model, length)
        sampling = MaxPosteriorSampling(model, replacement=False)
        with torch.no_grad():
            chosen: Tensor = sampling(candidates, num_samples=self.settings.batch)
        return chosen

    def _candidates(self, center: Tensor, model: SingleTaskGP, length: float) -> Tensor:
        """Points [C, D] in the trust region, equal to its ``center`` [D] in most actions."""
        scales = model.covar_module.base_kernel.lengthscale.detach().reshape(-1)
        weights = scales / scales.log().mean().exp()
        low = (center - weights * length / 2).clamp(0.0, 1.0)
        high = (center + weights * length / 2).clamp(0.0, 1.0)
        count, dimension = self.settings.candidates, len(center)
        points = low + (high - low) * _sobol(count, dimension)
        moved = torch.rand(count, dimension) <= min(1.0, PERTURBED / dimension)
        stuck = ~moved.any(dim=1)
        moved[stuck, torch.randint(dimension, (count,))[stuck]] = True
        return torch.where(moved, points, center)


def _sobol(count: int, dimension: int) -> Tensor:
    """Evenly spread points [count, dimension], scrambled by torch's generator."""
    seed = int(torch.randint(2**31, (1,)))
    engine = SobolEngine(dimension, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    drawn: Tensor = engine.draw(count, dtype=torch.float64)
    return drawn


def _fitted(points: Tensor, values: Tensor, steps: int) -> SingleTaskGP:
    """The Gaussian process of the paper, with its bounds on length scales and noise."""
    scales = Interval(*LENGTH_SCALES)
    kernel = MaternKernel(nu=2.5, ard_num_dims=points.shape[1], lengthscale_constraint=scales)
    model = SingleTaskGP(
        points,
        values,
        likelihood=GaussianLikelihood(noise_constraint=Interval(*NOISE)),
        covar_module=ScaleKernel(kernel, outputscale_constraint=Interval(*SIGNAL)),
        outcome_transform=None,
    )
    mll = ExactMarginalLogLikelihood(model.likelihood, model)
    model.train()
    fit_gpytorch_mll_scipy(mll, options={"maxiter": steps})
    model.eval()
    return model
