"""Learning curves: the best value so far over evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwenvs.reporting import drawing, palette
from hwenvs.reporting.results import KNOWING, Results, Summary
from hwenvs.reporting.table import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOWEST = -1.0
"""Scores below are never shown: one bad solver would flatten all others."""


def learning_curves(results: Results) -> Figure:
    """Best value so far over evaluations: median over seeds, and the interquartile range as a band.

    Solvers that evaluate one design only are horizontal lines.  Of many solvers the best have
    colours and bands, the others are thin grey lines.

    Raises:
        MissingExtraError: without matplotlib.
    """
    drawn = drawing.figure(9.0, 5.4)
    axes = drawn.subplots()
    scored = all(entry.scored for entry in results.summaries)
    longest = max(entry.evaluations for entry in results.summaries)
    if scored:
        proved = results.optimum is not None and results.optimum.label == "certified optimum"
        drawing.rule(axes, 1.0, "certified optimum" if proved else "best known design", "top")
        drawing.rule(axes, 0.0, "uniform at the same budget", "bottom")
    entries = [  # those that know are the two rules
        entry for entry in results.summaries if not (scored and entry.solver in KNOWING)
    ]
    ends = _draw_all(axes, entries, longest)
    axes.set_xlim(0 if longest > 1 else 0.5, longest if longest > 1 else 1.5)
    if scored:
        lowest = min([0.0, *(end for end in ends if end > LOWEST)])
        axes.set_ylim(max(LOWEST, lowest - 0.25), 1.12)
    axes.set_xlabel("evaluations (finished designs)")
    axes.set_ylabel("best score so far" if scored else "best reward so far")
    drawing.title(axes, results.title, _seeds(results))
    drawing.finish(axes)
    drawing.legend(drawn, axes)
    return drawn


def curves_text(results: Results) -> str:
    """What the curves show, in words."""
    scored = all(entry.scored for entry in results.summaries)
    value, digits = ("score", 2) if scored else ("reward", 3)
    ends = [f"{entry.solver} {number(entry.median, digits)}" for entry in results.summaries]
    return (
        f"Line chart of the best {value} so far over evaluations on {results.title}. "
        f"Medians at the end: {', '.join(ends)}."
    )


def _draw_all(axes: Axes, entries: Sequence[Summary], longest: int) -> list[float]:
    """Draws solvers, the best of them in colour, and returns where they end."""
    front, back = entries[: drawing.SHOWN], entries[drawing.SHOWN :]
    styles = palette.styles(entry.solver for entry in front)
    ends = [
        _draw_curve(axes, entry, styles[entry.solver], longest, drawing.layer(place))
        for place, entry in enumerate(front)
    ]
    for place, entry in enumerate(back):
        label = f"{len(back)} more: see the table" if not place else ""
        steps, _, middle, _ = _band(entry, longest)
        axes.plot(
            steps,
            middle,
            color=palette.REST,
            linewidth=0.9,
            drawstyle="steps-post",
            label=label,
            zorder=1,
        )
        ends.append(float(middle[-1]))
    return ends


def _draw_curve(
    axes: Axes, entry: Summary, style: palette.Style, longest: int, layer: float
) -> float:
    """Draws one solver and returns where it ends."""
    steps, low, middle, high = _band(entry, longest)
    below = ", off scale" if entry.scored and middle[-1] <= LOWEST else ""
    label = f"{entry.solver}: {number(middle[-1], 2 if entry.scored else 3)}{below}"
    look: dict[str, Any] = {"color": style.colour, "label": label, "zorder": layer}
    if entry.evaluations == 1:
        axes.axhline(middle[0], linewidth=1.6, linestyle=(0, (6, 2)), **look)
        return float(middle[0])
    axes.plot(steps, middle, linewidth=1.9, linestyle=style.dash, drawstyle="steps-post", **look)
    if len(entry.runs) > 1:
        axes.fill_between(
            steps, low, high, color=style.colour, alpha=0.18, linewidth=0, step="post"
        )
    return float(middle[-1])


def _band(entry: Summary, longest: int) -> tuple[np.ndarray, ...]:
    """Steps, lower quartile, median and upper quartile, up to the longest of all solvers."""
    curves = entry.curves()
    lines = np.quantile(curves, [0.25, 0.5, 0.75], axis=0)
    steps = np.arange(1, curves.shape[1] + 1)
    if steps[-1] < longest:  # ended early: nothing changes any more
        steps = np.append(steps, longest)
        lines = np.concatenate([lines, lines[:, -1:]], axis=1)
    return steps, *lines


def _seeds(results: Results) -> str:
    most = max(len(entry.runs) for entry in results.summaries)
    if most == 1:
        return "one seed"
    return f"median over {most} seeds, band: interquartile range"
