"""Figures of the page as SVG: intervals and learning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BAR = 150
"""Width of the axis from 0 to 1 of an interval."""

WIDTH, HEIGHT = 440, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 18, 10, 44
"""Size and margins of learning curves."""


@dataclass(frozen=True)
class Curve:
    """Learning curves of an entry.

    Attributes:
        entry: its name.
        look: CSS class of its colour and dash.
        scores: [runs, E] best score so far after every evaluation.
    """

    entry: str
    look: str
    scores: Floats


def interval(mean: float, ends: tuple[float, float]) -> Markup:
    """A mean and its interval on an axis from 0 to 1; what lies beyond is drawn at its end."""
    low, middle, high = (5 + BAR * min(max(value, 0.0), 1.0) for value in (ends[0], mean, ends[1]))
    ticks = "".join(f"M{5 + BAR * place // 2} 6v8" for place in range(3))
    return Markup(
        f'<svg class="interval" viewBox="0 0 {BAR + 10} 20" width="{BAR + 10}" height="20" '
        f'aria-hidden="true"><path class="axis" d="M5 10h{BAR}{ticks}"/>'
        f'<path class="whisker" d="M{low:.1f} 10H{high:.1f}M{low:.1f} 6v8M{high:.1f} 6v8"/>'
        f'<circle cx="{middle:.1f}" cy="10" r="3.5"/></svg>'
    )


def swatch(look: str) -> Markup:
    """A piece of a line as keys show it."""
    return Markup(
        '<svg class="swatch {}" viewBox="0 0 28 8" width="28" height="8" aria-hidden="true">'
        '<path class="line" d="M0 4h28"/></svg>'
    ).format(look)


def learning_curves(label: str, curves: Sequence[Curve]) -> Markup:
    """Medians over runs of the best score so far, with the band between quartiles.

    Args:
        label: what the figure shows, for those who do not see it.
        curves: best first; at least one, all of equal length.
    """
    evaluations = curves[0].scores.shape[1]
    highest = max(1.0, *(float(curve.scores.max()) for curve in curves))
    places = np.array([_across(number, evaluations) for number in range(1, evaluations + 1)])
    drawn = Markup("").join(_curve(curve, places, highest) for curve in reversed(curves))
    return (
        Markup('<svg class="curves" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            WIDTH, HEIGHT, label
        )
        + _axes(evaluations, highest)
        + drawn
        + Markup("</svg>")
    )


def text(x: float, y: float, words: str, anchor: str = "middle", turned: bool = False) -> Markup:
    """Words in a figure; turned ones read upwards."""
    turn = Markup(' transform="rotate(-90 {} {})"').format(f"{x:g}", f"{y:g}") if turned else ""
    return Markup('<text x="{}" y="{}" text-anchor="{}"{}>{}</text>').format(
        f"{x:g}", f"{y:g}", anchor, turn, escape(words)
    )


def _axes(evaluations: int, highest: float) -> Markup:
    bottom = HEIGHT - BOTTOM
    rules, labels = [], []
    for step in range(6):
        y = _up(step / 5, highest)
        rules.append(f"M{LEFT} {y}H{WIDTH - RIGHT}")
        labels.append(text(LEFT - 6, y + 4, f"{step / 5:.1f}", "end"))
    for number in _ticks(evaluations):
        x = _across(number, evaluations)
        rules.append(f"M{x} {bottom}v4")
        labels.append(text(x, bottom + 18, str(number)))
    labels.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "evaluations (log scale)"))
    labels.append(text(14, (TOP + bottom) / 2, "best score so far", turned=True))
    return Markup('<path class="axis" d="{}"/>').format("".join(rules)) + Markup("").join(labels)


def _curve(curve: Curve, places: NDArray[np.int64], highest: float) -> Markup:
    quartiles = np.quantile(curve.scores, [0.25, 0.5, 0.75], axis=0)
    low, middle, high = ([_up(float(score), highest) for score in row] for row in quartiles)
    across = places.tolist()
    there, back = _steps(across, high), _steps(across, low)
    band = f"M{across[0]} {high[0]}" + _path(there)
    band += f"V{low[-1]}" + _path_back(back, across[0], low[0]) + "Z"
    line = f"M{across[0]} {middle[0]}" + _path(_steps(across, middle))
    return Markup(
        '<g class="curve {}" data-entry="{}"><path class="band" d="{}"/>'
        '<path class="line" d="{}"/></g>'
    ).format(curve.look, curve.entry, band, line)


def _steps(across: list[int], heights: list[int]) -> list[tuple[int, int]]:
    """Where a step function changes and to what; the end of the axis comes last."""
    places = [p for p in range(1, len(heights)) if heights[p] != heights[p - 1]]
    return [(across[place], heights[place]) for place in (*places, -1)]


def _path(steps: list[tuple[int, int]]) -> str:
    return "".join(f"H{x}V{y}" for x, y in steps)


def _path_back(steps: list[tuple[int, int]], x: int, y: int) -> str:
    """The same steps from right to left, down to the first height ``y`` at ``x``."""
    befores = [y, *(height for _, height in steps[:-1])]
    path = "".join(
        f"H{place}V{before}"
        for (place, _), before in zip(reversed(steps), reversed(befores), strict=True)
    )
    return f"{path}H{x}"


def _ticks(evaluations: int) -> list[int]:
    """1, 10, 100 ... and the last evaluation, not too close to each other."""
    powers = [10**power for power in range(10) if 10**power * 1.8 < evaluations]
    return [*powers, evaluations]


def _across(number: int, evaluations: int) -> int:
    """Pixels of an evaluation, on a logarithmic axis."""
    share = math.log(number) / math.log(evaluations) if evaluations > 1 else 1.0
    return round(LEFT + (WIDTH - LEFT - RIGHT) * share)


def _up(score: float, highest: float) -> int:
    """Pixels of a score."""
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * score / highest)
