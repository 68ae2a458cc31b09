"""What an agent sees of a task, beside the decision at hand: budget, chip and network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwenvs.networks import Network
from hwenvs.problems.chain import ChainProblem
from hwenvs.tasks.probes import chip_features, hardware_names
from hwenvs.tasks.task import Task

COSTS = ("macs", "params", "size", "latency", "energy")
"""What may be budgeted, in the order of the one-hot features."""

BUDGET_NAMES = (
    "budget",
    "cheapest design",
    *(f"budgeted: {cost}" for cost in COSTS),
)

NETWORK_NAMES = (
    "decisions",
    "MACs",
    "parameters",
    "image",
    "classes",
    "share of MACs: depthwise",
    "share of MACs: 1 x 1",
    "share of parameters: linear",
    "accuracy",
)

DECISIONS, MACS, PARAMETERS, IMAGE, CLASSES = 8.0, 36.0, 28.0, 9.0, 12.0
"""log2 of what counts as 1: 256 decisions, 69 G MACs, 268 M parameters, 512 pixels, 4,096."""


def task_names(kind: str) -> tuple[str, ...]:
    """Names of the features of a task."""
    return (*BUDGET_NAMES, *hardware_names(kind), *NETWORK_NAMES)


def task_features(task: Task, problem: ChainProblem, network: Network) -> NDArray[np.float32]:
    """Features of a task, which stay as they are during an episode.

    Args:
        task: the task.
        problem: its problem.
        network: its layer table.

    Returns:
        [number of :func:`task_names`], from 0 to 1.
    """
    budget = problem.budget
    told = [task.budget, budget.minimum / budget.full]
    told += [float(task.cost == cost) for cost in COSTS]
    parts = [np.array(told), chip_features(task.kind, task.chip, task.cost)]
    parts.append(np.array(_network(problem, network)))
    found: NDArray[np.float32] = np.clip(np.concatenate(parts), 0.0, 1.0).astype(np.float32)
    return found


def _network(problem: ChainProblem, network: Network) -> list[float]:
    macs, parameters = float(network.macs), float(network.parameters)
    depthwise = sum(layer.macs for layer in network.layers if layer.kind == "depthwise")
    pointwise = sum(
        layer.macs for layer in network.layers if layer.kind == "conv" and layer.kernel == 1
    )
    linear = sum(layer.parameters for layer in network.layers if layer.kind == "linear")
    return [
        _log2(problem.horizon) / DECISIONS,
        _log2(macs) / MACS,
        _log2(parameters) / PARAMETERS,
        _log2(network.resolution) / IMAGE,
        _log2(network.layers[-1].channels) / CLASSES,
        depthwise / macs,
        pointwise / macs,
        linear / parameters,
        problem.baseline,
    ]


def _log2(value: float) -> float:
    return float(np.rint(np.log2(value) * 1e9) / 1e9)
