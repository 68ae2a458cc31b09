"""Quantizers: what they round to, and how far that is from the truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.compression.clipping import CLIPPINGS
from hwenvs.compression.codebooks import STARTS, CodebookLevels, fit_codebook, nearest
from hwenvs.compression.compensation import compensate, compensate_rows, factor_of, inverse_factor
from hwenvs.compression.least_squares import MomentMatrices
from hwenvs.compression.quantizers import linear_grid, quantize
from hwenvs.errors import ArgumentError, UnknownNameError


def weights(rows: int = 6, columns: int = 400, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    scale = torch.linspace(0.1, 2.0, rows)[:, None]
    return torch.randn(rows, columns, generator=generator) * scale


def reference(row: np.ndarray, bits: int, symmetric: bool) -> np.ndarray:
    """Min-max linear quantization in float64, one value at a time."""
    low, high = min(row.min(), 0.0), max(row.max(), 0.0)
    if symmetric:
        high = max(high, -low)
        if bits == 1:
            return np.where(row < 0, -high, high)
        most = 2 ** (bits - 1) - 1
        step, zero, first, last = high / most, 0, -most, most
    else:
        step = (high - low) / (2**bits - 1)
        zero, first, last = round(-low / step), 0, 2**bits - 1
    whole = np.clip(np.rint(row / step + zero), first, last)
    return (whole - zero) * step


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("bits", range(1, 9))
def test_min_max_quantization_equals_a_float64_reference(bits: int, symmetric: bool) -> None:
    values = weights()
    ours = quantize(values, bits, symmetric=symmetric, clipping="minmax")
    for row, rounded in zip(values.double().numpy(), ours.numpy(), strict=True):
        expected = reference(row, bits, symmetric)
        step = np.diff(np.unique(expected)).min()
        close = np.isclose(rounded, expected, atol=1e-5 * np.abs(row).max())
        # A value halfway between two levels may go either way in float32.
        assert (np.abs(rounded[~close] - expected[~close]) <= step * 1.001).all()
        assert close.mean() > 0.99


@pytest.mark.parametrize("clipping", CLIPPINGS)
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("bits", range(1, 9))
def test_there_are_no_more_levels_than_bits_allow(
    bits: int, symmetric: bool, clipping: str
) -> None:
    rounded = quantize(weights(), bits, symmetric=symmetric, clipping=clipping)
    for row in rounded:
        assert 1 <= len(row.unique()) <= 2**bits


@pytest.mark.parametrize("bits", range(2, 8))
def test_clipping_for_least_error_beats_the_extremes(bits: int) -> None:
    values = weights()
    best = (quantize(values, bits, clipping="mse") - values).square().mean(1)
    for clipping in CLIPPINGS:
        other = (quantize(values, bits, clipping=clipping) - values).square().mean(1)
        assert (best <= other * 1.02).all()


def test_a_percentile_range_ignores_an_outlier() -> None:
    values = torch.cat([torch.linspace(-1, 1, 5000), torch.tensor([100.0])])[None]
    for clipping in ("percentile", "kl"):
        error = (quantize(values, 6, clipping=clipping) - values)[0, :-1].abs().max()
        assert error < 0.2 * (quantize(values, 6, clipping="minmax") - values)[0, :-1].abs().max()


def test_many_zeros_do_not_narrow_the_range_of_least_divergence() -> None:
    positive = torch.randn(20_000, generator=torch.Generator().manual_seed(0)).abs()
    values = torch.cat([torch.zeros(60_000), positive])[None]
    bits = torch.tensor(8.0)
    _, top = CLIPPINGS["kl"](values, bits, False)
    assert top > torch.quantile(positive, 0.99)


def test_affine_grids_use_all_levels_on_what_is_not_negative() -> None:
    values = torch.rand(1, 5000)
    affine = (quantize(values, 4, symmetric=False) - values).square().mean()
    symmetric = (quantize(values, 4) - values).square().mean()
    assert affine < 0.4 * symmetric
    assert (
        quantize(torch.zeros(1, 3) + torch.tensor([0.0, 0.3, 1.0]), 4, symmetric=False)[0, 0] == 0
    )


def test_rows_are_independent_per_channel_and_share_a_grid_per_tensor() -> None:
    values = weights()
    together = quantize(values, 4)
    for index in range(len(values)):
        assert torch.equal(quantize(values[index : index + 1], 4)[0], together[index])
    shared = quantize(values, 4, per_channel=False)
    assert (shared - values).square().mean() > (together - values).square().mean()
    assert len(shared.unique()) <= 16


@given(st.integers(1, 8), st.integers(0, 1000))
def test_quantization_is_idempotent_on_its_own_grid(bits: int, seed: int) -> None:
    values = weights(2, 50, seed)
    grid = linear_grid(values, bits)
    once = grid(values)
    assert torch.allclose(grid(once), once)


def test_many_bits_change_nothing_and_nonsense_is_refused() -> None:
    values = weights()
    assert torch.equal(quantize(values, 32), values)
    for bits in (0, -1, 2.5):
        with pytest.raises(ArgumentError, match="whole numbers from 1 to 31"):
            quantize(values, bits)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="Did you mean 'mse'"):
        quantize(values, 4, clipping="msee")


@pytest.mark.parametrize("clipping", CLIPPINGS)
@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
def test_values_that_are_no_numbers_are_refused(clipping: str, wrong: float) -> None:
    values = weights()
    values[1, 2] = wrong
    with pytest.raises(ArgumentError, match="1 NaN or infinite"):
        quantize(values, 4, clipping=clipping)
    with pytest.raises(ArgumentError, match="none NaN or infinite"):
        fit_codebook(values, 4)


def test_nothing_at_all_has_no_levels() -> None:
    with pytest.raises(ArgumentError, match=r"rows .* not \[3, 0\]"):
        quantize(torch.empty(3, 0), 8)
    with pytest.raises(ArgumentError, match="one finite weight or more"):
        fit_codebook(torch.empty(0), 4)


@pytest.mark.parametrize("clipping", CLIPPINGS)
@pytest.mark.parametrize("symmetric", [True, False])
def test_levels_do_not_depend_on_torchs_default_type(clipping: str, symmetric: bool) -> None:
    values = weights()

    def rounded() -> list[torch.Tensor]:
        options = {"symmetric": symmetric, "clipping": clipping}
        linear = [quantize(values, bits, **options) for bits in (1, 4)]  # type: ignore[arg-type]
        return [*linear, *(fit_codebook(values, 3, start)() for start in STARTS)]

    expected = rounded()
    torch.set_default_dtype(torch.float64)
    try:
        found = rounded()
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.float32
        assert torch.equal(one, other)


def test_compensation_lowers_the_output_error() -> None:
    generator = torch.Generator().manual_seed(1)
    mixing = torch.randn(60, 60, generator=generator)
    inputs = torch.randn(2000, 60, generator=generator) @ mixing
    matrix = torch.randn(20, 60, generator=generator)
    grid = linear_grid(matrix, 3)
    factor = inverse_factor(MomentMatrices.of(inputs, inputs @ matrix.T))
    made_up = compensate(matrix, factor, lambda values, _: grid.column(values))
    plain = grid(matrix)
    centred = inputs - inputs.mean(0)
    errors = [(centred @ (w - matrix).T).square().mean() for w in (made_up, plain)]
    assert errors[0] < 0.7 * errors[1]
    assert torch.allclose(grid(made_up), made_up, atol=1e-6)


def test_rows_with_inputs_of_their_own_are_compensated_like_single_layers() -> None:
    generator = torch.Generator().manual_seed(2)
    matrix = torch.randn(4, 9, generator=generator)
    roots = torch.randn(4, 9, 9, generator=generator).double()
    factors = factor_of(roots @ roots.transpose(1, 2))
    together = compensate_rows(matrix, factors, lambda values, _: values.round())
    for row in range(4):
        alone = compensate(matrix[row : row + 1], factors[row], lambda values, _: values.round())
        assert torch.allclose(alone[0], together[row], atol=1e-5)


@pytest.mark.parametrize("start", STARTS)
def test_codebooks_are_local_optima_of_k_means(start: str) -> None:
    values = weights().flatten()
    book = fit_codebook(values, 4, start, steps=500)
    assert len(book.values) == 16
    distances = (values[:, None] - book.values[None]).abs()
    chosen = distances.gather(1, book.codes[:, None])[:, 0]
    assert torch.allclose(chosen, distances.min(1).values, atol=1e-6)
    for code in range(16):
        members = values[book.codes == code].double()
        if len(members):
            assert float(members.mean()) == pytest.approx(float(book.values[code]), abs=1e-4)


def test_a_codebook_is_closer_than_evenly_spaced_levels() -> None:
    values = weights(1, 5000)
    book = (fit_codebook(values, 3, steps=200)() - values).square().mean()
    assert book < (quantize(values, 3) - values).square().mean()


def test_linear_starts_keep_the_largest_weights() -> None:
    values = torch.cat([0.01 * weights(1, 5000)[0], torch.tensor([3.0])])
    linear = fit_codebook(values, 3, "linear")()
    density = fit_codebook(values, 3, "density", steps=1)()
    assert abs(linear[-1] - 3.0) < abs(density[-1] - 3.0) or density[-1] == 3.0
    assert linear[-1] == pytest.approx(3.0)


def test_codebooks_count_their_bits_and_refuse_nonsense() -> None:
    book = fit_codebook(weights(1, 100), 2)
    assert book.stored_bits == 2 * 100 + 4 * 32
    assert len(fit_codebook(torch.tensor([1.0, 2.0]), 4).values) == 2
    with pytest.raises(ArgumentError, match="1 to 16 bits"):
        fit_codebook(weights(), 0)
    with pytest.raises(UnknownNameError, match="linear"):
        fit_codebook(weights(), 2, "lineer")


def test_rows_with_codebooks_of_different_lengths_keep_to_their_own() -> None:
    books = [torch.tensor([-1.0, 1.0]), torch.tensor([-3.0, -1.0, 0.5, 2.0])]
    levels = CodebookLevels.stacked(books, rows=3)
    values = weights(6, 40)
    moved = levels(values)
    for row in range(6):
        assert torch.equal(moved[row], nearest(books[row // 3], values[row]))
    assert torch.equal(levels.rows(slice(3, 6)).column(values[3:, 0]), moved[3:, 0])


@pytest.mark.parametrize("symmetric", [False, True])
def test_with_more_levels_than_bins_the_range_of_least_divergence_is_the_widest(
    symmetric: bool,
) -> None:
    values = torch.randn(2, 500, generator=torch.Generator().manual_seed(0))
    for bits in (13.0, 31.0):
        found = CLIPPINGS["kl"](values, torch.tensor(bits), symmetric)
        widest = CLIPPINGS["minmax"](values, torch.tensor(bits), symmetric)
        assert all(torch.equal(*pair) for pair in zip(found, widest, strict=True))
