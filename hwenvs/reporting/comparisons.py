"""Figures over all environments: intervals, performance profiles, probabilities of improvement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hwenvs.reporting import drawing, palette
from hwenvs.reporting.overall import Overall, Standing, improvement
from hwenvs.reporting.results import KNOWING
from hwenvs.reporting.statistics import performance_profile, profile_band
from hwenvs.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOWEST = -1.0
"""Scores below are told at the edge."""

LEVELS = np.linspace(-0.5, 1.0, 151)
"""Scores that performance profiles look at."""

BANDS = 1_000
"""Repetitions of the bootstrap of a profile: 151 intervals each."""


def intervals(overall: Overall) -> Figure:
    """Interquartile means with 95 % intervals, a solver a line, best first.

    Solvers that ran on some of the environments only, or more often on some than on others, come
    last and are hollow: theirs is the mean of another exam.

    Raises:
        MissingExtraError: without matplotlib.
    """
    standings = overall.standings
    drawn = drawing.figure(9.0, 1.7 + 0.3 * len(standings))
    axes = drawn.subplots()
    for place, standing in enumerate(standings):
        whole = overall.complete(standing)
        _dot(axes, place, (standing.mean, standing.interval), whole)
    left = min(0.0, *(_ends(standing)[0] for standing in standings))
    right = max(1.0, *(_ends(standing)[1] for standing in standings))
    axes.set_xlim(max(LOWEST, left) - 0.08, min(right, 2.0) + 0.08)
    _list_solvers(axes, [_name(overall, standing) for standing in standings])
    for level in (0.0, 1.0):
        axes.axvline(level, color=palette.OPTIMUM, linewidth=1.0, linestyle=":", zorder=0)
    axes.set_xlabel("score of the best design (0 uniform, 1 optimum)")
    drawing.title(axes, "Interquartile mean and 95 % interval", _over(overall))
    return drawn


def profiles(overall: Overall) -> Figure:
    """Fraction of runs whose best score is above each level, with pointwise 95 % bands.

    Raises:
        MissingExtraError: without matplotlib.
    """
    drawn = drawing.figure(9.0, 5.2)
    axes = drawn.subplots()
    looked = [s for s in overall.standings if s.solver not in KNOWING]
    looked = looked or list(overall.standings)
    styles = palette.styles(standing.solver for standing in looked[: drawing.SHOWN])
    for place, standing in enumerate(looked):
        strata = list(standing.strata.values())
        profile = 100.0 * performance_profile(strata, LEVELS)
        style = styles.get(standing.solver)
        if style is None:
            label = f"{len(looked) - drawing.SHOWN} more" if place == drawing.SHOWN else ""
            axes.step(
                LEVELS,
                profile,
                where="post",
                color=palette.REST,
                linewidth=0.9,
                label=label,
                zorder=1,
            )
            continue
        axes.step(
            LEVELS,
            profile,
            where="post",
            color=style.colour,
            linestyle=style.dash,
            label=_name(overall, standing),
            zorder=drawing.layer(place),
        )
        low, high = profile_band(strata, LEVELS, repetitions=BANDS)
        axes.fill_between(
            LEVELS,
            100.0 * low,
            100.0 * high,
            step="post",
            color=style.colour,
            alpha=0.15,
            linewidth=0,
        )
    axes.set_xlim(LEVELS[0], LEVELS[-1])
    axes.set_ylim(-2, 103)
    axes.set_xlabel("score τ (0 uniform, 1 optimum)")
    axes.set_ylabel("runs with a score above τ (%)")
    drawing.title(axes, "Performance profiles", _over(overall))
    drawing.finish(axes, "both")
    drawing.legend(drawn, axes)
    return drawn


def pairs(overall: Overall) -> Figure:
    """How probably each solver beats the best one, with 95 % intervals.

    Raises:
        MissingExtraError: without matplotlib.
    """
    champion = overall.champion
    others = [standing for standing in overall.standings if standing is not champion]
    drawn = drawing.figure(9.0, 1.7 + 0.3 * len(others))
    axes = drawn.subplots()
    for place, standing in enumerate(others):
        found = overall.against_champion.get(standing.solver)
        if found is None:
            axes.text(0.5, place, "no common environment", ha="center", va="center", fontsize=8)
            continue
        low, high = (100.0 * end for end in found.interval)
        _dot(axes, place, (100.0 * found.value, (low, high)), overall.complete(standing))
    axes.axvline(50, color=palette.OPTIMUM, linewidth=1.0, linestyle=":", zorder=0)
    axes.set_xlim(-3, 103)
    _list_solvers(axes, [_name(overall, standing) for standing in others])
    axes.set_xlabel(f"probability of a better score than {champion.solver} (%)")
    drawing.title(axes, f"Probability of improvement on {champion.solver}", _over(overall))
    return drawn


def improvements(overall: Overall) -> Figure:
    """How probably the solver of a row beats that of a column, all with all.

    Raises:
        MissingExtraError: without matplotlib.
    """
    standings = overall.standings
    count = len(standings)
    values = np.full((count, count), np.nan)
    for row, first in enumerate(standings):
        for column, second in enumerate(standings):
            found = None if row == column else improvement(first, second, interval=False)
            if found is not None:
                values[row, column] = 100.0 * found.value
    side = 2.2 + 0.36 * count
    drawn = drawing.figure(max(side, 5.0), max(side, 3.6) + 0.5)
    axes = drawn.subplots()
    # Wider than 0 to 100: the darkest colours of the map would swallow the numbers.
    axes.imshow(values, cmap="PuOr_r", vmin=-60.0, vmax=160.0)
    for row, column in np.argwhere(np.isfinite(values)):
        text = f"{values[row, column]:.0f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=palette.TEXT)
    names = [standing.solver for standing in standings]
    axes.set_xticks(
        range(count), names, rotation=50, ha="right", rotation_mode="anchor", fontsize=8
    )
    axes.set_yticks(range(count), names, fontsize=8)
    axes.set_xlabel("than this solver")
    axes.set_ylabel("this solver has a better score")
    axes.spines[:].set_visible(False)
    drawing.title(axes, "Probability of improvement (%)", _over(overall))
    return drawn


def _dot(
    axes: Axes, place: int, value: tuple[float, tuple[float, float] | None], whole: bool
) -> None:
    """A value with its interval on line ``place``; hollow if it is of another exam."""
    middle, interval = value
    if interval is not None:
        axes.plot(interval, (place, place), color="#0072B2", linewidth=4.5, alpha=0.35)
    fill = "#0072B2" if whole else "white"
    axes.plot(middle, place, "o", color="#0072B2", markerfacecolor=fill, markersize=6)
    if middle < LOWEST:
        axes.annotate(
            f"◂ {middle:.2f}",
            (0.0, place),
            (4, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=palette.TEXT,
        )


def _ends(standing: Standing) -> tuple[float, float]:
    return standing.interval or (standing.mean, standing.mean)


def _list_solvers(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    drawing.finish(axes, "x")
    axes.spines["left"].set_visible(False)


def _name(overall: Overall, standing: Standing) -> str:
    if overall.complete(standing):
        return standing.solver
    if len(standing.strata) < len(overall.environments):
        return f"{standing.solver} ({len(standing.strata)} of {len(overall.environments)})"
    counts = [len(scores) for scores in standing.strata.values()]
    return f"{standing.solver} ({min(counts)} to {max(counts)} runs)"


def _over(overall: Overall) -> str:
    count = len(overall.environments)
    runs = max(len(scores) for s in overall.standings for scores in s.strata.values())
    where = overall.environments[0] if count == 1 else f"{count} environments"
    return f"{where}, up to {counted(runs, 'run')} each"
