"""Default plans of calibrations, by family and network."""

from __future__ import annotations

from dataclasses import replace

from hwenvs.calibration.plan import Plan
from hwenvs.compression.recipe import Recipe

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


def plan_of(network: str, family: str) -> Plan:
    """The family's plan of a network of the zoo.

    Where it has none, the default one, on the images that another family's plan keeps apart: those
    that weights are re-fitted on and those that designs are tried on may be of one split.
    """
    plans = FAMILY_PLANS.get(family, {})
    if network in plans:
        return plans[network]
    like = next((known[network] for known in FAMILY_PLANS.values() if network in known), Plan())
    return Plan(like.calibration_images, like.evaluation_images, like.sweep_images)
