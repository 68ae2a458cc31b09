"""Pictures of architectures: which operator every block became, one architecture a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwenvs.errors import ArgumentError, MissingExtraError
from hwenvs.networks import OPERATORS, Space
from hwenvs.reporting import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS = 140
COLOURS = {3: "#56B4E9", 6: "#0072B2"}
"""Of expansions."""


def architectures(space: Space, rows: Sequence[tuple[str, Sequence[int]]]) -> Figure:
    """Architectures below one another.

    A bar is a block: its height is the kernel's, its colour the expansion; blocks that were left
    out are gaps with a tick.  Stages are set apart, with their channels and feature sizes.

    Args:
        space: the search space.
        rows: a caption and a design [T] each.

    Raises:
        MissingExtraError: without matplotlib.
        ArgumentError: without rows.
        DesignError: if a design is none of the space.
    """
    if not rows:
        raise ArgumentError("there is no architecture to draw")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("figures need matplotlib: pip install 'hwenvs[plot]'") from error
    width = max(7.5, 2.0 + 0.36 * len(space.blocks))
    drawn = Figure((width, 1.0 + 1.45 * len(rows)), DOTS, layout="constrained")
    panels = drawn.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (caption, design) in zip(panels, rows, strict=True):
        draw_architecture(axes, space, design, caption)
    label_blocks(panels[-1], space)
    name_expansions(drawn)
    return drawn


def name_expansions(drawn: Figure) -> None:
    """Whose colours are whose, above all panels."""
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=f"expansion {e}") for e, colour in COLOURS.items()]
    drawn.legend(handles=handles, loc="outside upper right", ncols=2, frameon=False, fontsize=8)


def draw_architecture(axes: Axes, space: Space, design: Sequence[int], caption: str) -> None:
    """One architecture."""
    entries = space.check(design)
    kernels = sorted({operator.kernel for operator in OPERATORS if operator.kernel})
    for place, entry in enumerate(entries):
        operator = OPERATORS[entry - 1]
        if operator.kernel:
            axes.bar(place, operator.kernel, 0.78, color=COLOURS[operator.expansion])
        else:
            axes.plot(place, 0.25, marker="_", color=palette.QUIET, markersize=8)
    for place, (block, before) in enumerate(zip(space.blocks[1:], space.blocks, strict=False)):
        if block.stage != before.stage:
            axes.axvline(place + 0.5, color=palette.GRID, linewidth=1.0, zorder=0)
    axes.set_ylim(0, kernels[-1] + 0.6)
    axes.set_yticks(kernels, [f"{k} x {k}" for k in kernels], fontsize=8)
    axes.set_xlim(-0.7, len(entries) - 0.3)
    axes.set_ylabel("kernel (pixels)", fontsize=8)
    axes.set_title(caption, fontsize=9, color=palette.TEXT, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="x", length=0)


def label_blocks(axes: Axes, space: Space) -> None:
    """Stages with their channels and the sizes of their maps, under the last row."""
    places, labels = [], []
    for number, stage in enumerate(space.stages):
        own = [place for place, block in enumerate(space.blocks) if block.stage == number]
        size = -(-space.blocks[own[0]].in_size // stage.stride)
        places.append(sum(own) / len(own))
        labels.append(f"{stage.channels} ch.\n{size} x {size}")
    axes.set_xticks(places, labels, fontsize=8)
    axes.set_xlabel("blocks by stage: channels, feature map (pixels)", fontsize=9)
