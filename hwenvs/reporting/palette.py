"""Colours that people with any kind of colour vision can tell apart (Okabe and Ito, 2008)."""

from __future__ import annotations

from collections.abc import Iterable

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
    "exact": "#222222",
}
"""One colour a solver, so that it looks the same in every report."""

SPARE = ("#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")

TEXT = "#2b2f36"
QUIET = "#5b6470"
FAINT = "#e3e7ed"
GRID = "#d9dde3"
OPTIMUM = "#111111"
UNIFORM = "#E69F00"


def colours(solvers: Iterable[str]) -> dict[str, str]:
    """A colour for each of ``solvers``."""
    chosen: dict[str, str] = {}
    for solver in solvers:
        free = [colour for colour in SPARE if colour not in chosen.values()]
        chosen[solver] = SOLVER_COLOURS.get(solver) or (free or list(SPARE))[0]
    return chosen
