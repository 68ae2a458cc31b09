"""How a compressed network's remaining weights are chosen: the recipe."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hwenvs.compression.rounding import LEVELS
from hwenvs.compression.selection import CRITERIA
from hwenvs.errors import unknown_name

METHODS = ("sequential", "independent", "none")
"""How remaining weights are re-fitted, see :class:`Recipe`."""

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""Types of the forward passes."""


@dataclass(frozen=True)
class Recipe:
    """How a compressed network's remaining weights are chosen.

    Raises:
        UnknownNameError: if a criterion, method or precision does not exist.

    Attributes:
        criterion: which channels are kept, see ``hwenvs.compression.selection``.
        method: ``"sequential"`` re-fits layer by layer, inputs taken from the network compressed so
            far, outputs from the full one; ``"independent"`` takes both from the full network;
            ``"none"`` keeps the old weights.
        points: sampled pixels per image and layer (AMC: 10).
        ridge: pull towards the old weights, relative to the mean input energy.
        rectified_steps: re-fits in which outputs that the activation cuts off in both networks are
            left alone (asymmetric targets; after Zhang et al., 2015).
        seed: of the sampled pixels.
        precision: type of the forward passes; sums and solves are always float32 and float64.
        levels: what weights of few bits are rounded to: ``"linear"``, evenly spaced, a scale per
            channel; ``"codebook"``, one k-means codebook a layer.
        elements: processing elements that share a matrix by its rows; where given, single weights
            are pruned with load balance (:mod:`hwenvs.compression.load_balance`).
    """

    criterion: str = "reconstruction"
    method: str = "sequential"
    points: int = 12
    ridge: float = 1e-3
    rectified_steps: int = 2
    seed: int = 0
    precision: str = "float32"
    levels: str = "linear"
    elements: int | None = None

    def __post_init__(self) -> None:
        for what, name, known in (
            ("selection criterion", self.criterion, CRITERIA),
            ("reconstruction method", self.method, METHODS),
            ("precision", self.precision, PRECISIONS),
            ("kind of levels", self.levels, LEVELS),
        ):
            if name not in known:
                raise unknown_name(what, name, known)

    @property
    def dtype(self) -> torch.dtype:
        """The torch type of ``precision``."""
        return PRECISIONS[self.precision]
