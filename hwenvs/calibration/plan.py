"""What a calibration measures: settings as data, designs in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hwenvs.calibration.designs import Designs, DesignSampler
from hwenvs.compression.reference import Recipe

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


CIFAR = Plan(recipe=Recipe(points=12, precision="bfloat16"))
IMAGENET = Plan(
    calibration_images=(0, 300),
    evaluation_images=(300, 700),
    sweep_images=200,
    round_to=8,
    recipe=Recipe(points=36, precision="bfloat16"),
)
DIGITS = Plan(
    calibration_images=(0, 400),
    evaluation_images=(0, 797),
    sweep_images=400,
    recipe=Recipe(points=8),
)
DIGITS_NETWORKS = ("digits_lenet", "digits_mobilenet", "digits_resnet")
PLANS = {
    **dict.fromkeys(DIGITS_NETWORKS, DIGITS),
    "resnet20": CIFAR,
    "resnet32": CIFAR,
    "resnet44": CIFAR,
    "resnet56": CIFAR,
    # Trained at 48 pixels its last stage has 4 pixels an image: fewer samples than weights to fit.
    # Sequential re-fits then follow the samples and lose 25 points on a network pruned by 15 %;
    # one layer at a time, pulled towards its old weights, loses nothing down to 40 % of the MACs.
    # So the budget that tells designs apart is a fifth.
    "resnet50": replace(
        CIFAR,
        evaluation_images=(0, 1500),
        sweep_images=400,
        fitted=60,
        heldout_spread=25,
        heldout_random=40,
        heldout_guided=25,
        budget=0.2,
        floor=0.15,
        spread=(0.1, 0.5),
        round_to=8,
        recipe=Recipe(method="independent", points=6, precision="bfloat16", rectified_steps=0),
    ),
    "mobilenet_v1": IMAGENET,
    # At half the MACs MobileNetV2 guesses without fine-tuning; AMC prunes it to 70 % as well.
    "mobilenet_v2": replace(
        IMAGENET,
        calibration_images=(0, 200),
        evaluation_images=(300, 600),
        sweep_images=100,
        budget=0.7,
    ),
}
"""Default plan of each network that real data is known for."""


FINE_GRAINED = {
    "resnet50": replace(
        CIFAR,
        evaluation_images=(0, 1000),
        sweep_images=300,
        fitted=60,
        heldout_spread=25,
        heldout_random=40,
        heldout_guided=25,
        budget=0.2,
        floor=0.05,
        round_to=5,
        recipe=Recipe(points=12, precision="bfloat16"),
    ),
    "resnet56": replace(CIFAR, budget=0.3, floor=0.05, round_to=5),
    "mobilenet_v2": replace(IMAGENET, budget=0.5, floor=0.05, round_to=5),
}
"""Default plans of fine-grained pruning."""

# Re-fitted, the CIFAR networks lose nothing at 4 bits and 2 points at 3: an eighth of the cost is
# where designs differ.
CIFAR_BITS = replace(
    CIFAR,
    evaluation_images=(0, 2000),
    sweep_images=500,
    fitted=80,
    heldout_spread=20,
    heldout_random=35,
    heldout_guided=30,
    budget=0.125,
    floor=0.25,
    spread=(0.08, 0.5),
    recipe=replace(CIFAR.recipe, ridge=0.1, rectified_steps=0),
)
IMAGENET_BITS = replace(
    IMAGENET,
    calibration_images=(0, 200),
    evaluation_images=(300, 650),
    sweep_images=100,
    fitted=80,
    heldout_spread=20,
    heldout_random=35,
    heldout_guided=30,
    round_to=1,
    budget=0.25,
    floor=0.25,
    spread=(0.15, 0.7),
    recipe=replace(IMAGENET.recipe, ridge=0.1, rectified_steps=0),
)
DIGITS_BITS = replace(
    DIGITS,
    budget=0.125,
    floor=0.25,
    spread=(0.08, 0.5),
    recipe=replace(DIGITS.recipe, ridge=0.1, rectified_steps=0),
)
BITS = {
    **dict.fromkeys(DIGITS_NETWORKS, DIGITS_BITS),
    **dict.fromkeys(("resnet20", "resnet32", "resnet44", "resnet56"), CIFAR_BITS),
    "mobilenet_v1": IMAGENET_BITS,
    # Its thin depthwise layers bear less: uniform 4 bits cost it a third of its accuracy.
    "mobilenet_v2": replace(
        IMAGENET_BITS,
        evaluation_images=(300, 600),
        budget=0.3,
        spread=(0.2, 0.8),
    ),
    # At an eighth nearly all designs guess: a fifth tells them apart.
    "resnet50": replace(
        CIFAR_BITS,
        evaluation_images=(0, 1000),
        sweep_images=200,
        fitted=100,
        budget=0.2,
        spread=(0.12, 0.6),
        recipe=replace(PLANS["resnet50"].recipe, points=12),
    ),
}
"""Default plans of bit allocation; costs are bit operations: uniform 4 bits cost a quarter."""

LENETS = replace(
    CIFAR,
    calibration_images=(0, 5000),
    evaluation_images=(0, 3000),
    sweep_images=2000,
    fitted=120,
    budget=0.04,
    floor=0.03,
    recipe=Recipe(points=12),
)
DEEP_COMPRESSION = {
    "lenet_300_100": LENETS,
    "lenet5": LENETS,
    # Pruned evenly for ESE's 32 processing elements. Errors pass through 28 steps, so the network
    # bears less, and an image has 28 rows to sample.
    "lstm": replace(
        LENETS,
        calibration_images=(0, 1000),
        evaluation_images=(0, 2000),
        sweep_images=1000,
        budget=0.08,
        floor=0.05,
        spread=(0.04, 0.25),
        recipe=Recipe(elements=32),
    ),
}
"""Default plans of deep compression."""

FAMILY_PLANS = {
    "channel_pruning": PLANS,
    "fine_grained_pruning": FINE_GRAINED,
    "bit_allocation": BITS,
    "deep_compression": DEEP_COMPRESSION,
}
"""Default plans by family and network."""


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
