"""Load-balance-aware pruning: what every element keeps, beside plain magnitude pruning."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.compression.fine_grained import largest, prune_columns
from hwenvs.compression.load_balance import balance, balanced, block_thresholds, row_blocks
from hwenvs.errors import ArgumentError


def kept_by_hand(values: np.ndarray, density: float, elements: int) -> np.ndarray:
    """One element after the other, as the paper describes it."""
    mask = np.zeros(values.shape, dtype=bool)
    for element in range(min(elements, len(values))):
        part = values[element::elements]
        count = max(1, int(np.rint(density * part.size)))
        chosen = np.argsort(-part, axis=None, kind="stable")[:count]
        mask[element::elements].reshape(-1)[:] = False
        keep = np.zeros(part.size, dtype=bool)
        keep[chosen] = True
        mask[element::elements] = keep.reshape(part.shape)
    return mask


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(0.01, 1.0))
def test_every_element_keeps_its_own_largest_weights(
    seed: int, elements: int, density: float
) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=random.integers(1, 40, 2))
    values = np.abs(values).astype(np.float32)
    mask = balanced(torch.from_numpy(values), density, row_blocks(len(values), elements))
    np.testing.assert_array_equal(mask.numpy(), kept_by_hand(values, density, elements))


def test_half_a_weight_is_rounded_as_plain_pruning_rounds_it() -> None:
    values = torch.rand(15, 5)
    for percent in range(1, 101):
        mask = balanced(values, percent / 100, row_blocks(15, 1))
        assert mask.sum() == largest(values, percent / 100).sum()
    # In single precision 0.14 of 75 would be ten and a half or less.
    assert balanced(values, 0.14, row_blocks(15, 1)).sum() == round(0.14 * 75) == 11


def test_elements_keep_equally_many_where_plain_pruning_does_not() -> None:
    values = torch.rand(64, 50, generator=torch.Generator().manual_seed(0))
    values[::8] *= 3  # rows of the first element matter more
    blocks = row_blocks(64, 8)
    even, plain = balanced(values, 0.1, blocks), largest(values, 0.1)
    assert even.sum() == plain.sum() == 320
    assert torch.bincount(blocks, even.sum(1).double()).tolist() == [40.0] * 8
    assert balance(even, blocks) == 1.0
    assert balance(plain, blocks) < 0.5


def test_one_block_is_plain_magnitude_pruning() -> None:
    values = torch.rand(20, 30, generator=torch.Generator().manual_seed(1))
    assert torch.equal(balanced(values, 0.3, row_blocks(20, 1)), largest(values, 0.3))


def test_passes_balance_by_themselves() -> None:
    assert row_blocks(8, 2, 4).tolist() == [0, 1, 0, 1, 2, 3, 2, 3]
    assert row_blocks(3, 32).tolist() == [0, 1, 2]
    values = torch.rand(8, 100, generator=torch.Generator().manual_seed(2))
    values[:4] *= 5
    kept = balanced(values, 0.2, row_blocks(8, 2, 4))
    assert kept[:4].sum() == kept[4:].sum() == 80


def test_thresholds_are_the_least_that_stays() -> None:
    values = torch.rand(12, 20, generator=torch.Generator().manual_seed(3))
    blocks = row_blocks(12, 4)
    at_least = values >= block_thresholds(values, 0.25, blocks)[:, None]
    assert torch.equal(at_least, balanced(values, 0.25, blocks))


def test_compensated_columns_end_balanced() -> None:
    generator = torch.Generator().manual_seed(4)
    weight, blocks = torch.randn(32, 40, generator=generator), row_blocks(32, 8)
    weight[::8] *= 2
    factor = torch.linalg.qr(torch.randn(40, 40, generator=generator))[1]
    factor = factor * factor.diagonal().sign()[:, None]
    pruned = prune_columns(weight, factor, 0.2, blocks) != 0
    assert balance(pruned, blocks) == 1.0
    assert pruned.sum() == 256


def test_blocks_that_do_not_fit_are_refused() -> None:
    values = torch.rand(4, 4)
    with pytest.raises(ArgumentError, match="do not fit"):
        balanced(values, 0.5, row_blocks(5, 2))
    with pytest.raises(ArgumentError, match="density lies above 0"):
        balanced(values, 0.0, row_blocks(4, 2))
    with pytest.raises(ArgumentError, match="do not divide"):
        row_blocks(4, 3, 4)
