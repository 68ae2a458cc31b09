"""The fit of a table to measured architectures, on measurements made up for it."""

from __future__ import annotations

import numpy as np
import pytest

from hwenvs.calibration.fidelity import spearman
from hwenvs.calibration.spaces.fit import cheapest, fit_pairs, reduced
from hwenvs.networks import get_space


def test_the_fit_finds_what_architectures_were_made_with() -> None:
    space, random = get_space("proxyless_cifar"), np.random.default_rng(0)
    alone = random.random((11, 7))
    pairs = 0.3 * random.random((11, 7, 7))

    def loss(designs: np.ndarray) -> np.ndarray:
        total = np.zeros(len(designs))
        for t, column in enumerate((designs - 1).T):
            total += alone[t, column]
            total += pairs[t, designs[:, t - 1] - 1, column] if t else 0.0
        return total

    designs = space.sample(1500, 1, 1.5)
    measured = loss(designs) + 0.05 * random.standard_normal(1500)
    accuracy = np.exp(-loss(designs))
    table = fit_pairs(space, designs, measured, accuracy + 0.01 * random.standard_normal(1500))
    fresh = space.sample(300, 2, 1.5)
    assert table.target == "loss"  # which is a sum, accuracy is none
    assert np.isfinite(table.penalty)  # pairs helped
    assert spearman(table(fresh), loss(fresh)) > 0.99
    assert (table.pairs >= 0).all()


def test_the_error_is_fitted_where_the_loss_says_less_about_accuracy() -> None:
    space, random = get_space("proxyless_digits"), np.random.default_rng(2)
    designs = space.sample(300, 3, 1.5)
    error = 0.05 * random.random((4, 7))[np.arange(4), designs - 1].sum(1)
    unsure = random.random(300)  # a network that is surer than it should be pays for its errors
    table = fit_pairs(space, designs, error + unsure, 1.0 - error)
    assert table.target == "error"
    assert spearman(table(designs), error) > 0.99


def test_reduced_tables_order_architectures_alike_and_start_at_zero() -> None:
    space, random = get_space("proxyless_digits"), np.random.default_rng(1)
    pairs = random.standard_normal((4, 7, 7))
    grids = np.meshgrid(*(block.entries for block in space.blocks), indexing="ij")
    designs = np.stack([grid.ravel() for grid in grids], axis=1) - 1

    def sums(table: np.ndarray) -> np.ndarray:
        total = table[0][0, designs[:, 0]].copy()
        for t in range(1, 4):
            total += table[t][designs[:, t - 1], designs[:, t]]
        return total

    before, after = sums(pairs), sums(reduced(space, pairs))
    assert np.allclose(before - before.min(), after, atol=1e-12)
    assert after.min() == pytest.approx(0.0, abs=1e-12)


def test_the_cheapest_good_architecture_keeps_its_cost() -> None:
    space, random = get_space("proxyless_digits"), np.random.default_rng(2)
    pairs, costs = random.random((4, 7, 7)), random.random((4, 7)) + 0.1
    least = sum(
        row[np.array(block.entries) - 1].min()
        for row, block in zip(costs, space.blocks, strict=True)
    )
    for most in (1.001 * least, 1.3 * least, 2.0 * least):
        design = cheapest(space, pairs, costs, most)
        space.check(design)
        assert sum(row[entry - 1] for row, entry in zip(costs, design, strict=True)) <= most
