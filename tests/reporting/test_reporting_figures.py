"""Figures of reports that can be read: their legends, colours and labels."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from hwenvs.reporting import palette
from hwenvs.reporting.results import Results

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from hwenvs.reporting.overall import overall
from hwenvs.reporting.pareto import pareto_fronts


def test_figures_of_many_solvers_name_the_best_and_count_the_rest(
    many: Callable[..., list[Results]],
) -> None:
    from hwenvs.reporting.comparisons import profiles
    from hwenvs.reporting.curves import learning_curves

    results = many(20, 1)
    together = overall(results)
    assert together is not None
    for drawn in (learning_curves(results[0]), pareto_fronts(results[0]), profiles(together)):
        assert drawn is not None
        labels = [text.get_text() for text in drawn.legends[0].get_texts()]
        assert any(label.startswith("12 more") for label in labels)
        assert len(labels) <= 8 + 1 + 2  # the rest, and two references


def test_better_solvers_are_drawn_over_others(many: Callable[..., list[Results]]) -> None:
    from hwenvs.reporting.comparisons import profiles
    from hwenvs.reporting.curves import learning_curves

    results = many(10, 1)
    together = overall(results)
    assert together is not None
    for drawn in (learning_curves(results[0]), pareto_fronts(results[0]), profiles(together)):
        assert drawn is not None
        lines = {str(line.get_label()).partition(":")[0]: line for line in drawn.axes[0].lines}
        heights = [lines[entry.solver].get_zorder() for entry in results[0].summaries[:8]]
        assert heights == sorted(heights, reverse=True)
        assert len(set(heights)) == 8
        rest = [line for line in drawn.axes[0].lines if line.get_color() == palette.REST]
        assert len(rest) == 2
        assert max(line.get_zorder() for line in rest) < heights[-1]


def test_nothing_in_a_figure_hangs_over_its_edge_or_covers_other_labels(
    many: Callable[..., list[Results]],
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from hwenvs.reporting.comparisons import intervals, pairs

    together = overall(many(20, 2, 2))
    assert together is not None
    for drawn in (intervals(together), pairs(together)):
        canvas = FigureCanvasAgg(drawn)
        canvas.draw()
        renderer = canvas.get_renderer()
        boxes = [label.get_window_extent(renderer) for label in drawn.axes[0].get_yticklabels()]
        assert all(box.x0 >= 0 for box in boxes)
        assert all(upper.y0 >= lower.y1 for upper, lower in pairwise(boxes))
        assert drawn.axes[0].get_title(loc="left")


def test_known_solvers_keep_their_colours_and_others_differ() -> None:
    chosen = palette.colours(["mine", "ddpg", "yours"])
    assert chosen["ddpg"] == palette.SOLVER_COLOURS["ddpg"]
    assert len(set(chosen.values())) == 3


def test_solvers_of_one_figure_never_look_alike() -> None:
    names = [*palette.SOLVER_COLOURS, "mine", "yours"]
    for place in range(len(names)):
        shown = (names[place:] + names[:place])[:8]
        looks = {(style.colour, str(style.dash)) for style in palette.styles(shown).values()}
        assert len(looks) == 8
