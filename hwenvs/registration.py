"""The environments by id: a table, registered in a loop when hwenvs is imported."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

ENTRY_POINT = "hwenvs.environment:DesignEnv"
VECTOR_ENTRY_POINT = "hwenvs.vector:DesignVectorEnv"

AMC = "channel_pruning"
HAQ = "bit_allocation"
FINE_GRAINED = "fine_grained_pruning"
DEEP = "deep_compression"
NAS = "operator_selection"
ENERGY: dict[str, Any] = {"hardware": "bitfusion", "cost": "energy", "budget": 0.6}
SIZE: dict[str, Any] = {"hardware": "counts", "cost": "size", "budget": 0.55}
"""HAQ's other two objectives; its first, latency, is the default."""

EIE: dict[str, Any] = {"hardware": "eie", "cost": "latency", "budget": 0.45}
"""Zeros that save time, where the default counts the weights that stay."""

RATIO: dict[str, Any] = {"reward": "compression_ratio", "budget": None}
"""As small as possible at an accuracy, where the default is as accurate as possible at a size."""

ESE: dict[str, Any] = {"hardware": "ese", "cost": "latency", "budget": 0.25}
"""Of a sparse LSTM engine, where zeros save time, and bits wherever memory is waited for."""

DIGITS: dict[str, Any] = {"proxy": "measured"}
"""Small networks and real images that come with the packages: measured when asked."""

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "AMC-MobileNetV1-v0": {"problem": AMC, "network": "mobilenet_v1"},
    # AMC prunes MobileNetV2 to 70 % as well: at half its MACs it guesses without fine-tuning.
    "AMC-MobileNetV2-v0": {"problem": AMC, "network": "mobilenet_v2", "budget": 0.7},
    "AMC-ResNet20-v0": {"problem": AMC, "network": "resnet20"},
    "AMC-ResNet56-v0": {"problem": AMC, "network": "resnet56"},
    # Trained on small images its network is wide for its task: half of the MACs cost it nothing.
    "AMC-ResNet50-v0": {"problem": AMC, "network": "resnet50", "budget": 0.2},
    "AMC-ResNet50-FineGrained-v0": {"problem": FINE_GRAINED, "network": "resnet50"},
    "AMC-ResNet50-FineGrained-EIE-v0": {"problem": FINE_GRAINED, "network": "resnet50", **EIE},
    "AMC-VGG16-v0": {"problem": AMC, "network": "vgg16"},
    "HAQ-MobileNetV1-v0": {"problem": HAQ, "network": "mobilenet_v1"},
    "HAQ-MobileNetV1-Energy-v0": {"problem": HAQ, "network": "mobilenet_v1", **ENERGY},
    "HAQ-MobileNetV1-Size-v0": {"problem": HAQ, "network": "mobilenet_v1", **SIZE},
    "HAQ-MobileNetV2-v0": {"problem": HAQ, "network": "mobilenet_v2"},
    # Re-fitted, 3 bits cost the CIFAR networks 2 points: designs differ below.
    "HAQ-ResNet20-v0": {"problem": HAQ, "network": "resnet20", "budget": 0.16},
    "HAQ-ResNet56-v0": {"problem": HAQ, "network": "resnet56", "budget": 0.14},
    # Uniform 3 bits fit; at 2 bits the network guesses.
    "HAQ-ResNet50-v0": {"problem": HAQ, "network": "resnet50", "budget": 0.18},
    "DeepCompression-LeNet300-v0": {"problem": DEEP, "network": "lenet_300_100"},
    "DeepCompression-LeNet5-v0": {"problem": DEEP, "network": "lenet5"},
    "DeepCompression-LeNet300-Ratio-v0": {"problem": DEEP, "network": "lenet_300_100", **RATIO},
    "DeepCompression-LeNet5-Ratio-v0": {"problem": DEEP, "network": "lenet5", **RATIO},
    "DeepCompression-LSTM-v0": {"problem": DEEP, "network": "lstm", **ESE},
    "DeepCompression-VGG16-v0": {"problem": DEEP, "network": "vgg16", "budget": 0.1},
    "DeepCompression-AlexNet-v0": {"problem": DEEP, "network": "alexnet", "budget": 0.1},
    "DeepCompression-ResNet50-v0": {"problem": DEEP, "network": "resnet50", "budget": 0.12},
    "NAS-Proxyless-v0": {"problem": NAS, "space": "proxyless"},
    "NAS-ProxylessCIFAR-v0": {"problem": NAS, "space": "proxyless_cifar", "hardware": "cpu"},
    "AMC-DigitsLeNet-v0": {"problem": AMC, "network": "digits_lenet", "budget": 0.3, **DIGITS},
    "AMC-DigitsMobileNet-v0": {
        "problem": AMC,
        "network": "digits_mobilenet",
        "budget": 0.4,
        **DIGITS,
    },
    "AMC-DigitsResNet-v0": {"problem": AMC, "network": "digits_resnet", **DIGITS},
    "HAQ-DigitsMobileNet-v0": {
        "problem": HAQ,
        "network": "digits_mobilenet",
        "budget": 0.4,
        **DIGITS,
    },
}
"""Arguments of every environment by id; ``gym.make`` adds to them and overrides them."""

OPEN_ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "AMC-v0": {"problem": AMC},
    "AMC-FineGrained-v0": {"problem": FINE_GRAINED},
    "HAQ-v0": {"problem": HAQ},
    "DeepCompression-v0": {"problem": DEEP, "budget": 0.1},
    "NAS-v0": {"problem": NAS},
}
"""The same without a network (a search space): ``gym.make(..., network=...)`` brings it."""

ALL_ENVIRONMENTS = {**ENVIRONMENTS, **OPEN_ENVIRONMENTS}
"""Both."""

TASK_ENTRY_POINT = "hwenvs.tasks.environment:TaskEnv"

TASK_ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "AMC-Generalist-v0": {"rule": "amc"},
    "HAQ-Generalist-v0": {"rule": "haq"},
}
"""Many problems each: every episode draws a network, a chip and a budget."""

MO_ENTRY_POINT = "hwenvs.multiobjective:MultiObjectiveEnv"
MO_VECTOR_ENTRY_POINT = "hwenvs.multiobjective:MultiObjectiveVectorEnv"

MO_ENVIRONMENTS: dict[str, dict[str, Any]] = {
    f"MO-{name}": {key: value for key, value in arguments.items() if key != "budget"}
    for name, arguments in ALL_ENVIRONMENTS.items()
    if "reward" not in arguments
}
"""The same with a vector reward, accuracy and costs, and without a budget."""

PREFIX = "hwenvs:"
"""Before an id it makes Gymnasium import this package."""


def bare_id(environment: str) -> str:
    """An id as it is registered and recorded: without :data:`PREFIX`."""
    return environment.removeprefix(PREFIX)


def register_all() -> None:
    """Registers every environment with Gymnasium; once is enough."""
    for name, arguments in ALL_ENVIRONMENTS.items():
        if name not in gym.registry:
            gym.register(
                name,
                entry_point=ENTRY_POINT,
                vector_entry_point=VECTOR_ENTRY_POINT,
                kwargs=dict(arguments),
            )
    for name, arguments in TASK_ENVIRONMENTS.items():
        if name not in gym.registry:
            gym.register(name, entry_point=TASK_ENTRY_POINT, kwargs=dict(arguments))
    for name, arguments in MO_ENVIRONMENTS.items():
        if name not in gym.registry:
            gym.register(
                name,
                entry_point=MO_ENTRY_POINT,
                vector_entry_point=MO_VECTOR_ENTRY_POINT,
                kwargs=dict(arguments),
                disable_env_checker=True,  # it takes rewards for numbers
            )
