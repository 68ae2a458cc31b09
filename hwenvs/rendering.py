"""Pictures of a design as pixels, figures and windows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from hwenvs.panels import (
    STYLE,
    Style,
    draw_budget,
    draw_decisions,
    draw_running,
    name_colours,
    name_places,
)
from hwenvs.problems import Progress
from hwenvs.text import LABELS, amount_text, ansi, result_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "LABELS",
    "STYLE",
    "Style",
    "Window",
    "amount_text",
    "ansi",
    "draw",
    "figure",
    "rgb_array",
]


TITLE_WIDTH = 100
"""Characters in a line of the title."""

USUAL_ROWS = 10.0 + 6.0 + 1.2
"""Of the panels of one kind of decisions and one budget, which make a picture of the usual size."""


def rgb_array(progress: Progress, result: Mapping[str, Any] | None = None) -> NDArray[np.uint8]:
    """The picture as pixels [height, width, 3].

    Raises:
        DependencyNotInstalled: without matplotlib.
    """
    from_agg = _import("matplotlib.backends.backend_agg")
    drawn = figure(progress, result)
    canvas = from_agg.FigureCanvasAgg(drawn)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def figure(progress: Progress, result: Mapping[str, Any] | None = None) -> Figure:
    """The picture as a matplotlib figure, to be shown or saved.

    Raises:
        DependencyNotInstalled: without matplotlib.
    """
    drawn: Figure = _import("matplotlib.figure").Figure(_size(progress), STYLE.dots)
    draw(drawn, progress, result)
    return drawn


def draw(drawn: Figure, progress: Progress, result: Mapping[str, Any] | None = None) -> None:
    """Draws into a matplotlib figure, which is cleared first."""
    drawn.clear()
    drawn.set_layout_engine("constrained")
    panels = drawn.subplots(len(_rows(progress)), 1, height_ratios=_rows(progress))
    kinds, count = progress.kinds, len(progress.spendings)
    decisions, running, budgets = np.split(panels, [len(kinds), len(kinds) + count])
    for kind, axes in zip(kinds, decisions, strict=True):
        draw_decisions(axes, progress, kind)
        if axes is decisions[-1] or kind.names != kinds[-1].names:
            name_places(axes, kind.names)
        else:
            axes.set_xticks([])
    name_colours(decisions[0], progress)
    if len(kinds) > 1:
        decisions[-1].set_xlabel("layer")
    for spending, upper, lower in zip(progress.spendings, running, budgets, strict=True):
        draw_running(upper, spending, len(progress.names))
        draw_budget(lower, spending)
    running[-1].set_xlabel("decision")
    lines = textwrap.wrap(
        progress.title, TITLE_WIDTH, break_on_hyphens=False, break_long_words=False
    )
    # Costs of many kinds make a long line: it is broken where the figure ends.
    lines += result_lines(result, TITLE_WIDTH) if result else []
    drawn.suptitle("\n".join(lines), color=STYLE.text, fontsize=11)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=STYLE.text, labelsize=8)


class Window:
    """The picture in a window that stays open between steps; without a display nothing appears.

    Args:
        progress: of what is shown first; the window is as large as it asks for.
    """

    def __init__(self, progress: Progress) -> None:
        self._pyplot = _import("matplotlib.pyplot")
        self._figure = self._pyplot.figure(figsize=_size(progress))

    def show(
        self, progress: Progress, result: Mapping[str, Any] | None = None, seconds: float = 0.25
    ) -> None:
        """Draws and leaves people ``seconds`` to look."""
        draw(self._figure, progress, result)
        self._figure.canvas.draw()
        backend = _import("matplotlib").get_backend().lower()
        interactive = {name.lower() for name in _interactive_backends()}
        if backend in interactive:
            self._pyplot.pause(seconds)

    def close(self) -> None:
        """Closes the window."""
        self._pyplot.close(self._figure)


def _rows(progress: Progress) -> list[float]:
    """Heights of the panels: decisions by kind, costs so far and bars by budget."""
    kinds, budgets = len(progress.kinds), len(progress.spendings)
    return [10.0 if kinds == 1 else 6.5] * kinds + [6.0] * budgets + [1.2] * budgets


def _size(progress: Progress) -> tuple[float, float]:
    """Inches; every further panel takes more of them."""
    width, height = STYLE.size
    return width, round(height * sum(_rows(progress)) / USUAL_ROWS, 1)


def _interactive_backends() -> list[str]:
    backends = _import("matplotlib.backends")
    found: list[str] = backends.backend_registry.list_builtin(backends.BackendFilter.INTERACTIVE)
    return found


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise DependencyNotInstalled(
            "pictures need matplotlib: pip install 'hwenvs[plot]' (render_mode='ansi' does not)"
        ) from error
