"""What all figures of a report share: paper, titles, rules, and images of equal bytes."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING

from hwenvs.errors import MissingExtraError
from hwenvs.reporting import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS = 150
"""Per inch."""

COLOURS = 128
"""Of an image; lines, bands and their soft edges need fewer."""

LINE = 88
"""Characters of a title before it is broken, at 9 inches."""

SHOWN = 8
"""Solvers drawn in colours; more could not be told apart."""


def figure(width: float, height: float) -> Figure:
    """An empty figure, inches wide and high.

    Raises:
        MissingExtraError: without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("figures need matplotlib: pip install 'hwenvs[plot]'") from error
    return Figure((width, height), DOTS, layout="constrained")


def png(drawn: Figure) -> bytes:
    """``drawn`` as a PNG without dates or versions: equal figures have equal bytes.

    Its few colours are numbered, which takes a third of the bytes: pages hold hundreds of figures.
    """
    from PIL import Image  # matplotlib needs it itself

    plain, small = io.BytesIO(), io.BytesIO()
    drawn.savefig(plain, format="png", metadata={"Software": None})
    opaque = Image.open(plain).convert("RGB")
    opaque.quantize(COLOURS, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def title(axes: Axes, heading: str, note: str) -> None:
    """A title over ``axes``, and a quieter line below it."""
    figure_width = axes.figure.get_figure(root=True).get_figwidth()
    width = int(LINE * figure_width / 9.0)
    wrapped = "\n".join(textwrap.wrap(heading, width, break_on_hyphens=False))
    axes.set_title(wrapped, loc="left", fontsize=12, color=palette.TEXT, pad=18)
    drawn = axes.annotate(
        note,
        (0, 1),
        (0, 5),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=9,
        color=palette.QUIET,
    )
    drawn.set_in_layout(False)  # the title's padding leaves the room


def finish(axes: Axes, grid: str = "y") -> None:
    """A quiet grid, and no lines around."""
    axes.grid(axis=grid, color=palette.GRID, linewidth=0.6)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def layer(place: int) -> float:
    """``zorder`` of the solver at ``place``, best first: over worse ones, under marks (3)."""
    return 2.0 + 0.5 / (1 + place)


def rule(axes: Axes, height: float, text: str, side: str) -> None:
    """A dotted level with its name at the right, above (``"top"``) or below it."""
    from matplotlib.patheffects import withStroke

    axes.axhline(height, color=palette.OPTIMUM, linewidth=1.0, linestyle=":")
    drawn = axes.annotate(
        text,
        (1.0, height),
        (-4, 3 if side == "top" else -3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="bottom" if side == "top" else "top",
        fontsize=8,
        color=palette.TEXT,
        zorder=4,
    )
    drawn.set_path_effects([withStroke(linewidth=3.0, foreground="white")])


def legend(drawn: Figure, axes: Axes, columns: int = 3) -> None:
    """The legend of ``axes`` below the whole figure, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        drawn.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=min(columns, len(labels)),
            frameon=False,
            fontsize=9,
        )
