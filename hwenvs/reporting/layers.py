"""Designs layer by layer: what the best design keeps, beside the references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwenvs.errors import ArgumentError
from hwenvs.panels import draw_left_out
from hwenvs.problems.kinds import Kind, kinds_of
from hwenvs.problems.progress import floor_of, whole_of
from hwenvs.reporting import drawing, palette
from hwenvs.reporting.results import Reference, Results
from hwenvs.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MANY_NAMES = 30


def channels(results: Results) -> Figure:
    """What every layer keeps: best design as bars over the full width, references as marks.

    Raises:
        MissingExtraError: without matplotlib.
        ArgumentError: if the problem's designs are not numbers of channels.
    """
    full, whole = _full(results), whole_of(results.problem.levels)
    run = results.best
    best = Reference(
        f"best of {run.solver}, seed {run.seed}",
        tuple(run.designs[run.best]),
        run.accuracies[run.best],
        "",
    )
    kinds = kinds_of(results.problem.names, results.problem.unit)
    rows = [_Row(kind, full[list(kind.places)]) for kind in kinds]
    if len(kinds) == 1 and not results.problem.levels and len(set(full)) > 1:
        rows.append(_Row(kinds[0], full, fractions=True))  # of equal widths they look the same
    count = len(kinds[0].places)
    drawn = drawing.figure(max(8.4, 2.0 + 0.22 * count), 3.0 + 1.6 * len(rows))
    panels = drawn.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    for axes, row in zip(panels, rows, strict=True):
        axes.bar(range(count), row.heights(full), 0.86, color=palette.FAINT, label=whole)
        kept = row.heights(best.design)
        axes.bar(range(count), kept, 0.86, color="#0072B2", label=_label(best))
        if results.problem.levels:
            draw_left_out(axes, kept, floor_of(results.problem.levels), 0.86, "#0072B2")
        uniform = row.heights(results.uniform.design)
        _marks(axes, uniform, palette.UNIFORM, results.uniform, 0.86)
        if results.optimum is not None:
            optimal = row.heights(results.optimum.design)
            _marks(axes, optimal, palette.OPTIMUM, results.optimum, 0.46)
        axes.set_xlim(-0.7, count - 0.3)
        drawing.finish(axes)
        _name_heights(axes, results, row)
    _name_layers(panels[-1], results, kinds[-1])
    accuracy = f"{results.problem.baseline:.2%} accuracy"
    drawing.title(panels[0], results.title, f"{whole}: {accuracy}")
    handles, labels = panels[0].get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda place: labels[place] == whole)
    handles, labels = [handles[place] for place in order], [labels[place] for place in order]
    drawn.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return drawn


def channels_text(results: Results) -> str:
    """What the figure shows, in words."""
    run = results.best
    return (
        f"Bar chart of what each of {counted(results.problem.horizon, 'decision')} keeps on "
        f"{results.title}: "
        f"the best design of {run.solver} ({run.accuracies[run.best]:.2%} accuracy), with marks "
        "for the uniform design" + (", and for the optimum." if results.optimum else ".")
    )


@dataclass(frozen=True)
class _Row:
    """A panel: decisions of one kind, in what they count in or as fractions.

    Attributes:
        kind: of the decisions.
        sizes: what there is to choose from.
        fractions: whether heights are percent of that.
    """

    kind: Kind
    sizes: np.ndarray
    fractions: bool = False

    def heights(self, design: Sequence[float] | np.ndarray) -> np.ndarray:
        """What a whole design says here."""
        own = np.array(design, dtype=np.float64)[list(self.kind.places)]
        return 100.0 * own / self.sizes if self.fractions else own


def _name_heights(axes: Axes, results: Results, row: _Row) -> None:
    """What the heights of a panel count in."""
    kind, levels = row.kind, results.problem.levels
    if row.fractions:
        axes.set_ylabel(f"{kind.unit} kept" if kind.unit.startswith("%") else "kept (%)")
        axes.set_ylim(0, 104)
    elif levels:
        axes.set_ylabel(kind.unit)
        axes.set_yticks(range(1, len(levels) + 1), levels)
        axes.set_ylim(bottom=floor_of(levels))
    else:
        axes.set_ylabel(f"{kind.name}\n({kind.unit} kept)" if kind.name else f"{kind.unit} kept")


def _name_layers(axes: Axes, results: Results, kind: Kind) -> None:
    """The names of the layers, below the last panel."""
    many = len(kind.names) > MANY_NAMES
    axes.set_xticks(
        range(len(kind.names)),
        kind.names,
        rotation=90 if many else 40,
        ha="center" if many else "right",
        va="top",
        rotation_mode="default" if many else "anchor",
        fontsize=6.5 if many else 8,
    )
    where = {"channels": "layer whose input channels are selected", "operator": "block"}
    axes.set_xlabel(where.get(results.problem.unit, "layer"))


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
        clip_on=False,  # on the floor they would lose their lower half
    )
    lines.set_path_effects([withStroke(linewidth=3.2, foreground="white")])


def _full(results: Results) -> np.ndarray:
    sizes = getattr(results.problem, "decisions", None)
    if sizes is None:
        raise ArgumentError(f"designs of {results.environment} are not numbers of channels")
    return np.array([decision.size for decision in sizes], dtype=np.float64)


def _label(reference: Reference) -> str:
    return f"{reference.label}: {reference.accuracy:.2%} accuracy"
