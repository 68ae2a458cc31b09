"""Whole-number codes of weights on even levels."""

from __future__ import annotations

import numpy as np
import pytest

from hwenvs.export.codes import find_codes


@pytest.mark.parametrize("most", [1, 3, 7, 15, 31, 127])
def test_weights_on_even_levels_are_found_again(most: int) -> None:
    random = np.random.default_rng(most)
    codes = random.integers(-most, most + 1, (20, 200))
    codes[:, 0] = most
    codes[3] = 0
    rows = (codes * random.uniform(0.001, 2.0, (20, 1))).astype(np.float32)
    found = find_codes(rows)
    assert found is not None
    assert found.four_bits == (most <= 7)
    assert np.allclose(found.values * found.scales[:, None], rows, rtol=1e-5, atol=1e-7)
    assert np.abs(found.values).max() <= (7 if most <= 7 else 127)


def test_weights_on_no_even_levels_have_no_codes() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 100)).astype(np.float32)
    assert find_codes(rows) is None
    assert find_codes(np.zeros((2, 3), np.float32)) is not None
