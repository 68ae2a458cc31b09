"""Panels of a design's picture: what decisions keep, what that costs, what the budget allows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwenvs.problems import Progress
from hwenvs.problems.kinds import Kind
from hwenvs.problems.progress import Spending, floor_of
from hwenvs.text import LABELS, amount_text

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


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
        size: inches, of one kind of decisions under one budget.
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


def draw_decisions(axes: Axes, progress: Progress, kind: Kind) -> None:
    """What there was of one kind, what stays of it, and the decision that comes next."""
    sizes = [progress.sizes[place] for place in kind.places]
    decided = sum(place < len(progress.kept) for place in kind.places)
    kept = [progress.kept[place] for place in kind.places[:decided]]
    axes.bar(range(len(sizes)), sizes, 0.82, color=STYLE.whole)
    axes.bar(range(decided), kept, 0.82, color=STYLE.kept)
    floor = floor_of(progress.levels)
    draw_left_out(axes, kept, floor, 0.82, STYLE.kept)
    if len(progress.kept) in kind.places:
        height = sizes[decided]
        axes.bar(decided, height, 0.82, fill=False, edgecolor=STYLE.current, linewidth=1.8)
    axes.set_ylabel(f"{kind.name}\n({kind.unit})" if kind.name else kind.unit)
    axes.set_xlim(-0.6, len(sizes) - 0.4)
    above = 0.36 if kind.name else 0.18  # for the colours' names
    axes.set_ylim(floor, max(sizes) + above * (max(sizes) - floor))
    if progress.levels:
        axes.set_yticks(range(1, len(progress.levels) + 1), progress.levels)
    else:
        axes.locator_params(axis="y", integer=True)
        axes.set_yticks([tick for tick in axes.get_yticks() if tick <= max(sizes)])


def draw_left_out(axes: Axes, kept: Iterable[float], floor: int, width: float, colour: str) -> None:
    """Lines on the floor where bars have no height, so that blocks left out are seen."""
    left_out = [place for place, entry in enumerate(kept) if entry == floor]
    left, right = ([place + side * width / 2 for place in left_out] for side in (-1, 1))
    heights = [floor] * len(left_out)
    axes.hlines(heights, left, right, color=colour, linewidth=4, clip_on=False)


def name_colours(axes: Axes, progress: Progress) -> None:
    """What the colours of all decisions mean, whether there are bars of them yet or not."""
    from matplotlib.patches import Patch

    whole, kept = ("largest", "chosen") if progress.levels else ("uncompressed", "kept")
    handles = [Patch(color=STYLE.whole, label=whole), Patch(color=STYLE.kept, label=kept)]
    if len(progress.kept) < len(progress.names):
        handles.append(Patch(fill=False, edgecolor=STYLE.current, linewidth=1.8, label="next"))
    axes.legend(handles=handles, frameon=False, fontsize=8, loc="upper left", ncols=3)


def draw_running(axes: Axes, spending: Spending, count: int) -> None:
    """The cost up to and with each of ``count`` decisions, below the budget."""
    from matplotlib.patches import Patch

    spent = [amount / spending.full * 100 for amount in spending.spent]
    axes.bar(range(len(spent)), spent, 0.82, color=STYLE.spent, alpha=0.75)
    handles: list[Artist] = [Patch(color=STYLE.spent, alpha=0.75, label="spent so far")]
    top = max([*spent, 1.0])
    if math.isfinite(spending.amount):
        share = spending.amount / spending.full * 100
        line = axes.axhline(share, color=STYLE.budget, linestyle="--", linewidth=1.4)
        line.set_label("budget")
        handles.insert(0, line)
        top = max(top, share)
    axes.set_xlim(-0.6, count - 0.4)
    axes.set_ylim(0, 1.4 * top)
    axes.set_ylabel(f"{LABELS[spending.quantity]} (% of full)")
    _number_places(axes, count)
    axes.legend(handles=handles, frameon=False, fontsize=8, loc="upper left", ncols=2)


def draw_budget(axes: Axes, spending: Spending) -> None:
    """The cost so far as a part of the uncompressed network's, in its unit."""
    quantity, full, spent = spending.quantity, spending.full, spending.total
    axes.barh(0, full, color=STYLE.whole)
    axes.barh(0, spent, color=STYLE.spent)
    text = f"{amount_text(spent, quantity)} spent ({spent / full:.1%})"
    if math.isfinite(spending.amount):
        axes.axvline(spending.amount, color=STYLE.budget, linestyle="--", linewidth=1.6)
        text += f", budget {amount_text(spending.amount, quantity)}"
    axes.set_xlim(0, full)
    axes.set_yticks([])
    labels = axes.set_xticks([0, full], ["0", amount_text(full, quantity)])
    labels[-1].label1.set_horizontalalignment("right")
    axes.set_xlabel(text)
    axes.set_ylabel(LABELS[quantity], rotation=0, ha="right", va="center")


def name_places(axes: Axes, names: tuple[str, ...]) -> None:
    """The names of decisions below the axis, or their numbers where they are too many."""
    if len(names) <= STYLE.most_names:
        axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    else:
        _number_places(axes, len(names))


def _number_places(axes: Axes, count: int) -> None:
    axes.set_xticks(range(0, count, max(count // 14, 1)))
