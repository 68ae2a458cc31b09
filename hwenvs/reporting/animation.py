"""A search as a film: the best design so far, what the solver believes in, and what it earned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import ArgumentError, MissingExtraError
from hwenvs.files import replacing
from hwenvs.problems.chain import ChainProblem
from hwenvs.problems.kinds import Kind, kinds_of
from hwenvs.problems.operator_selection import OperatorSelectionProblem
from hwenvs.problems.progress import whole_of
from hwenvs.reporting import palette
from hwenvs.reporting.architectures import draw_architecture, label_blocks, name_expansions
from hwenvs.solving.records import Run
from hwenvs.text import LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

FRAMES = 60
"""At most; a search of more evaluations is shown in larger steps."""

HIDDEN = 0.05
"""Part of the evaluations, the worst, that the axis of scores need not reach: they may be far."""

DOTS = 90
FRAMES_A_SECOND = 8
KIND_COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#E69F00")
"""Of decisions by kind."""

LINGER = 16
"""Times that the last frame is shown."""


def animate(problem: ChainProblem, run: Run, path: Path, beliefs: Sequence[Floats] = ()) -> int:
    """Writes a search as an animated GIF; returns its number of different frames.

    Args:
        problem: what was solved.
        run: the record of the search.
        path: the file, ending in ``.gif``.
        beliefs: per evaluation the probabilities [T, n] that a solver gave to operators, if it has
            such.

    Raises:
        ArgumentError: if the file does not end in ``.gif`` or the run is empty.
        MissingExtraError: without matplotlib and pillow.
    """
    if path.suffix != ".gif":
        raise ArgumentError(f"an animation ends in .gif, not {str(path)!r}")
    if not run.rewards:
        raise ArgumentError("the run evaluated no design")
    try:
        from matplotlib.animation import FuncAnimation, PillowWriter
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("films need matplotlib: pip install 'hwenvs[plot]'") from error
    shown = np.unique(np.linspace(0, len(run.rewards) - 1, FRAMES).astype(int))
    drawn = Figure((8.2, 6.4 if len(beliefs) else 4.9), DOTS, layout="constrained")
    frames = [*shown, *[shown[-1]] * LINGER]
    film = FuncAnimation(
        drawn,
        lambda last: _frame(drawn, problem, run, int(last), beliefs),
        frames,
        init_func=lambda: None,
        cache_frame_data=False,
    )
    with replacing(path) as temporary:
        # The writer tells the format by the ending.
        inside = temporary.with_suffix(".gif")
        film.save(inside, PillowWriter(FRAMES_A_SECOND))
        inside.replace(temporary)
    return len(shown)


def _frame(
    drawn: Figure, problem: ChainProblem, run: Run, last: int, beliefs: Sequence[Floats]
) -> list[Any]:
    """The state of the search after evaluation ``last`` (from 0)."""
    drawn.clear()
    rows = [1.1, 1.0, 1.0] if len(beliefs) else [1.1, 1.0]
    panels = drawn.subplots(len(rows), 1, height_ratios=rows)
    best = int(np.argmax(run.rewards[: last + 1]))
    quantity = problem.budget.quantity
    whole = whole_of(problem.levels)
    caption = (
        f"{run.solver}, evaluation {last + 1} of {len(run.rewards)}: best so far "
        f"{run.accuracies[best]:.2%} accuracy, {LABELS[quantity]} "
        f"{run.costs[quantity][best] / problem.full_costs[quantity]:.1%} of the {whole}'s"
    )
    _draw_design(panels[0], problem, run.designs[best], caption)
    if len(beliefs):
        _draw_beliefs(panels[1], problem, beliefs[min(last, len(beliefs) - 1)])
    _draw_rewards(panels[-1], run, last)
    return []


def _draw_design(axes: Axes, problem: ChainProblem, design: Sequence[int], caption: str) -> None:
    if isinstance(problem, OperatorSelectionProblem):
        draw_architecture(axes, problem.space, design, caption)
        label_blocks(axes, problem.space)
        name_expansions(axes.figure.get_figure(root=True))
        return
    sizes = np.array([decision.size for decision in problem.decisions])
    shares = 100.0 * np.array(design) / sizes
    axes.bar(range(len(sizes)), 100.0, 0.86, color=palette.FAINT)
    kinds = kinds_of(problem.names, problem.unit)
    for kind, colour in zip(kinds, KIND_COLOURS, strict=False):
        places = list(kind.places)
        axes.bar(places, shares[places], 0.86, color=colour, label=_of_what(kind, sizes[places]))
    axes.set_ylabel("kept (%)" if len(kinds) > 1 else f"kept ({_of_what(kinds[0], sizes)})")
    if len(kinds) > 1:
        axes.set_ylim(0, 125)
        axes.set_yticks(range(0, 101, 25))
        axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=len(kinds))
    axes.set_xlabel("decision")
    axes.locator_params(axis="x", integer=True)
    axes.set_title(caption, fontsize=9, color=palette.TEXT, loc="left")
    axes.spines[["top", "right"]].set_visible(False)


def _of_what(kind: Kind, sizes: NDArray[np.int64]) -> str:
    """What heights are percent of, e.g. ``"codebook: % of 32 bits"``."""
    many = len(set(sizes.tolist())) > 1
    unit = kind.unit if many else f"{sizes[0]} {kind.unit}"
    share = kind.unit if kind.unit.startswith("%") else f"% of {unit}"
    return f"{kind.name}: {share}" if kind.name else share


def _draw_beliefs(axes: Axes, problem: ChainProblem, chances: Floats) -> None:
    axes.imshow(chances.T, aspect="auto", origin="lower", cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_yticks(range(len(problem.levels)), problem.levels, fontsize=7)
    axes.set_ylabel("probability of operators", fontsize=8)
    axes.set_xlabel("block", fontsize=9)


def _draw_rewards(axes: Axes, run: Run, last: int) -> None:
    values = np.array(run.rewards if run.scores is None else run.scores)
    steps = np.arange(1, last + 2)
    axes.plot(steps, values[: last + 1], ".", color=palette.QUIET, markersize=3, label="evaluated")
    best = np.maximum.accumulate(values[: last + 1])
    axes.plot(steps, best, color="#D55E00", drawstyle="steps-post", label="best so far")
    axes.set_xlim(0.5, len(values) + 0.5)
    low, high = np.quantile(values, HIDDEN), values.max()
    room = 0.08 * max(high - low, 1e-9)
    axes.set_ylim(low - room, high + room)
    name = "reward" if run.scores is None else "score"
    if values.min() < low - room:
        name += f"\n(lowest {HIDDEN:.0%} cut off)"
    axes.set_xlabel("evaluations (finished designs)")
    axes.locator_params(axis="x", integer=True)
    axes.set_ylabel(name)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
