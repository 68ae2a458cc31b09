"""Optuna's Gaussian process in less memory and time.

For the kernel values of A and B points of D parameters Optuna squares A * B * D differences at
once.  After 400 episodes of 108 decisions those of its 2,048 candidates take 700 MB, and
writing and reading them several times as long as when they stay in the caches of the processor.
Three regressors at a time hold the differences of all pairs of episodes as well, 140 MB each; one
uses them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from optuna._gp import gp
from torch import Tensor

SLICE = 2**22
"""Bytes of differences at a time, such that they stay in the caches."""

FEWEST = 8
"""Points at a time at least, and a power of two of them: products of matrices take rows in groups,
and what is left over may differ in the last bit."""


class SlicedRegressor(gp.GPRegressor):
    """Computes kernel values a few points at a time, and differences of episodes when it is fitted.

    Every value is a sum over one pair of points, so that slices change nothing.  Parameters are
    continuous.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self._squared_X_diff

    def kernel(self, X1: Tensor | None = None, X2: Tensor | None = None) -> Tensor:  # noqa: N803
        """Kernel values [A, B] of the points ``X1`` [A, D] and ``X2`` [B, D].

        Args:
            X1: the first points; default: all episodes, twice.
            X2: the second points; default: all episodes.
        """
        whole, episodes = super().kernel, self._X_train
        if X1 is None:
            if not hasattr(self, "_squared_X_diff"):
                self._squared_X_diff = (episodes.unsqueeze(-2) - episodes.unsqueeze(-3)).square_()
            return whole()
        others = episodes if X2 is None else X2
        fitting = SLICE // (others.numel() * others.element_size())
        points = max(FEWEST, 1 << fitting.bit_length() >> 1)
        if X1.ndim != 2 or len(X1) <= points or X1.requires_grad:
            return whole(X1, others)
        values = X1.new_empty(len(X1), len(others))
        for start in range(0, len(X1), points):
            few = slice(start, start + points)
            values[few] = whole(X1[few], others)
        return values

    def _cache_matrix(self) -> None:
        super()._cache_matrix()
        del self._squared_X_diff


@contextmanager
def sliced_regressors() -> Iterator[None]:
    """Optuna fits :class:`SlicedRegressor` instead of its own."""
    whole = gp.GPRegressor
    gp.GPRegressor = SlicedRegressor  # type: ignore[misc]
    try:
        yield
    finally:
        gp.GPRegressor = whole  # type: ignore[misc]
