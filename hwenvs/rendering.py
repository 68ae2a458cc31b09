"""Pictures of a design: what every layer keeps, what that costs, what the budget allows."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from hwenvs.problems import Progress
from hwenvs.text import LABELS, amount_text, ansi, result_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Style:
    """Colours and sizes of the picture.

    Attributes:
        whole: what there was.
        kept: what stays.
        current: the decision that comes next.
        spent: the cost so far.
        budget: the budget.
        text: labels.
        size: inches.
        dots: per inch.
        most_names: decisions up to which each is named.
    """

    whole: str = "#e3e7ed"
    kept: str = "#3b6fb6"
    current: str = "#f2b134"
    spent: str = "#2f8f6b"
    budget: str = "#c8453b"
    text: str = "#2b2f36"
    size: tuple[float, float] = (10.0, 5.6)
    dots: int = 100
    most_names: int = 20


STYLE = Style()

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
    drawn: Figure = _import("matplotlib.figure").Figure(STYLE.size, STYLE.dots)
    draw(drawn, progress, result)
    return drawn


def draw(drawn: Figure, progress: Progress, result: Mapping[str, Any] | None = None) -> None:
    """Draws into a matplotlib figure, which is cleared first."""
    drawn.clear()
    drawn.set_layout_engine("constrained")
    channels, running, budget = drawn.subplots(
        3, 1, gridspec_kw={"height_ratios": [10, 6, 1.2]}, sharex=False
    )
    _draw_channels(channels, progress)
    _draw_running(running, progress)
    _draw_budget(budget, progress)
    # Costs of many kinds make a long line: it is broken where the figure ends.
    lines = (
        [progress.title, *textwrap.wrap(result_text(result), TITLE_WIDTH)]
        if result
        else [progress.title]
    )
    drawn.suptitle("\n".join(lines), color=STYLE.text, fontsize=11)
    for axes in (channels, running, budget):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=STYLE.text, labelsize=8)


class Window:
    """The picture in a window that stays open between steps; without a display nothing appears."""

    def __init__(self) -> None:
        self._pyplot = _import("matplotlib.pyplot")
        self._figure = self._pyplot.figure(figsize=STYLE.size)

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


def _draw_channels(axes: Axes, progress: Progress) -> None:
    places = np.arange(len(progress.names))
    decided = len(progress.kept)
    axes.bar(places, progress.sizes, 0.82, color=STYLE.whole, label="uncompressed")
    axes.bar(places[:decided], progress.kept, 0.82, color=STYLE.kept, label="kept")
    if decided < len(places):
        axes.bar(
            decided,
            progress.sizes[decided],
            0.82,
            fill=False,
            edgecolor=STYLE.current,
            linewidth=1.8,
            label="next",
        )
    axes.set_ylabel(progress.unit)
    if progress.levels:
        axes.set_yticks(range(1, len(progress.levels) + 1), progress.levels)
    axes.set_xlim(-0.6, len(places) - 0.4)
    _name_places(axes, progress.names)
    axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=3)
    axes.margins(y=0.18)


def _draw_running(axes: Axes, progress: Progress) -> None:
    places = np.arange(len(progress.kept))
    spent = np.array(progress.spent) / progress.full * 100
    axes.bar(places, spent, 0.82, color=STYLE.spent, alpha=0.75, label="spent so far")
    top = max([*spent.tolist(), 1.0])
    if math.isfinite(progress.amount):
        share = progress.amount / progress.full * 100
        axes.axhline(share, color=STYLE.budget, linestyle="--", linewidth=1.4, label="budget")
        top = max(top, share)
    axes.set_xlim(-0.6, len(progress.names) - 0.4)
    axes.set_ylim(0, 1.4 * top)
    axes.set_ylabel(f"{LABELS[progress.quantity]} (% of full)")
    axes.set_xlabel("decision")
    _number_places(axes, len(progress.names))
    axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)


def _draw_budget(axes: Axes, progress: Progress) -> None:
    spent = (progress.spent or (progress.constant,))[-1]
    axes.barh(0, progress.full, color=STYLE.whole)
    axes.barh(0, spent, color=STYLE.spent)
    text = f"{amount_text(spent, progress.quantity)} spent ({spent / progress.full:.1%})"
    if math.isfinite(progress.amount):
        axes.axvline(progress.amount, color=STYLE.budget, linestyle="--", linewidth=1.6)
        text += f", budget {amount_text(progress.amount, progress.quantity)}"
    axes.set_xlim(0, progress.full)
    axes.set_yticks([])
    labels = axes.set_xticks(
        [0, progress.full], ["0", amount_text(progress.full, progress.quantity)]
    )
    labels[-1].label1.set_horizontalalignment("right")
    axes.set_xlabel(text)
    axes.set_ylabel("budget", rotation=0, ha="right", va="center")


def _name_places(axes: Axes, names: tuple[str, ...]) -> None:
    if len(names) <= STYLE.most_names:
        axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    else:
        _number_places(axes, len(names))


def _number_places(axes: Axes, count: int) -> None:
    axes.set_xticks(range(0, count, max(count // 14, 1)))


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
