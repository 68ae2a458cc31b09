"""Specialisation: the best design of each chip, tried on every other chip.

The "model and hardware specialisation" matrix of Song Han's talk of 2019: what is best for one chip
is not what is best for another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.baselines.exact import optimum
from hwenvs.errors import ArgumentError, MissingExtraError
from hwenvs.networks import Space
from hwenvs.problems import make_problem
from hwenvs.problems.chain import ChainProblem
from hwenvs.problems.operator_selection import OperatorSelectionProblem
from hwenvs.proxies import Card, warn_if_analytic
from hwenvs.registration import ALL_ENVIRONMENTS
from hwenvs.reporting import palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 130


@dataclass(frozen=True)
class Specialisation:
    """Designs of N chips on N chips.

    Attributes:
        title: network and kind of decisions.
        chips: names of the chips.
        designs: the best design of each, ``[T]``.
        accuracy: of each design, ``[N]``.
        fraction: budgeted cost of design i on chip j over the uncompressed network's, ``[N, N]``.
        budget: fraction of the cost that each chip allows.
        fitted: accuracy of design i on chip j, scaled to what chip j's budget allows, ``[N, N]``.
        cost: what is budgeted, by chip.
        card: what stands behind the accuracies.
        space: whose operators the designs choose; None for other families.
    """

    title: str
    chips: tuple[str, ...]
    designs: tuple[tuple[int, ...], ...]
    accuracy: NDArray[np.float64]
    fraction: NDArray[np.float64]
    budget: float
    fitted: NDArray[np.float64]
    cost: Mapping[str, str]
    card: Card
    space: Space | None = None


def specialise(
    environment: str, chips: Sequence[str], budget: float, cost: str, **given: Any
) -> Specialisation:
    """The certified optimum of each chip, evaluated on every other.

    A design that is over another chip's budget is scaled down by the largest common factor that
    meets it, one under it scaled up likewise, so that all entries of a column cost alike.  Of
    operators, which are no numbers, those over it are lowered from the last block on.

    Args:
        environment: id whose family and network are meant.
        chips: hardware models, each ``NAME`` or ``NAME:COST``.
        budget: what a design may cost, as a fraction of the uncompressed network on that chip.
        cost: what is budgeted where a chip does not say.
        given: further arguments of the environment, such as ``network``.

    Warns:
        AnalyticProxyWarning: once, if the accuracies were not measured.

    Raises:
        ArgumentError: if there are fewer than two chips.
        HwenvsError: if a name is unknown or a chip does not report the cost.
    """
    if len(chips) < 2:
        raise ArgumentError("specialisation needs at least two chips")
    costs = {chip: chip.partition(":")[2] or cost for chip in chips}
    problems = [_problem(environment, chip, costs[chip], budget, given) for chip in chips]
    warn_if_analytic(problems[0].card)
    designs = [optimum(problem).design for problem in problems]
    table = np.array(designs)
    fraction, fitted = np.zeros((len(chips), len(chips))), np.zeros((len(chips), len(chips)))
    for j, problem in enumerate(problems):
        quantity = problem.budget.quantity
        fraction[:, j] = problem.evaluate(table).costs[quantity] / problem.budget.full
        fitted[:, j] = [
            optimum(problem).accuracy if i == j else _fitted(problem, design)
            for i, design in enumerate(designs)
        ]
    return Specialisation(
        problems[0].title,
        tuple(chips),
        tuple(designs),
        problems[0].evaluate(table).accuracy,
        fraction,
        budget,
        fitted,
        costs,
        problems[0].card,
        problems[0].space if isinstance(problems[0], OperatorSelectionProblem) else None,
    )


def _problem(
    environment: str, chip: str, cost: str, budget: float, given: Mapping[str, Any]
) -> ChainProblem:
    arguments: dict[str, Any] = {**ALL_ENVIRONMENTS[environment], **given}
    name = chip.partition(":")[0]
    arguments |= {"hardware": name, "cost": cost, "budget": budget, "constraint": "projected"}
    if arguments["problem"] == OperatorSelectionProblem.family:
        arguments["constraint"] = "backoff"  # operators are no numbers that could be scaled
    problem = make_problem(**arguments)
    if not isinstance(problem, ChainProblem):
        raise ArgumentError(f"{environment} is no chain of decisions with known costs")
    return problem


def _fitted(problem: ChainProblem, design: Sequence[int]) -> float:
    """Accuracy of ``design`` scaled by the largest common factor that the budget allows."""
    if problem.levels:
        return float(problem.evaluate(problem.canonical([list(design)])).accuracy[0])
    sizes = np.array([decision.size for decision in problem.decisions])
    factors = np.linspace(1.0, float((sizes / np.array(design)).max()), 400)
    scaled = np.clip(np.rint(factors[:, None] * np.array(design)), 1, sizes).astype(np.int64)
    options = problem.decisions.nearest(scaled)
    outcome = problem.evaluate(problem.decisions.designs(options))
    fits = np.flatnonzero(outcome.feasible)
    if len(fits):
        return float(outcome.accuracy[fits].max())
    return float(problem.evaluate(problem.canonical([list(design)])).accuracy[0])


def heat_map(found: Specialisation) -> Figure:
    """Accuracy lost by deploying the design of one chip on another, in points.

    Raises:
        MissingExtraError: without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("figures need matplotlib: pip install 'hwenvs[plot]'") from error
    count = len(found.chips)
    drawn = Figure((3.4 + 1.25 * count, 2.3 + 0.8 * count), DOTS, layout="constrained")
    axes = drawn.subplots()
    lost = 100 * (found.fitted.diagonal()[None, :] - found.fitted)
    shown = axes.imshow(
        lost, aspect="auto", cmap="Blues", vmin=0, vmax=max(float(lost.max()), 1e-9)
    )
    for i in range(count):
        for j in range(count):
            dark = lost[i, j] > 0.6 * lost.max()
            axes.text(
                j,
                i,
                f"{found.fitted[i, j]:.1%}\n{found.fraction[i, j]:.0%} of the cost",
                ha="center",
                va="center",
                fontsize=8,
                color="white" if dark else palette.TEXT,
            )
    axes.set_xticks(range(count), found.chips, rotation=20, ha="right")
    axes.set_yticks(range(count), found.chips)
    axes.set_xlabel("deployed on")
    axes.set_ylabel("designed for")
    basis = "" if found.card.basis == "measured" else f" ({found.card.basis} accuracies)"
    axes.set_title(
        f"{found.title} at {found.budget:.0%} of the cost{basis}\n"
        "accuracy fitted to the budget; cost as designed",
        fontsize=10,
        color=palette.TEXT,
    )
    drawn.colorbar(shown, ax=axes, label="accuracy lost (points)", shrink=0.8)
    return drawn
