"""Training-free scores as a proxy: scaled, named, refused, compared with accuracies."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hwenvs.errors import (
    ArgumentError,
    DataError,
    DesignError,
    MissingExtraError,
    ProxyError,
    UnknownNameError,
)
from hwenvs.networks import get_space
from hwenvs.networks.modules import TableModule
from hwenvs.proxies.base import AccuracyProxy
from hwenvs.proxies.zero_cost import ZeroCostProxy, zero_cost
from hwenvs.proxies.zero_cost.correlation import correlations
from hwenvs.proxies.zero_cost.scores import NEED_IMAGES, SCORES

DIGITS = get_space("proxyless_digits")
SMALLEST = np.array([block.entries[0] for block in DIGITS.blocks])


@pytest.mark.parametrize("name", SCORES)
def test_two_proxies_agree_and_touch_no_random_state(name: str) -> None:
    designs = DIGITS.sample(4, 0)
    state, drawn = torch.random.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    values = [ZeroCostProxy(DIGITS, name).evaluate(designs) for _ in range(2)]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], drawn)  # noqa: NPY002
    assert values[0].dtype == np.float64
    assert np.array_equal(*values)
    assert ((values[0] >= 0) & (values[0] <= 1)).all()
    assert len(set(values[0])) > 1


@pytest.mark.parametrize("name", ["synflow", "macs", "params"])
def test_larger_architectures_score_higher(name: str) -> None:
    designs = np.array([SMALLEST, [2, 2, 2, 2], [5, 6, 5, 6], DIGITS.largest])
    proxy = ZeroCostProxy(DIGITS, name)
    scores = proxy.scores(designs)
    assert (np.diff(scores) > 0).all()
    places = (scores - scores[0]) / (scores[-1] - scores[0])
    assert proxy.evaluate(designs) == pytest.approx(places, abs=1e-9)
    assert proxy.evaluate(designs)[[0, -1]].tolist() == [0.0, 1.0] == [0.0, proxy.baseline]


def test_synflow_needs_no_data_on_cifar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HWENVS_DATA", raising=False)
    space = get_space("proxyless_cifar")
    proxy = zero_cost(space, "zero_cost:synflow")
    small = np.full(len(space.blocks), 2)
    places = proxy.evaluate(np.stack([small, space.largest]))
    assert 0.0 < places[0] < places[1] == 1.0
    assert proxy.card.data == "none"


def test_scores_of_images_need_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HWENVS_DATA", raising=False)
    with pytest.raises(DataError, match="set HWENVS_DATA"):
        zero_cost(get_space("proxyless_cifar"), "zero_cost:naswot")


def test_scores_of_images_are_told_if_no_data_set_is_known() -> None:
    with pytest.raises(DataError, match="no data set is known for proxyless"):
        ZeroCostProxy(get_space("proxyless"), "zico")


def test_real_photographs_are_scored(data: Path) -> None:
    space = get_space("proxyless_cifar")
    proxy = ZeroCostProxy(space, "naswot", data, images=8)
    low, high = proxy.ends
    assert 0.0 < low < high
    assert proxy.card.data == "cifar10 train rows 0 to 7"


def test_equal_designs_are_scored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    count = SCORES["macs"]
    monkeypatch.setitem(SCORES, "macs", lambda m, *b: asked.append(m.network.name) or count(m, *b))
    proxy = ZeroCostProxy(DIGITS, "macs")
    designs = np.array([[3, 1, 2, 7], [3, 1, 2, 7]])
    assert proxy.scores(designs).tolist() == proxy.scores(designs[:1]).tolist() * 2
    assert asked == ["proxyless_digits_3127"]


def test_what_lies_outside_the_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {1: 2.0, 2: -math.inf, 3: 5.0, 4: 2.123456789123, 7: 3.0}

    def score(module: TableModule, _images: Tensor, _labels: Tensor) -> float:
        return values[int(module.network.name[-1])]

    monkeypatch.setitem(SCORES, "macs", score)
    proxy = ZeroCostProxy(DIGITS, "macs")
    monkeypatch.setattr(proxy, "ends", (2.0, 3.0))
    designs = np.array([[2, 2, 2, last] for last in values])
    assert proxy.evaluate(designs).tolist() == [0.0, 0.0, 1.0, 0.123456789, 1.0]


@pytest.mark.parametrize("ends", [(2.0, 2.0), (2.0, 1.0), (-math.inf, 2.0), (2.0, math.inf)])
def test_a_score_that_gives_no_scale_is_refused(
    monkeypatch: pytest.MonkeyPatch, ends: tuple[float, float]
) -> None:
    largest = DIGITS.network(DIGITS.largest)
    monkeypatch.setitem(SCORES, "macs", lambda module, *_: ends[module.network == largest])
    proxy = ZeroCostProxy(DIGITS, "macs")
    assert proxy.scores(np.stack([SMALLEST, DIGITS.largest])).tolist() == list(ends)
    with pytest.raises(ProxyError, match="macs scores the smallest design of ProxylessNAS for dig"):
        proxy.evaluate(SMALLEST[None])


def test_names_are_parsed_and_typos_corrected() -> None:
    assert zero_cost(DIGITS, "zero_cost:zen").score == "zen"
    with pytest.raises(UnknownNameError, match=r"zero-cost score 'sinflow'\. Did you mean 'synflo"):
        zero_cost(DIGITS, "zero_cost:sinflow")
    with pytest.raises(UnknownNameError, match="Did you mean 'grad_norm'"):
        correlations(DIGITS, DIGITS.sample(2, 0), [0.1, 0.2], ["grad-norm"])


@pytest.mark.parametrize("images", [0, 7, 64.0, True, "64"])
def test_numbers_of_images_must_make_sense(images: object) -> None:
    with pytest.raises(ArgumentError, match="images must be a whole number of at least 8"):
        ZeroCostProxy(DIGITS, "naswot", images=images)  # type: ignore[arg-type]


@pytest.mark.parametrize("designs", [[[9, 2, 2, 2]], [[1, 2, 2]], [[2.0, 2.0, 2.0, 2.0]], [2, 2]])
def test_designs_must_be_of_the_space(designs: list[object]) -> None:
    with pytest.raises(DesignError):
        ZeroCostProxy(DIGITS, "macs").evaluate(np.array(designs))


def test_no_designs_have_no_scores() -> None:
    proxy = ZeroCostProxy(DIGITS, "macs")
    assert proxy.evaluate(np.empty((0, 4), dtype=np.int64)).shape == (0,)


def test_the_card_says_that_it_is_no_accuracy() -> None:
    proxy = ZeroCostProxy(DIGITS, "naswot", images=16, seed=5)
    assert isinstance(proxy, AccuracyProxy)
    assert proxy.deterministic
    card = proxy.card
    assert (card.family, card.basis) == ("operator_selection", "analytic")
    assert (card.data, card.images) == ("digits train rows 0 to 15", 16)
    assert card.notes.startswith("No accuracy")
    assert card.baseline_accuracy == proxy.baseline == 1.0
    assert type(card).from_dict(card.to_dict()) == card
    assert card.command == "ZeroCostProxy(get_space('proxyless_digits'), 'naswot')"


def test_the_card_of_a_space_of_ones_own_names_nothing_that_cannot_be_got() -> None:
    for space in (replace(DIGITS, name="mine"), replace(DIGITS, head=40)):
        command = ZeroCostProxy(space, "macs").card.command
        assert command == f"ZeroCostProxy(<your space {space.name!r}>, 'macs')"


@pytest.mark.parametrize("name", sorted(NEED_IMAGES))
def test_the_number_of_images_and_the_seed_matter(name: str) -> None:
    designs = DIGITS.sample(3, 0)
    plain, fewer, other = (
        ZeroCostProxy(DIGITS, name, images=images, seed=seed).scores(designs)
        for images, seed in ((64, 0), (32, 0), (64, 1))
    )
    assert (plain != fewer).all()
    assert (plain != other).all()


def test_scores_have_one_thread_and_the_callers_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCORES, "macs", lambda *_: torch.get_num_threads())
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert ZeroCostProxy(DIGITS, "macs").scores(SMALLEST[None]).tolist() == [1.0]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_copies_in_other_processes_score_alike() -> None:
    proxy = ZeroCostProxy(DIGITS, "grad_norm", images=16)
    twin = pickle.loads(pickle.dumps(proxy))
    designs = DIGITS.sample(2, 1)
    assert np.array_equal(twin.evaluate(designs), proxy.evaluate(designs))


def test_correlations_are_those_of_ranks() -> None:
    designs = np.array([SMALLEST, [2, 2, 2, 2], [5, 6, 5, 6], DIGITS.largest])
    told: list[tuple[str, int, int]] = []
    found = correlations(
        DIGITS,
        designs,
        [0.1, 0.5, 0.4, 0.9],
        ["macs", "params"],
        None,
        16,
        lambda *n: told.append(n),
    )
    # Two neighbours have changed places: 1 - 6 (1 + 1) / (4 (16 - 1)).
    assert found == {"macs": pytest.approx(0.8), "params": pytest.approx(0.8)}
    assert told[0] == ("scoring with macs", 1, 4)
    assert told[-1] == ("scoring with params", 4, 4)
    (falling,) = correlations(DIGITS, designs, [4, 3, 2, 1], ["macs"]).values()
    assert falling == pytest.approx(-1.0)
    assert math.isnan(correlations(DIGITS, designs, [0.5] * 4, ["macs"])["macs"])


def test_every_design_needs_an_accuracy() -> None:
    with pytest.raises(ArgumentError, match=r"2 designs have accuracies of shape \(3,\)"):
        correlations(DIGITS, DIGITS.sample(2, 0), [0.1, 0.2, 0.3])


def test_torch_is_loaded_with_the_first_score_and_missed_with_a_clear_error() -> None:
    code = (
        "import sys\n"
        "from hwenvs.networks import get_space\n"
        "from hwenvs.proxies.zero_cost import zero_cost\n"
        "assert 'torch' not in sys.modules\n"
        "sys.modules['torch'] = None\n"
        "from hwenvs.errors import MissingExtraError\n"
        "try: zero_cost(get_space('proxyless_digits'), 'zero_cost:macs')\n"
        "except MissingExtraError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "pip install 'hwenvs[measure]'" in done.stdout


def test_a_package_that_reads_images_is_missed_with_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cifar10").mkdir()
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match="to read cifar10 with is missing: pip install"):
        ZeroCostProxy(get_space("proxyless_cifar"), "naswot", tmp_path)


def test_relu6_is_what_the_networks_of_the_space_have() -> None:
    # NASWOT's codes are taken behind layers: no other node may have an activation.
    network = DIGITS.network(DIGITS.largest)
    active = [node for node in network.nodes if node.activation is not None]
    assert {node.activation for node in active} == {"relu6"}
    assert all(node in network.layers for node in active)
    x = torch.tensor([-1.0, 3.0, 9.0])
    assert functional.relu6(x).tolist() == [0.0, 3.0, 6.0]
