"""Designs layer by layer: what the best design keeps, beside the references."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hwenvs.errors import ArgumentError
from hwenvs.reporting import drawing, palette
from hwenvs.reporting.results import Reference, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MANY_NAMES = 30
WHOLE = "uncompressed"


def channels(results: Results) -> Figure:
    """What every layer keeps: best design as bars over the full width, references as marks.

    Raises:
        MissingExtraError: without matplotlib.
        ArgumentError: if the problem's designs are not numbers of channels.
    """
    full = _full(results)
    run = results.best
    best = Reference(
        f"best of {run.solver}, seed {run.seed}",
        tuple(run.designs[run.best]),
        run.accuracies[run.best],
        "",
    )
    count = len(full)
    levels = results.problem.levels
    panels: list[tuple[float | np.ndarray, np.ndarray]] = [(1.0, full)]
    if not levels and len(set(full)) > 1:  # of equal widths the fractions would look the same
        panels.append((100.0 / full, 100.0 + 0.0 * full))
    drawn = drawing.figure(max(8.4, 2.0 + 0.22 * count), 3.0 + 1.6 * len(panels))
    rows = drawn.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (scale, whole) in zip(rows, panels, strict=True):
        places = np.arange(count)
        axes.bar(places, whole, 0.86, color=palette.FAINT, label=WHOLE)
        kept = np.array(best.design) * scale
        axes.bar(places, kept, 0.86, color="#0072B2", label=_label(best))
        uniform = np.array(results.uniform.design) * scale
        _marks(axes, uniform, palette.UNIFORM, results.uniform, 0.86)
        if results.optimum is not None:
            optimal = np.array(results.optimum.design) * scale
            _marks(axes, optimal, palette.OPTIMUM, results.optimum, 0.46)
        axes.set_xlim(-0.7, count - 0.3)
        drawing.finish(axes)
    _name_layers(results, rows[0], rows[-1], count)
    drawing.title(
        rows[0], results.title, f"uncompressed network: {results.problem.baseline:.2%} accuracy"
    )
    handles, labels = rows[0].get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda place: labels[place] == WHOLE)
    handles, labels = [handles[place] for place in order], [labels[place] for place in order]
    drawn.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return drawn


def channels_text(results: Results) -> str:
    """What the figure shows, in words."""
    run = results.best
    return (
        f"Bar chart of what each of {results.problem.horizon} decisions keeps on {results.title}: "
        f"the best design of {run.solver} ({run.accuracies[run.best]:.2%} accuracy), with marks "
        "for the uniform design" + (", and for the optimum." if results.optimum else ".")
    )


def _name_layers(results: Results, upper: Axes, lower: Axes, count: int) -> None:
    """What the axes count, and the names of the layers."""
    unit, levels = results.problem.unit, results.problem.levels
    if levels:
        upper.set_ylabel(unit)
        upper.set_yticks(range(1, len(levels) + 1), levels)
    else:
        upper.set_ylabel(f"{unit} kept")
    if lower is not upper:
        lower.set_ylabel(f"{unit} kept" if unit.startswith("%") and "," not in unit else "kept (%)")
        lower.set_ylim(0, 104)
    many = count > MANY_NAMES
    lower.set_xticks(
        range(count),
        results.problem.names,
        rotation=90 if many else 40,
        ha="center" if many else "right",
        va="top",
        rotation_mode="default" if many else "anchor",
        fontsize=6.5 if many else 8,
    )
    where = {"channels": "layer whose input channels are selected", "operator": "block"}
    lower.set_xlabel(where.get(unit, "layer"))


def _marks(
    axes: Axes, heights: np.ndarray, colour: str, reference: Reference, width: float
) -> None:
    """Short lines across the bars, outlined so that they show on any of them.

    Of different widths: where marks lie upon each other, both can be seen.
    """
    from matplotlib.patheffects import withStroke

    lines = axes.hlines(
        heights,
        np.arange(len(heights)) - width / 2,
        np.arange(len(heights)) + width / 2,
        color=colour,
        linewidth=2.0,
        label=_label(reference),
    )
    lines.set_path_effects([withStroke(linewidth=3.2, foreground="white")])


def _full(results: Results) -> np.ndarray:
    sizes = getattr(results.problem, "decisions", None)
    if sizes is None:
        raise ArgumentError(f"designs of {results.environment} are not numbers of channels")
    return np.array([decision.size for decision in sizes], dtype=np.float64)


def _label(reference: Reference) -> str:
    return f"{reference.label}: {reference.accuracy:.2%} accuracy"
