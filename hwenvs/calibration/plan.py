"""What a calibration measures: settings as data, designs in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hwenvs.calibration.designs import Designs, DesignSampler
from hwenvs.compression.recipe import Recipe

COUNTS = ("fitted", "heldout_spread", "heldout_random", "heldout_guided", "spread")
"""Settings that say what is measured, not how: a journal stays valid when they grow."""


@dataclass(frozen=True)
class Plan:
    """Settings of a calibration.

    Attributes:
        calibration_images: first and last (exclusive) row to reconstruct from.
        evaluation_images: first and last (exclusive) row to measure on.
        sweep_images: how many of the evaluation images the single-decision sweeps use.
        fitted: joint designs to fit on.
        heldout_spread: held-out designs of all sizes.
        heldout_random: held-out random designs at ``budget``.
        heldout_guided: held-out designs near the fitted table's best at ``budget``.
        budget: fraction of the cost at which fidelity matters most.
        floor: smallest kept fraction in joint designs.
        round_to: kept channels are multiples of this.
        spread: smallest and largest cost of designs of all sizes; the family's by default.
        seed: of the designs and of the sampled pixels.
        recipe: how pruned weights are chosen.
    """

    calibration_images: tuple[int, int] = (0, 600)
    evaluation_images: tuple[int, int] = (0, 2000)
    sweep_images: int = 1000
    fitted: int = 100
    heldout_spread: int = 50
    heldout_random: int = 60
    heldout_guided: int = 40
    budget: float = 0.5
    floor: float = 0.2
    round_to: int = 1
    spread: tuple[float, float] | None = None
    seed: int = 0
    recipe: Recipe = field(default_factory=Recipe)


def fitted_designs(plan: Plan, sampler: DesignSampler, best: dict[float, Designs]) -> list[Designs]:
    """Designs to fit on: all sizes, random at the budget, and around designs that look best.

    Args:
        plan: the settings.
        sampler: draws designs.
        best: budget -> best design of the unfitted table.
    """
    designs: list[Designs] = []
    budgets = list(best)
    low, high = plan.spread or sampler.family.spread
    for index in range(plan.fitted):
        kind = index % 10
        if kind < 3:
            designs.append(sampler.random_design(sampler.random.uniform(low, high)))
        elif kind < 6:
            designs.append(sampler.random_design(plan.budget))
        else:
            budget = budgets[index // 10 % len(budgets)]
            spread = sampler.random.uniform(0.03, 0.3)
            designs.append(sampler.neighbour(best[budget], budget, spread))
    return designs


def heldout_designs(plan: Plan, sampler: DesignSampler, best: Designs) -> dict[str, list[Designs]]:
    """Designs to judge the fitted table on, by kind."""
    around = np.linspace(0.0, 0.3, plan.heldout_guided)
    low, high = plan.spread or sampler.family.spread
    return {
        "spread": [
            sampler.random_design(sampler.random.uniform(low, high))
            for _ in range(plan.heldout_spread)
        ],
        "random": [sampler.random_design(plan.budget) for _ in range(plan.heldout_random)],
        "guided": [sampler.neighbour(best, plan.budget, width) for width in around],
    }
