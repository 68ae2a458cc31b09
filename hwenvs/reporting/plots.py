"""Figures of a report: learning curves, and the channels that designs keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hwenvs.errors import ArgumentError, MissingExtraError
from hwenvs.reporting import palette
from hwenvs.reporting.results import Reference, Results, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOWEST = -1.0
"""Scores below are never shown: one bad solver would flatten all others."""

DOTS = 150
MANY_NAMES = 30
WHOLE = "uncompressed"


def learning_curves(results: Results) -> Figure:
    """Best value so far over evaluations: median over seeds, and the interquartile range as a band.

    Solvers that evaluate one design only are horizontal lines.

    Raises:
        MissingExtraError: without matplotlib.
    """
    drawn = _figure(9.0, 4.9)
    axes = drawn.subplots()
    scored = all(entry.scored for entry in results.summaries)
    colours = palette.colours(entry.solver for entry in results.summaries)
    longest = max(entry.evaluations for entry in results.summaries)
    ends = []
    if scored:
        _rule(axes, 1.0, "certified optimum" if _proved(results) else "best known design", "top")
        _rule(axes, 0.0, "uniform at the same budget", "bottom")
    for entry in results.summaries:
        if scored and entry.solver in ("uniform", "exact"):
            continue  # these are the two rules
        ends.append(_draw_curve(axes, entry, colours[entry.solver], longest))
    axes.set_xlim(0 if longest > 1 else 0.5, longest if longest > 1 else 1.5)
    if scored:
        lowest = min([0.0, *(end for end in ends if end > LOWEST)])
        axes.set_ylim(max(LOWEST, lowest - 0.25), 1.12)
    axes.set_xlabel("evaluations (finished designs)")
    axes.set_ylabel("best score so far" if scored else "best reward so far")
    _title(axes, results, _seeds(results))
    _finish(axes)
    if ends:
        axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return drawn


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
    drawn = _figure(max(8.4, 2.0 + 0.22 * count), 6.2)
    levels = results.problem.levels
    panels = [(1.0, full)] if levels else [(1.0, full), (100.0 / full, 100.0 + 0.0 * full)]
    rows = drawn.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (scale, whole) in zip(rows, panels, strict=True):
        places = np.arange(count)
        axes.bar(places, whole, 0.86, color=palette.FAINT, label=WHOLE)
        kept = np.array(best.design) * scale
        axes.bar(places, kept, 0.86, color="#0072B2", label=_label(best))
        _marks(axes, np.array(results.uniform.design) * scale, palette.UNIFORM, results.uniform)
        if results.optimum is not None:
            optimal = np.array(results.optimum.design) * scale
            _marks(axes, optimal, palette.OPTIMUM, results.optimum)
        axes.set_xlim(-0.7, count - 0.3)
        _finish(axes)
    unit, upper, lower = results.problem.unit, rows[0], rows[-1]
    if levels:
        upper.set_ylabel(unit)
        upper.set_yticks(range(1, len(levels) + 1), levels)
    else:
        upper.set_ylabel(f"{unit} kept")
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
    _title(upper, results, f"uncompressed network: {results.problem.baseline:.2%} accuracy")
    handles, labels = upper.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda place: labels[place] == WHOLE)
    handles, labels = [handles[place] for place in order], [labels[place] for place in order]
    drawn.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return drawn


def _draw_curve(axes: Axes, entry: Summary, colour: str, longest: int) -> float:
    """Draws one solver and returns where it ends."""
    curves = entry.curves()
    low, middle, high = np.quantile(curves, [0.25, 0.5, 0.75], axis=0)
    below = ", off scale" if entry.scored and middle[-1] <= LOWEST else ""
    label = f"{entry.solver}: {middle[-1]:.2f}{below}".replace("-0.00", "0.00")
    if curves.shape[1] == 1:
        axes.axhline(middle[0], color=colour, linewidth=1.6, linestyle=(0, (6, 2)), label=label)
        return float(middle[0])
    steps = np.arange(1, curves.shape[1] + 1)
    if steps[-1] < longest:  # ended early: nothing changes any more
        steps = np.append(steps, longest)
        low, middle, high = (np.append(line, line[-1]) for line in (low, middle, high))
    axes.plot(steps, middle, color=colour, linewidth=1.9, drawstyle="steps-post", label=label)
    if len(curves) > 1:
        axes.fill_between(steps, low, high, color=colour, alpha=0.18, linewidth=0, step="post")
    return float(middle[-1])


def _rule(axes: Axes, height: float, text: str, side: str) -> None:
    axes.axhline(height, color=palette.OPTIMUM, linewidth=1.0, linestyle=":")
    axes.annotate(
        text,
        (1.0, height),
        (-4, 3 if side == "top" else -3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="bottom" if side == "top" else "top",
        fontsize=8,
        color=palette.TEXT,
    )


def _marks(axes: Axes, heights: np.ndarray, colour: str, reference: Reference) -> None:
    """Short lines across the bars, outlined so that they show on any of them."""
    from matplotlib.patheffects import withStroke

    lines = axes.hlines(
        heights,
        np.arange(len(heights)) - 0.43,
        np.arange(len(heights)) + 0.43,
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


def _proved(results: Results) -> bool:
    return results.optimum is not None and results.optimum.label == "certified optimum"


def _seeds(results: Results) -> str:
    most = max(len(entry.runs) for entry in results.summaries)
    if most == 1:
        return "one seed"
    return f"median over {most} seeds, band: interquartile range"


def _finish(axes: Axes) -> None:
    axes.grid(axis="y", color=palette.GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _title(axes: Axes, results: Results, text: str) -> None:
    axes.set_title(results.title, loc="left", fontsize=12, color=palette.TEXT, pad=18)
    note = axes.text(0, 1.02, text, transform=axes.transAxes, fontsize=9, color=palette.QUIET)
    note.set_in_layout(False)  # the title's padding leaves the room


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("figures need matplotlib: pip install 'hwenvs[plot]'") from error
    return Figure((width, height), DOTS, layout="constrained")
