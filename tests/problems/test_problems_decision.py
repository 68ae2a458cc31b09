"""Options: which there are, and which of them is meant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.errors import DesignError
from hwenvs.problems.decision import LEVELS, Decision, Decisions

decisions = st.builds(
    Decision.channels,
    st.just("layer"),
    st.integers(1, 300),
    st.integers(1, 40),
    st.floats(0, 1).map(lambda floor: round(floor, 3)),
)


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 100))
def test_options_are_multiples_from_the_floor_up_and_everything(
    size: int, round_to: int, percent: int
) -> None:
    kept = Decision.channels("layer", size, round_to, percent / 100).kept.tolist()
    lowest = max(-(-percent * size // 100), 1)
    expected = [k for k in range(round_to, size, round_to) if k >= lowest]
    assert kept == [*expected, size]


@given(decisions, st.floats(0, 1))
def test_the_nearest_option_is_chosen_and_ties_go_up(decision: Decision, action: float) -> None:
    chosen = decision.kept[decision.nearest[int(action * 2 * decision.size)]]
    distances = np.abs(decision.kept - action * decision.size)
    assert abs(chosen - action * decision.size) <= distances.min() + 1e-9
    if len(decision.kept) > 1:
        middle = (decision.kept[0] + decision.kept[1]) / 2
        assert decision.kept[decision.nearest[int(2 * middle)]] == decision.kept[1]


@given(decisions, st.integers(0, LEVELS), st.data())
def test_scaling_keeps_at_most_its_share_or_the_smallest_option(
    decision: Decision, level: int, data: st.DataObject
) -> None:
    option = data.draw(st.integers(0, len(decision.kept) - 1))
    scaled = int(decision.scaled(np.array([option]), np.array([level]))[0])
    share = decision.kept[option] * level / LEVELS
    fitting = [k for k in decision.kept if k <= share]
    assert decision.kept[scaled] == (fitting[-1] if fitting else decision.kept[0])
    assert decision.scaled(np.array([option]), np.array([LEVELS]))[0] == option


def test_designs_and_options_are_translated_back_and_forth() -> None:
    both = Decisions((Decision.channels("a", 16, 4, 0.2), Decision.channels("b", 30, 8, 0.2)))
    designs = np.array([[4, 30], [16, 8], [12, 24]])
    assert np.array_equal(both.designs(both.options(designs)), designs)
    assert both.options(designs).tolist() == [[0, 3, 2], [3, 0, 2]]
    assert np.array_equal(both.designs(both.nearest([[5, 19], [6, 20]])), [[4, 16], [8, 24]])
    assert both.options(designs[:, :1], whole=False).shape == (1, 3)


@pytest.mark.parametrize(
    ("designs", "message"),
    [
        ([4, 30], r"shape \[B, 2\]"),
        ([[4]], r"shape \[B, 2\]"),
        ([[4, 8, 8]], r"shape \[B, 2\]"),
        ([[4.0, 8.0]], "must be integers"),
        ([["4", "8"]], "must be integers"),
        ([[4, 30], [0, 30]], "design 1: 0 at decision 0"),
        ([[4, 31]], "^31 at decision 1 .'b'.; valid: 1 to 30"),
        ([[4, 8], [4, 9]], "^design 1: 9 at decision 1"),
        ([[4, 9]], r"^9 at .* not an option; valid: 8, 16, 24, 30$"),
    ],
)
def test_bad_designs_raise_an_error_that_says_what_is_valid(designs: object, message: str) -> None:
    both = Decisions((Decision.channels("a", 16, 4, 0.2), Decision.channels("b", 30, 8, 0.2)))
    with pytest.raises(DesignError, match=message):
        both.options(designs)  # type: ignore[arg-type]
