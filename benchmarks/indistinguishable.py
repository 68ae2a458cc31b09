"""How small a forgery the badge `indistinguishable` finds: python benchmarks/indistinguishable.py.

Takes the runs of every entry of a suite, draws as many from them twice, makes the first ones better
and counts how often the two are told apart. Without making them better it should be 5 % or less.
Draws are blurred, since a board has few runs of each and draws would share many.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwenvs.leaderboards.board import ENTRIES
from hwenvs.leaderboards.comparing import SIGNIFICANCE, features, p_value
from hwenvs.leaderboards.entries import open_entry
from hwenvs.leaderboards.suites import load_suite
from hwenvs.leaderboards.verify import verify

BOARD = Path("leaderboards")
BLUR = 0.35
"""Standard deviation of what is added to draws, in those of the final scores."""

PERMUTATIONS = 1_000
"""Fewer than for a badge: the share of many draws hardly depends on it."""

Floats = NDArray[np.float64]


def main() -> None:
    """Prints, for every entry with chance in it, how often it is told apart from a better one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="?", default="amc-v1")
    parser.add_argument("--better", type=float, default=0.05, help="by how much, as a score")
    parser.add_argument("--draws", type=int, default=60)
    given = parser.parse_args()
    suite, random, shares = load_suite(given.suite), np.random.default_rng(0), []
    for folder in sorted((BOARD / ENTRIES / suite.id).iterdir()):
        verdict = verify(open_entry(folder), suite)
        curves = [one.curves for one in verdict.judged]
        if verdict.effective < 2 or not np.any([runs[:, -1].std() for runs in curves]):
            continue
        shares.append([told_apart(curves, by, given.draws, random) for by in (given.better, 0.0)])
        print(f"{verdict.name:24} {shares[-1][0]:.0%}, equal ones {shares[-1][1]:.0%}")
    found, wrong = np.array(shares).T
    print(
        f"{suite.id}, {given.better} better: {found.mean():.0%} on average, {found.min():.0%} at "
        f"least; equal ones: {wrong.mean():.0%} on average"
    )


def told_apart(
    curves: list[Floats], better: float, draws: int, random: np.random.Generator
) -> float:
    """Share of ``draws`` in which the runs of ``curves`` [runs, E], by task, are told apart."""
    pairs = [(drawn(curves, better, random), drawn(curves, 0.0, random)) for _ in range(draws)]
    found = [p_value(*pair, seed, PERMUTATIONS) for seed, pair in enumerate(pairs)]
    return float(np.mean(np.array(found) < SIGNIFICANCE))


def drawn(curves: list[Floats], better: float, random: np.random.Generator) -> list[Floats]:
    """Features [runs, 3] of runs that are drawn and made better, by task."""
    samples = []
    for runs in curves:
        blur = BLUR * runs[:, -1].std() * random.standard_normal((len(runs), 1))
        chosen = runs[random.integers(0, len(runs), len(runs))] + blur + better
        samples.append(features(np.clip(chosen, 0.0, 1.0)))
    return samples


if __name__ == "__main__":
    main()
