"""Colours that people with any kind of colour vision can tell apart (Okabe and Ito, 2008)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

SOLVER_COLOURS = {
    "ddpg": "#0072B2",
    "decomposition": "#D55E00",
    "random": "#7F7F7F",
    "cma-es": "#009E73",
    "reinforce": "#009E73",
    "regularized-evolution": "#CC79A7",
    "proxyless": "#E69F00",
    "shallow": "#CC79A7",
    "deep": "#56B4E9",
    "genetic": "#0072B2",
    "differential-evolution": "#D55E00",
    "nsga2": "#56B4E9",
    "tpe": "#E69F00",
    "gp": "#CC79A7",
    "turbo": "#009E73",
    "sb3-ddpg": "#0072B2",
    "sb3-td3": "#56B4E9",
    "sb3-sac": "#009E73",
    "sb3-tqc": "#CC79A7",
    "sb3-dqn": "#7F7F7F",
    "sb3-ppo": "#D55E00",
    "sb3-a2c": "#E69F00",
    "sb3-maskable-ppo": "#D55E00",
    "sb3-recurrent-ppo": "#CC79A7",
    "sb3-ars": "#56B4E9",
    "exact": "#222222",
}
"""One colour a solver, so that it looks the same in every figure; there are fewer than solvers."""

SPARE = ("#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")

DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
MARKERS = ("o", "s", "^", "D")
"""Of solvers that share a colour."""

TEXT = "#2b2f36"
QUIET = "#5b6470"
FAINT = "#e3e7ed"
GRID = "#d9dde3"
REST = "#b4bac4"
"""Of solvers that are too many to be told apart."""

OPTIMUM = "#111111"
UNIFORM = "#E69F00"


class Style(NamedTuple):
    """How a solver is drawn."""

    colour: str
    dash: Any
    marker: str


def colours(solvers: Iterable[str]) -> dict[str, str]:
    """A colour for each of ``solvers``; while there are any, one that no other has."""
    chosen: dict[str, str] = {}
    for solver in solvers:
        free = [colour for colour in SPARE if colour not in chosen.values()]
        known = SOLVER_COLOURS.get(solver)
        chosen[solver] = known or (free or [SPARE[len(chosen) % len(SPARE)]])[0]
    return chosen


def styles(solvers: Iterable[str]) -> dict[str, Style]:
    """A style for each of ``solvers``: those that share a colour differ in dashes and markers."""
    chosen: dict[str, Style] = {}
    for solver, colour in colours(solvers).items():
        same = sum(style.colour == colour for style in chosen.values()) % len(DASHES)
        chosen[solver] = Style(colour, DASHES[same], MARKERS[same])
    return chosen
