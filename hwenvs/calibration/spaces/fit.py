"""From measured architectures to a table: what operators lose, alone and behind one another.

What an architecture loses is modelled as ``a + sum_t u_t(o_t) + sum_t p_t(o_{t-1}, o_t)`` by ridge
regression on indicators; how much the pairs are held back is chosen by cross-validation.  So is
what is fitted: the cross-entropy varies less from image to image than the error does, but where
networks are surer than they should be it tells more of that than of what they get right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.calibration.fidelity import spearman
from hwenvs.networks import OPERATORS, Space

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS = len(OPERATORS)
ALONE = 1e-2
"""Ridge of what operators lose alone: just enough to make the solution unique."""

PENALTIES = (3.0, 10.0, 30.0, 100.0, 300.0, np.inf)
"""Ridges of the pairs that are tried; the last leaves them out."""

FOLDS = 5


@dataclass(frozen=True, eq=False)
class PairTable:
    """What operators add to the loss, given the one before.

    Attributes:
        pairs: [T, n, n] of operator j (from 0) of block t behind operator i of block t - 1 (of the
            first block: 0).
        penalty: ridge of the pairs; infinite without them.
        checked: Spearman's rank correlation of predicted and measured accuracy in cross-validation,
            by ridge.
        target: what was fitted, ``"loss"`` or ``"error"``.
    """

    pairs: Floats
    penalty: float
    checked: dict[float, float]
    target: str

    def __call__(self, designs: Ints) -> Floats:
        """Sums [B] of ``designs`` [B, T]."""
        total, before = np.zeros(len(designs)), np.zeros(len(designs), dtype=np.int64)
        for table, column in zip(self.pairs, np.asarray(designs).T - 1, strict=True):
            total = total + table[before, column]
            before = column
        return total


def fit_pairs(
    space: Space, designs: Ints, loss: Floats, accuracy: Floats, seed: int = 0
) -> PairTable:
    """The table of measured architectures, from which the best architecture has the sum 0.

    Args:
        space: the search space.
        designs: [B, T] measured architectures.
        loss: [B] their cross-entropies in nats.
        accuracy: [B] their accuracies.
        seed: of the folds.
    """
    rows, horizon = _indicators(designs), designs.shape[1]
    alone = horizon * KINDS
    part = np.random.default_rng(seed).permutation(len(designs)) % FOLDS
    tables = []
    for target, values in (("loss", loss), ("error", 1.0 - accuracy)):
        checked = {
            penalty: round(-spearman(_guess(rows, values, alone, penalty, part), accuracy), 4)
            for penalty in PENALTIES
        }
        best = max(checked, key=lambda penalty: checked[penalty])
        weights, _ = _ridge(rows, values, alone, best)
        pairs = reduced(space, _pairs(weights, horizon))
        tables.append(PairTable(pairs, best, checked, target))
    return max(tables, key=lambda table: table.checked[table.penalty])


def _guess(rows: Floats, values: Floats, alone: int, penalty: float, part: Ints) -> Floats:
    """What is predicted [B] of architectures that were left out of the fit."""
    guess = np.empty(len(values))
    for fold in range(FOLDS):
        inside = part != fold
        weights, constant = _ridge(rows[inside], values[inside], alone, penalty)
        guess[~inside] = rows[~inside] @ weights + constant
    return guess


def reduced(space: Space, pairs: Floats) -> Floats:
    """``pairs`` [T, n, n] with the same differences between architectures, but none negative.

    What the best continuation adds is taken out of every block and put into the block before
    (reduced costs of a shortest path), so that sums of architectures change by one constant and the
    best architecture's sum is 0.
    """
    found, later = pairs.copy(), np.zeros(KINDS)
    for t in range(len(space.blocks) - 1, -1, -1):
        offered = np.array(space.blocks[t].entries) - 1
        whole = pairs[t] + later
        to_go = whole[:, offered].min(axis=1)
        found[t] = np.maximum(whole - to_go[:, None], 0.0)
        later = to_go
    return found


def _indicators(designs: Ints) -> Floats:
    """[B, T n + (T - 1) n^2] which operators, and which neighbouring pairs."""
    count, horizon = designs.shape
    codes = designs - 1
    alone = np.zeros((count, horizon * KINDS))
    pairs = np.zeros((count, (horizon - 1) * KINDS**2))
    each = np.arange(count)
    for t in range(horizon):
        alone[each, t * KINDS + codes[:, t]] = 1.0
        if t:
            place = (t - 1) * KINDS**2 + codes[:, t - 1] * KINDS + codes[:, t]
            pairs[each, place] = 1.0
    return np.hstack([alone, pairs])


def _ridge(rows: Floats, loss: Floats, alone: int, penalty: float) -> tuple[Floats, float]:
    """Weights and constant; without pairs where the penalty is infinite."""
    used = rows.shape[1] if np.isfinite(penalty) else alone
    ridge = np.full(used, ALONE)
    ridge[alone:] = penalty
    means, middle = rows[:, :used].mean(axis=0), float(loss.mean())
    centred = rows[:, :used] - means
    gram = centred.T @ centred + np.diag(ridge)
    weights = np.zeros(rows.shape[1])
    weights[:used] = np.linalg.solve(gram, centred.T @ (loss - middle))
    return weights, middle - float(means @ weights[:used])


def _pairs(weights: Floats, horizon: int) -> Floats:
    """[T, n, n] of fitted weights."""
    alone = weights[: horizon * KINDS].reshape(horizon, 1, KINDS)
    pairs = np.repeat(alone, KINDS, axis=1)
    pairs[1:] += weights[horizon * KINDS :].reshape(horizon - 1, KINDS, KINDS)
    return pairs


def cheapest(space: Space, pairs: Floats, costs: Floats, most: float) -> Ints:
    """The architecture [T] with a small sum whose cost is at most ``most``, by Lagrange's method.

    Args:
        space: the search space.
        pairs: [T, n, n] losses.
        costs: [T, n] costs of operators.
        most: what they may cost together.
    """
    low, high = 0.0, 1.0
    best = _shortest(space, pairs, costs, high)
    while _cost(costs, best) > most and high < 1e12:
        high *= 10.0
        best = _shortest(space, pairs, costs, high)
    for _ in range(50):
        middle = (low + high) / 2
        found = _shortest(space, pairs, costs, middle)
        if _cost(costs, found) <= most:
            high, best = middle, found
        else:
            low = middle
    return best


def _shortest(space: Space, pairs: Floats, costs: Floats, price: float) -> Ints:
    """The architecture [T] with the smallest sum of losses and priced costs."""
    scale = price / np.nanmax(costs)
    later, choices = np.zeros(KINDS), []
    for t in range(len(space.blocks) - 1, -1, -1):
        offered = np.array(space.blocks[t].entries) - 1
        whole = (pairs[t] + scale * np.nan_to_num(costs[t]) + later)[:, offered]
        choices.append(offered[whole.argmin(axis=1)])
        later = whole.min(axis=1)
    design, before = [], 0
    for choice in reversed(choices):
        before = int(choice[before])
        design.append(before + 1)
    return np.array(design, dtype=np.int64)


def _cost(costs: Floats, design: Ints) -> float:
    return float(sum(row[entry - 1] for row, entry in zip(costs, design, strict=True)))
