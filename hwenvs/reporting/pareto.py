"""Pareto fronts of what solvers evaluated: accuracy against what the designs cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwenvs.reporting import drawing, palette
from hwenvs.reporting.fronts import non_dominated
from hwenvs.reporting.results import KNOWING, Reference, Results, Summary
from hwenvs.solving.records import Run
from hwenvs.text import LABELS, PREFIXES, SUFFIXES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

QUANTITIES = ("latency", "energy", "size", "macs")
"""Costs that accuracy is drawn against, where runs recorded them."""

COUNTS = {1e12: "trillions", 1e9: "billions", 1e6: "millions", 1e3: "thousands", 1.0: ""}
FEW = 25
"""Designs of a front up to which each has a mark of its own."""

STRETCH = 3.0
"""Accuracies are shown down to this many times the way from the best to the uniform design."""


@dataclass(frozen=True)
class Front:
    """Non-dominated designs of one solver.

    Attributes:
        solver: its name.
        costs: [F] in SI units, rising.
        accuracies: [F] fractions, rising.
    """

    solver: str
    costs: Floats
    accuracies: Floats


def solver_fronts(results: Results, quantity: str) -> list[Front]:
    """The front of all designs that each solver evaluated in all its runs, best solver first."""
    return [
        Front(entry.solver, *_pooled(entry.runs, quantity))
        for entry in results.summaries
        if entry.solver not in KNOWING and _recorded(entry)  # those who know are the two marks
    ]


def _recorded(entry: Summary) -> bool:
    """Whether all its runs have costs: compact records have none."""
    return all(run.costs for run in entry.runs)


def quantities(results: Results) -> list[str]:
    """Costs that all runs recorded and that differ between designs."""
    runs = [run for entry in results.summaries if _recorded(entry) for run in entry.runs]
    found = [q for q in QUANTITIES if all(q in run.costs for run in runs)]
    return [q for q in found if len({cost for run in runs for cost in run.costs[q]}) > 1]


def pareto_fronts(results: Results) -> Figure | None:
    """Fronts of all solvers, a panel a cost; the optimum, the uniform design and the budget marked.

    Returns:
        None if no solver tried several designs.

    Raises:
        MissingExtraError: without matplotlib.
    """
    shown = quantities(results)
    if not shown or not solver_fronts(results, shown[0]):
        return None
    rows = -(-len(shown) // 2)
    drawn = drawing.figure(9.0, 1.2 + 3.6 * rows)
    panels = drawn.subplots(rows, min(2, len(shown)), squeeze=False).ravel()
    for axes, quantity in zip(panels, shown, strict=False):
        _draw_panel(axes, results, quantity)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    drawing.title(panels[0], results.title, "designs that none of the same solver's runs beat")
    drawing.legend(drawn, panels[0])
    return drawn


def fronts_text(results: Results) -> str:
    """What the figure shows, in words."""
    names = ", ".join(LABELS[quantity] for quantity in quantities(results))
    known = " and the optimum" if results.optimum is not None else ""
    return (
        f"Step lines of the highest accuracy that each solver found at no more than a cost, on "
        f"{results.title}, against {names}; marks for the uniform design{known}."
    )


def _pooled(runs: Sequence[Run], quantity: str) -> tuple[Floats, Floats]:
    costs = np.concatenate([np.asarray(run.costs[quantity], dtype=np.float64) for run in runs])
    accuracies = np.concatenate([np.asarray(run.accuracies, dtype=np.float64) for run in runs])
    chosen = non_dominated(accuracies, costs)
    return costs[chosen], accuracies[chosen]


def _draw_panel(axes: Axes, results: Results, quantity: str) -> None:
    fronts = solver_fronts(results, quantity)
    scale, unit = _unit(max(front.costs[-1] for front in fronts), quantity)
    styles = palette.styles(front.solver for front in fronts[: drawing.SHOWN])
    for place, front in enumerate(fronts):
        style = styles.get(front.solver, palette.Style(palette.REST, "-", ""))
        rest = f"{len(fronts) - drawing.SHOWN} more" if place == drawing.SHOWN else ""
        axes.step(
            front.costs / scale,
            100.0 * front.accuracies,
            where="post",
            color=style.colour,
            linestyle=style.dash,
            linewidth=1.5 if style.marker else 0.9,
            marker=style.marker,
            markersize=3.5 if len(front.costs) <= FEW else 0.0,
            label=front.solver if style.marker else rest,
            zorder=drawing.layer(place) if style.marker else 1,
        )
    marked = _mark(axes, results, quantity, scale)
    least = _least(results, fronts)
    seen = [front.costs[front.accuracies >= least][:1] / scale for front in fronts]
    _limit(axes, min([*marked, *np.concatenate(seen)]), least)
    axes.set_xlabel(f"{LABELS[quantity]} ({unit})" if unit else LABELS[quantity])
    axes.set_ylabel("accuracy (%)")
    drawing.finish(axes, "both")


def _mark(axes: Axes, results: Results, quantity: str, scale: float) -> list[float]:
    """Marks the uniform design, the optimum, and the budget where it limits this cost.

    Returns:
        Costs of the marked designs, as drawn.
    """
    marks: list[tuple[Reference, str, str]] = [(results.uniform, "D", palette.UNIFORM)]
    if results.optimum is not None:
        marks.append((results.optimum, "*", palette.OPTIMUM))
    costs = []
    for reference, marker, colour in marks:
        outcome = results.problem.evaluate([reference.design])
        costs.append(float(outcome.costs[quantity][0]) / scale)
        axes.plot(
            costs[-1],
            100.0 * outcome.accuracy,
            marker=marker,
            color=colour,
            markeredgecolor="white",
            markersize=13 if marker == "*" else 8,
            linestyle="none",
            label=reference.label,
            zorder=3,
        )
    for budget in getattr(results.problem, "budgets", ()):
        if budget.quantity == quantity and np.isfinite(budget.amount):
            place = budget.amount / scale
            axes.axvline(place, color=palette.QUIET, linewidth=1.0, linestyle=":", zorder=0)
    return costs


def _least(results: Results, fronts: Sequence[Front]) -> float:
    """The accuracy from which on designs are shown: those that guess would flatten all others."""
    best = max(front.accuracies[-1] for front in fronts)
    if results.optimum is not None:
        best = max(best, results.optimum.accuracy)
    return float(best - max(STRETCH * (best - results.uniform.accuracy), 0.02))


def _limit(axes: Axes, cheapest: float, least: float) -> None:
    """Cuts off what is cheaper than ``cheapest``, as drawn, or less accurate than ``least``."""
    low, high = axes.get_xlim()
    axes.set_xlim(max(low, cheapest - 0.05 * (high - cheapest)), high)
    axes.set_ylim(max(100.0 * least, axes.get_ylim()[0]), None)


def _unit(largest: float, quantity: str) -> tuple[float, str]:
    """What to divide by, and what to call the result."""
    scale = next((s for s in PREFIXES if largest >= s), min(PREFIXES))
    if quantity in ("macs", "params"):
        return max(scale, 1.0), COUNTS[max(scale, 1.0)]
    return scale, f"{PREFIXES[scale]}{SUFFIXES[quantity]}"
