"""Fit, curve, rank correlation and designs, on data whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwenvs.calibration.curves import falling_curve, isotonic
from hwenvs.calibration.designs import DesignSampler
from hwenvs.calibration.families import sweep_counts
from hwenvs.calibration.fidelity import fidelity, shortfalls, spearman
from hwenvs.calibration.fit import fit_weights, greedy_design, sweep_curve, unfitted
from hwenvs.networks import ZOO, channel_groups, get_network


def test_sweep_curves_pass_through_their_points_and_never_rise() -> None:
    curve = sweep_curve([2, 5, 9], [0.8, 0.2, 0.05], 12)
    assert np.isnan(curve[:2]).all()
    np.testing.assert_allclose(curve[[2, 5, 9, 12]], [0.8, 0.2, 0.05, 0.0])
    assert (np.diff(curve[2:]) <= 0).all()
    assert len(curve) == 13


def test_sweep_curves_smooth_out_a_measurement_that_rises() -> None:
    curve = sweep_curve([2, 5, 9], [0.5, 0.7, 0.1], 12)
    assert (np.diff(curve[2:]) <= 0).all()
    assert curve[2] == pytest.approx(0.7)


@pytest.mark.parametrize(("channels", "round_to"), [(16, 1), (64, 1), (1024, 1), (3, 1), (32, 8)])
def test_sweep_counts_ascend_and_leave_all_channels_out(channels: int, round_to: int) -> None:
    counts = sweep_counts(channels, round_to)
    assert counts == sorted(set(counts))
    assert all(0 < count < channels for count in counts)


def test_the_fit_recovers_weights_and_exponent() -> None:
    random = np.random.default_rng(0)
    curves = [sweep_curve([2, 6, 12], list(np.exp([-1.0, -3, -6]) * s), 16) for s in (1, 2, 4, 3)]
    designs = random.integers(3, 16, (200, 4))
    weights, exponent = np.array([0.4, 1.0, 2.5, 1.2]), 0.8
    inside = sum(w * c[k] ** exponent for w, c, k in zip(weights, curves, designs.T, strict=True))
    table = fit_weights(curves, designs, np.asarray(inside) ** (1 / exponent), shrink=1e-6)
    assert table.exponent == pytest.approx(exponent, rel=0.02)
    found = table.weights * np.exp(table.exponent * table.offset)
    np.testing.assert_allclose(found, weights, rtol=0.05)
    assert spearman(table(designs), np.asarray(inside)) == pytest.approx(1, abs=1e-4)


def test_a_strong_penalty_gives_the_plain_sum() -> None:
    curves = [sweep_curve([2, 6], [0.9, 0.2], 8)] * 2
    designs = np.array([[2, 3], [4, 4], [5, 7], [7, 2]])
    table = fit_weights(curves, designs, unfitted(curves)(designs), shrink=1e6)
    np.testing.assert_allclose(table.weights, 1, atol=1e-3)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_isotonic_is_non_increasing_and_keeps_the_mean(values: list[float]) -> None:
    fitted = isotonic(np.array(values))
    assert (np.diff(fitted) <= 1e-12).all()
    assert fitted.mean() == pytest.approx(np.mean(values))


def test_isotonic_leaves_a_falling_sequence_alone() -> None:
    np.testing.assert_allclose(isotonic(np.array([3.0, 2.0, 1.0])), [3, 2, 1])
    np.testing.assert_allclose(isotonic(np.array([1.0, 3.0, 2.0])), [2, 2, 2])


def test_the_curve_falls_strictly_from_baseline_to_chance() -> None:
    random = np.random.default_rng(1)
    sums = random.uniform(0.1, 5, 80)
    x, y = falling_curve(sums, 0.9 - 0.1 * sums + random.normal(0, 0.02, 80), 0.93, 0.1)
    assert x[0] == 0
    assert y[0] == pytest.approx(0.93)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) < 0).all()
    assert np.abs(np.interp(1.0, x, y) - 0.8) < 0.02


def test_spearman_equals_scipys_also_with_ties() -> None:
    from scipy.stats import spearmanr

    random = np.random.default_rng(2)
    one, other = random.integers(0, 9, 60).astype(float), random.normal(size=60)
    assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert np.isnan(spearman(np.ones(4), np.arange(4.0)))


def test_fidelity_counts_equal_budget_designs_apart() -> None:
    truth = {"spread": np.array([0.9, 0.2]), "random": np.array([0.7, 0.6, 0.5])}
    guess = {"spread": np.array([0.8, 0.1]), "random": np.array([0.5, 0.6, 0.7])}
    report = fidelity(guess, truth, 0.9)
    assert report["designs"] == 5
    assert report["designs_equal_budget"] == 3
    assert report["spearman_equal_budget"] == -1.0
    assert report["designs_above_half"] == 4
    assert report["mae"] == pytest.approx((0.1 + 0.1 + 0.2 + 0 + 0.2) / 5)


@pytest.mark.parametrize("name", ["resnet20", "mobilenet_v1", "mobilenet_v2", "resnet50", "vgg16"])
def test_sampled_designs_meet_their_budget_and_fill_it(name: str) -> None:
    network = get_network(name)
    sampler = DesignSampler(network, 0.2, 8 if network.resolution > 32 else 1, seed=3)
    designs = np.array([sampler.random_design(0.5) for _ in range(20)])
    assert (sampler.share(designs) <= 0.5).all()
    assert sampler.share(designs).mean() > 0.45
    assert len({tuple(design) for design in designs}) == 20


@pytest.mark.parametrize("name", ZOO)
def test_the_full_design_has_all_macs(name: str) -> None:
    network = get_network(name)
    sampler = DesignSampler(network, 0.2, 1, seed=0)
    full = np.array([[group.channels for group in channel_groups(network)]])
    assert sampler.share(full)[0] == pytest.approx(1.0)


def test_greedy_prunes_the_insensitive_layers_first() -> None:
    network = get_network("resnet20")
    groups = channel_groups(network)
    curves = [
        sweep_curve(
            [1, g.channels - 1], [1e-3 if i % 2 else 1.0, 1e-4 if i % 2 else 0.1], g.channels
        )
        for i, g in enumerate(groups)
    ]
    sampler = DesignSampler(network, 0.2, 1, seed=0)
    design = greedy_design(unfitted(curves), sampler, 0.6)
    assert sampler.share(design[None])[0] <= 0.6
    kept = design / sampler.channels
    assert (kept[::2] == 1).all()
    assert kept[1::2].mean() < 0.8


def test_a_table_says_where_it_falls_short() -> None:
    good = {"spearman_equal_budget": 0.95, "mae_above_half": 0.01}
    assert shortfalls(good) == []
    assert (
        "Spearman at equal budget is 0.80" in shortfalls({**good, "spearman_equal_budget": 0.8})[0]
    )
    assert "off by 3.0 points" in shortfalls({**good, "mae_above_half": 0.03})[0]
    assert len(shortfalls({"spearman_equal_budget": np.nan, "mae_above_half": np.nan})) == 2
