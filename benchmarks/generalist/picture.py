"""The picture of a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from lines import Row
from searches import READ

from hwenvs.reporting import drawing, palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOWEST = -1.0
"""Where the picture is cut off."""


def draw(summary: Row, title: str) -> Figure:
    """Interquartile means by group, a mark for each method."""
    methods = sorted({m for group in summary.values() for m in group["methods"]})
    methods.sort(key=lambda m: ("1 design" not in m, m))
    drawn = drawing.figure(9.5, 5.0)
    axes = drawn.subplots()
    drawing.rule(axes, 1.0, "certified optimum", "top")
    drawing.rule(axes, 0.0, "uniform at the same budget", "bottom")
    styles = palette.styles(dict.fromkeys(map(_name, methods)))
    for number, method in enumerate(methods):
        known = [
            (i, g["methods"][method])
            for i, g in enumerate(summary.values())
            if method in g["methods"]
        ]
        style, few = styles[_name(method)], f", {READ[0]} " in method
        shift = (number - (len(methods) - 1) / 2) * 0.8 / len(methods)
        middle = np.maximum([entry["iqm"] for _, entry in known], LOWEST)
        ends = np.clip([entry["interval"] for _, entry in known], LOWEST, None)
        axes.errorbar(
            [place + shift for place, _ in known],
            middle,
            np.abs(ends - middle[:, None]).T,
            fmt=style.marker,
            color=style.colour,
            mfc="white" if few else style.colour,
            label=method,
        )
    axes.set_xticks(range(len(summary)), [_label(n, len(g["tasks"])) for n, g in summary.items()])
    axes.set_xlim(-0.6, len(summary) + 0.55)  # room for the names of the dotted lines
    axes.set_ylim(LOWEST - 0.1, 1.1)
    axes.set_ylabel("score (interquartile mean, 95 %)")
    note = (
        f"cut off at {LOWEST:g}; in brackets: evaluations on other tasks that it was trained with"
    )
    drawing.title(axes, title, note)
    drawing.finish(axes)
    drawing.legend(drawn, axes)
    return drawn


def _name(method: str) -> str:
    """Of the learner or solver, without how much it did."""
    return method.partition(",")[0].partition(" (")[0]


def _label(group: str, count: int) -> str:
    return group.replace(", ", ",\n") + f"\n({count} tasks)"
