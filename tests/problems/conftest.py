"""Tables of operators that are made up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hwenvs.networks import get_space
from hwenvs.proxies import AccuracyCurve, Card, OperatorTable

MakeTable = Callable[..., OperatorTable]


def _made_up(space_name: str, seed: int = 0) -> OperatorTable:
    space = get_space(space_name)
    pairs = np.random.default_rng(seed).random((len(space.blocks), 7, 7))
    card = Card(space_name, "operator_selection", "measured", "none", 0, "", "2026-01-01", 0.9, "")
    return OperatorTable(space, pairs, AccuracyCurve([0.0, 3.0, 30.0], [0.9, 0.7, 0.1], "x"), card)


@pytest.fixture(scope="session")
def made_up() -> MakeTable:
    """Makes a table of random losses for a search space."""
    return _made_up
