"""From measurements to a table: sums over decisions that follow the measured divergence.

With ``s_t(k)`` the divergence measured when only decision ``t`` keeps ``k`` channels, a joint
design's divergence is modelled as ``log D = a + (1 / p) log sum_t w_t s_t(k_t)^p``.  The weights
``w_t > 0`` and the exponent ``p`` are fitted on measured joint designs; the sum inside is what the
table stores, since a monotone curve leads from it to accuracy anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.calibration.designs import Designs, DesignSampler

FloatArray = NDArray[np.float64]
SMALLEST = 1e-7
"""Divergence in nats below which differences are rounding noise."""


@dataclass(frozen=True)
class AdditiveTable:
    """Divergence per decision and kept-channel count.

    Attributes:
        values: per decision an array over kept counts ``0 .. channels``; NaN below the smallest
            measured count, 0 at all channels.
        exponent: ``p`` of the fit.
        offset: ``a`` of the fit.
        weights: ``w_t`` of the fit.
    """

    values: tuple[FloatArray, ...]
    exponent: float
    offset: float
    weights: FloatArray

    def __call__(self, designs: Designs) -> FloatArray:
        """Sums ``[B]`` of ``designs [B, T]``, added up from the first decision on."""
        total = np.zeros(len(designs))
        for values, kept in zip(self.values, designs.T, strict=True):
            total = total + values[kept]
        return total


def sweep_curve(kept: list[int], divergence: list[float], channels: int) -> FloatArray:
    """Divergence at every kept count: monotone, log-linear between measured counts.

    Args:
        kept: measured counts, ascending, all channels excluded.
        divergence: measured divergence at those counts, in nats.
        channels: all channels.
    """
    falling = np.maximum.accumulate(np.maximum(divergence, SMALLEST)[::-1])[::-1]
    curve = np.full(channels + 1, np.nan)
    inside = np.arange(kept[0], kept[-1] + 1)
    curve[inside] = np.exp(np.interp(inside, kept, np.log(falling)))
    # Behind the last measured count the divergence falls linearly to 0 at all channels.
    last = np.arange(kept[-1], channels + 1)
    curve[last] = falling[-1] * (channels - last) / (channels - kept[-1])
    return curve


def unfitted(curves: list[FloatArray]) -> AdditiveTable:
    """The plain sum of the sweeps."""
    return AdditiveTable(tuple(curves), 1.0, 0.0, np.ones(len(curves)))


def fit_weights(
    curves: list[FloatArray],
    designs: Designs,
    divergence: FloatArray,
    shrink: float = 0.1,
    steps: int = 60,
) -> AdditiveTable:
    """Fits weights and exponent by Levenberg-Marquardt on the log of the divergence.

    Args:
        curves: :func:`sweep_curve` of every decision.
        designs: measured joint designs ``[B, T]``.
        divergence: their measured divergence ``[B]``.
        shrink: penalty on ``log w_t``, which pulls towards the plain sum.
        steps: iterations.
    """
    logs = np.stack(
        [np.log(np.maximum(c[k], SMALLEST)) for c, k in zip(curves, designs.T, strict=True)], 1
    )
    target = np.log(np.maximum(divergence, SMALLEST))
    count = len(curves)
    parameters = np.zeros(count + 2)
    penalty = np.append(np.full(count, shrink), [0.0, 1.0])
    damping, best = 1e-2, np.inf
    state = _residuals(parameters, logs, target)
    best = float((state[0] ** 2).sum() + (penalty * parameters**2).sum())
    for _ in range(steps):
        error, slope = state
        hessian = slope.T @ slope + np.diag(penalty + damping)
        step = np.linalg.solve(hessian, -(slope.T @ error) - penalty * parameters)
        trial = _residuals(parameters + step, logs, target)
        loss = float((trial[0] ** 2).sum() + (penalty * (parameters + step) ** 2).sum())
        if loss < best:
            parameters, state, best, damping = parameters + step, trial, loss, damping / 3
        else:
            damping *= 4
    weights, exponent = np.exp(parameters[:count]), float(np.exp(parameters[-1]))
    values = tuple(w * c**exponent for w, c in zip(weights, curves, strict=True))
    return AdditiveTable(values, exponent, float(parameters[count]), weights)


def _residuals(
    parameters: FloatArray, logs: FloatArray, target: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Errors of the log divergence and their derivatives."""
    count = logs.shape[1]
    exponent = np.exp(parameters[-1])
    terms = parameters[:count] + exponent * logs
    top = terms.max(1, keepdims=True)
    shares = np.exp(terms - top)
    total = shares.sum(1, keepdims=True)
    log_sum = (top + np.log(total))[:, 0]
    shares /= total
    error = parameters[count] + log_sum / exponent - target
    by_exponent = (shares * exponent * logs).sum(1) / exponent - log_sum / exponent
    slope = np.column_stack([shares / exponent, np.ones(len(target)), by_exponent])
    return error, slope


def greedy_design(table: AdditiveTable, sampler: DesignSampler, budget: float) -> Designs:
    """Removes, step by step, the channels that cost least divergence for what they save."""
    step = np.minimum(sampler.round_to, sampler.channels)
    lowest = sampler.round(np.zeros(len(step)))
    design = sampler.channels.astype(np.int64)
    cost = sampler.share(design[None])[0]
    while cost > budget:
        trials = np.repeat(design[None], len(design), 0)
        np.fill_diagonal(trials, design - step)
        allowed = design - step >= lowest
        if not allowed.any():
            return design
        saved = cost - sampler.share(trials)
        lost = np.array(
            [
                v[k - s] - v[k] if ok else 0.0
                for v, k, s, ok in zip(table.values, design, step, allowed, strict=True)
            ]
        )
        rate = np.where(allowed, (lost + 1e-12) / np.maximum(saved, 1e-12), np.inf)
        pick = int(rate.argmin())
        design = trials[pick]
        cost = sampler.share(design[None])[0]
    return design
