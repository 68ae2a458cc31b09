"""Surrogates: tables that are checked when read, and sums that never differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwenvs.errors import DesignError, ProxyError
from hwenvs.networks import channel_groups, get_network
from hwenvs.proxies import AccuracyCurve, SurrogateProxy, Sweep

NETWORK = get_network("lenet5")
GROUPS = channel_groups(NETWORK)
CARD: dict[str, Any] = {
    "network": "lenet5",
    "family": "channel_pruning",
    "basis": "measured",
    "data": "digits",
    "images": 100,
    "command": "hwenvs calibrate channel-pruning lenet5",
    "date": "2026-01-01",
    "baseline_accuracy": 0.99,
    "metric": "top1",
}


def arrays() -> dict[str, np.ndarray]:
    """A table of LeNet-5: 20, 50 and 500 channels, three points each."""
    channels = np.array([group.channels for group in GROUPS])
    return {
        "decisions": np.array([group.name for group in GROUPS]),
        "channels": channels,
        "offsets": np.array([0, 3, 6, 9]),
        "kept": np.concatenate([[size // 5, size // 2, size] for size in channels]),
        "divergence": np.array([2.0, 0.5, 0.0, 1.0, 0.25, 0.0, 3.0, 1.0, 0.0]),
        "interaction": np.array([0.0, 0.5, -0.25]),
        "curve_divergence": np.array([0.0, 1.0, 4.0]),
        "curve_accuracy": np.array([0.99, 0.9, 0.1]),
    }


def write(folder: Path, table: dict[str, np.ndarray], card: object = CARD) -> Path:
    """A table file with its card."""
    path = folder / "lenet5.channel_pruning.npz"
    np.savez(path, **table)
    path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return path


def test_a_table_is_read_with_its_card(tmp_path: Path) -> None:
    proxy = SurrogateProxy.load(write(tmp_path, arrays()), GROUPS)
    assert proxy.baseline == 0.99
    assert proxy.card.command == CARD["command"]
    assert proxy.curve_top5 is None
    full = [[20, 50, 500]]
    assert proxy.evaluate(np.array(full)).tolist() == [0.99]


def test_divergences_add_up_in_order_with_their_interactions(tmp_path: Path) -> None:
    proxy = SurrogateProxy.load(write(tmp_path, arrays()), GROUPS)
    designs = np.array([[10, 25, 250], [4, 10, 100]])
    first = 0.5 + (0.25 + 0.5 * 0.5 * 0.25) + (1.0 + -0.25 * 0.25 * 1.0)
    second = 2.0 + (1.0 + 0.5 * 2.0 * 1.0) + (3.0 + -0.25 * 1.0 * 3.0)
    assert proxy.total_divergence(designs).tolist() == [first, second]
    assert proxy.evaluate(designs)[1] == 0.1
    assert proxy.accuracy_of(np.array([1.0]))[0] == 0.9


def test_between_the_points_of_a_sweep_divergence_is_linear(tmp_path: Path) -> None:
    proxy = SurrogateProxy.load(write(tmp_path, arrays()), GROUPS)
    kept = np.arange(4, 21)
    assert np.allclose(proxy.divergence(0, kept), np.interp(kept, [4, 10, 20], [2.0, 0.5, 0.0]))


def test_below_the_smallest_point_an_error_says_what_was_measured(tmp_path: Path) -> None:
    proxy = SurrogateProxy.load(write(tmp_path, arrays()), GROUPS)
    with pytest.raises(DesignError, match="measured from 4 to 20"):
        proxy.divergence(0, [3])
    with pytest.raises(DesignError, match=r"shape \[B, 3\]"):
        proxy.evaluate(np.array([4, 10, 100]))


def test_top_5_accuracy_is_read_where_it_was_measured(tmp_path: Path) -> None:
    table = {**arrays(), "curve_top5": np.array([1.0, 0.99, 0.5])}
    proxy = SurrogateProxy.load(write(tmp_path, table), GROUPS)
    assert proxy.curve_top5 is not None
    assert proxy.curve_top5.at(1.0) == 0.99


def changed(name: str, value: object) -> dict[str, np.ndarray]:
    """The table with another array."""
    return {**arrays(), name: np.array(value)}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({k: v for k, v in arrays().items() if k != "kept"}, "lacks 'kept'"),
        (changed("kept", [[1]]), "'kept' must have 1 dimension"),
        (changed("offsets", [0, 3, 6]), "differ in length"),
        (changed("offsets", [0, 3, 3, 9]), "offsets must ascend"),
        (changed("offsets", [0, 3, 6, 8]), "offsets must ascend from 0 to 9"),
        (changed("channels", [20, 50]), "differ in length"),
        (changed("channels", [21, 50, 500]), "ascend from 1 or more to 21"),
        (changed("decisions", ["conv2", "x", "fc2"]), r"has \('x', 50\) where the network has"),
        (changed("divergence", [0.0] * 8), "kept and divergence differ"),
        (changed("divergence", [0.0] * 8 + [1.0]), "end with 0"),
        (changed("divergence", [-1.0] + [0.0] * 8), "must be finite, >= 0"),
        (changed("divergence", [np.nan] + [0.0] * 8), "must be finite"),
        (changed("interaction", [0.0, 1.0]), "one interaction coefficient per decision"),
        (changed("interaction", [1.0, 1.0, 1.0]), "the first one 0"),
        (changed("curve_divergence", [1.0, 2.0, 3.0]), "ascend from 0"),
        (changed("curve_divergence", [0.0, 2.0, 2.0]), "ascend from 0"),
        (changed("curve_accuracy", [0.5, 0.6, 0.1]), r"fall within \[0, 1\]"),
        (changed("curve_accuracy", [1.5, 0.6, 0.1]), r"fall within \[0, 1\]"),
        (changed("curve_accuracy", [0.9, np.nan, 0.1]), "not finite"),
        (changed("curve_accuracy", [0.9, 0.1]), "two equal lists"),
        (changed("interaction", ["a", "b", "c"]), "'interaction' must hold numbers"),
        (changed("curve_top5", ["a", "b", "c"]), "'curve_top5' must hold numbers"),
        (changed("decisions", [1, 2, 3]), "'decisions' must hold text"),
    ],
)
def test_broken_tables_raise_one_clear_error(
    tmp_path: Path, table: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(ProxyError, match=message):
        SurrogateProxy.load(write(tmp_path, table), GROUPS)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({}, "lacks network, family"),
        ([], "holds list"),
        ({**CARD, "basis": "guessed"}, "not one of measured, analytic"),
        ({**CARD, "baseline_accuracy": 99.0}, "not a fraction"),
    ],
)
def test_broken_cards_raise_one_clear_error(tmp_path: Path, card: object, message: str) -> None:
    with pytest.raises(ProxyError, match=message):
        SurrogateProxy.load(write(tmp_path, arrays(), card), GROUPS)


def test_missing_and_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match=r"cannot read the table .*none\.npz"):
        SurrogateProxy.load(tmp_path / "none.npz", GROUPS)
    path = write(tmp_path, arrays())
    path.with_suffix(".json").write_text("{", encoding="utf-8")
    with pytest.raises(ProxyError, match="cannot read the card"):
        SurrogateProxy.load(path, GROUPS)
    whole = path.read_bytes()
    for content in (b"not a table", b"", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ProxyError, match=r"cannot read the table .*\.npz: damaged, cut off"):
            SurrogateProxy.load(path, GROUPS)


def test_a_damaged_byte_is_told_with_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, arrays())
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:  # some bytes say nothing that is looked at
            SurrogateProxy.load(path, GROUPS)
        except ProxyError as error:
            assert path.name in str(error)  # noqa: PT017 - any other error fails the test


def test_what_a_card_adds_is_kept(tmp_path: Path) -> None:
    card = {**CARD, "workers": 2, "heldout": {"spearman": 0.97}}
    proxy = SurrogateProxy.load(write(tmp_path, arrays(), card), GROUPS)
    assert proxy.card.extra == {"workers": 2}
    entries = proxy.card.to_dict()
    assert {key: entries[key] for key in card} == card


def test_a_sweep_of_one_point_has_no_divergence() -> None:
    sweep = Sweep("only", 7, np.array([7]), np.array([0.0]))
    assert sweep.at([7, 7]).tolist() == [0.0, 0.0]


curves = st.integers(1, 40).flatmap(
    lambda count: st.tuples(
        st.lists(st.floats(0.001, 5), min_size=count, max_size=count),
        st.lists(st.floats(0, 1), min_size=count, max_size=count),
    )
)


@given(curves, st.lists(st.floats(-1, 250), min_size=1))
def test_curves_agree_for_floats_and_arrays_and_never_rise(
    points: tuple[list[float], list[float]], at: list[float]
) -> None:
    x = np.concatenate([[0.0], np.cumsum(points[0])[:-1]])
    curve = AccuracyCurve(x, sorted(points[1], reverse=True), "curve")
    places = np.sort(np.concatenate([at, x]))
    values = curve(places)
    assert values.tolist() == [curve.at(float(place)) for place in places]
    assert (np.diff(values) <= 0).all()
    assert np.allclose(values, np.interp(places, x, curve.accuracy))
    assert values[0] == curve.baseline
