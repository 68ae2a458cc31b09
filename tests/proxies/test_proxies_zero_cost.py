"""Training-free scores: each against a calculation of its own, and as a proxy."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hwenvs.errors import (
    ArgumentError,
    DataError,
    DesignError,
    MissingExtraError,
    ProxyError,
    UnknownNameError,
)
from hwenvs.networks import Network, get_space
from hwenvs.networks.builder import TableBuilder
from hwenvs.networks.modules import TableModule
from hwenvs.proxies.base import AccuracyProxy
from hwenvs.proxies.zero_cost import ZeroCostProxy, zero_cost
from hwenvs.proxies.zero_cost.correlation import correlations
from hwenvs.proxies.zero_cost.data_free import ZEN_IMAGES, ZEN_SEED, ZEN_STEP, synflow, zen
from hwenvs.proxies.zero_cost.on_images import ZICO_BATCHES, grad_norm, naswot, zico
from hwenvs.proxies.zero_cost.running import initialised
from hwenvs.proxies.zero_cost.scores import NEED_IMAGES, SCORES

DIGITS = get_space("proxyless_digits")
SMALLEST = np.array([block.entries[0] for block in DIGITS.blocks])
NONE = torch.empty(0)


def perceptron(activation: str | None = None, units: int = 5) -> Network:
    """4 pixels, some units, 3 classes."""
    table = TableBuilder(2, 1)
    table.linear("one", units, activation)
    table.linear("two", 3)
    return table.build("perceptron", "Perceptron")


def chain(
    norms: bool = False, width: int = 6, activation: str | None = "relu6", shortcut: bool = False
) -> Network:
    """Three convolutions, one of them depthwise, and a classifier, on images of 6 x 6."""
    table = TableBuilder(6, 2)

    def norm(name: str) -> str | None:
        return f"{name}.norm" if norms else None

    first = table.conv("a", width, norm=norm("a"), activation=activation)
    table.depthwise("b", 3, norm=norm("b"), activation=activation)
    last = table.conv("c", width, 1, norm=norm("c"), activation=None)
    if shortcut:
        table.add("sum", last, first, activation=None)
    table.average_pool()
    table.linear("classifier", 3)
    return table.build("chain", "Chain")


def matrices(module: TableModule) -> list[np.ndarray]:
    """Weights of the layers of a perceptron."""
    return [module.get_parameter(f"{name}.weight").detach().numpy() for name in ("one", "two")]


def a_batch(network: Network, count: int = 16, seed: int = 3) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    shape = (count, network.in_channels, network.resolution, network.resolution)
    images = torch.randn(shape, generator=random)
    return images, torch.randint(network.classes, (count,), generator=random)


def errors(module: TableModule, images: Tensor, labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the cross-entropy of a linear perceptron by its two matrices, by hand."""
    one, two = (matrix.astype(np.float64) for matrix in matrices(module))
    x = images.flatten(1).numpy().astype(np.float64)
    logits = x @ one.T @ two.T
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    delta = (shares - np.eye(3)[labels.numpy()]) / len(x)
    return (delta @ two).T @ x, delta.T @ (x @ one.T)


def test_synflow_is_what_brute_force_finds() -> None:
    module = initialised(perceptron(), 0)
    one, two = (np.abs(matrix).astype(np.float64) for matrix in matrices(module))

    def flow(one: np.ndarray, two: np.ndarray) -> float:
        return float((two @ one @ np.ones(4)).sum())

    total = 0.0
    for matrix in (one, two):
        for place in np.ndindex(*matrix.shape):
            before, weight = flow(one, two), matrix[place]
            matrix[place] += 1.0  # the flow is linear in every weight: a difference is its slope
            total += weight * (flow(one, two) - before)
            matrix[place] = weight
    assert synflow(module, NONE, NONE) == pytest.approx(math.log(total), abs=1e-9)


def test_synflow_is_conserved_from_layer_to_layer_and_nothing_is_clipped() -> None:
    module = initialised(chain(), 0)
    absolute = copy.deepcopy(module).double()
    for parameter in absolute.parameters():
        parameter.data.abs_().mul_(5.0)
    x = torch.ones(1, 2, 6, 6, dtype=torch.float64)
    with torch.no_grad():
        for name in ("a", "b", "c"):
            x = absolute.get_submodule(name)(x)
        flow = absolute.get_submodule("classifier")(x.mean((2, 3))).sum()
    assert x.max() > 6.0
    for parameter in module.parameters():
        parameter.data.mul_(-5.0)
    assert synflow(module, NONE, NONE) == pytest.approx(float((4 * flow).log()), abs=1e-6)


def test_synflow_leaves_norms_out() -> None:
    plain, normed = initialised(chain(), 0), initialised(chain(norms=True), 0)
    assert synflow(plain, NONE, NONE) == synflow(normed, NONE, NONE)


def test_synflow_without_flow_is_minus_infinity() -> None:
    module = initialised(chain(), 0)
    module.get_parameter("b.weight").data.zero_()
    assert synflow(module, NONE, NONE) == -math.inf


def test_grad_norm_is_that_of_gradients_by_hand() -> None:
    module = initialised(perceptron(), 0)
    images, labels = a_batch(module.network)
    norms = [np.linalg.norm(slope) for slope in errors(module, images, labels)]
    assert grad_norm(module, images, labels) == pytest.approx(sum(norms), rel=1e-5)


def test_naswot_counts_units_on_which_images_agree() -> None:
    module = initialised(perceptron("relu6", 50), 0)
    images, labels = a_batch(module.network, 8)
    images *= 20.0  # some units stop at 6, and let the image pass all the same
    read = images.flatten(1).numpy() @ matrices(module)[0].T
    assert (read > 6).any()
    kernel = np.array([[np.sum((a > 0) == (b > 0)) for b in read] for a in read], dtype=float)
    sign, expected = np.linalg.slogdet(kernel)
    assert sign == 1
    assert naswot(module, images, labels) == pytest.approx(expected, abs=1e-9)


def test_naswot_of_two_equal_images_is_minus_infinity() -> None:
    module = initialised(chain(norms=True), 0)
    images, labels = a_batch(module.network, 8)
    assert naswot(module, images, labels) > -math.inf
    images[5] = images[2]
    assert naswot(module, images, labels) == -math.inf


def test_naswot_is_higher_where_images_look_more_different() -> None:
    module = initialised(chain(norms=True), 0)
    images, labels = a_batch(module.network, 8)
    alike = images[:1] + 0.3 * images
    assert naswot(module, images, labels) > naswot(module, alike, labels) > -math.inf


def test_zen_is_what_torchs_own_layers_give() -> None:
    module = initialised(chain(norms=True), 0)
    layers = []
    for name in ("a", "b", "c"):
        conv = copy.deepcopy(module.get_submodule(name))
        conv.weight.data.div_(conv.weight.data.square().mean().sqrt())
        layers.append((conv, nn.BatchNorm2d(6), nn.ReLU6() if name != "c" else nn.Identity()))
    random = torch.Generator().manual_seed(ZEN_SEED)
    images, noise = torch.randn(2, ZEN_IMAGES, 2, 6, 6, generator=random)
    maps, logs = [], []
    with torch.no_grad():
        for x in (images, images + ZEN_STEP * noise):
            for conv, norm, activation in layers:
                x = conv(x)
                logs.append(math.log(float(x.var((0, 2, 3), unbiased=False).mean()) ** 0.5))
                x = activation(norm(x))
            maps.append(x)
    steps = [float((one - other).norm()) for one, other in zip(*maps, strict=True)]
    expected = math.log(sum(steps) / ZEN_IMAGES) + sum(logs[:3])
    assert zen(module, NONE, NONE) == pytest.approx(expected, abs=1e-4)


def test_zen_puts_back_the_scale_that_norms_take_out() -> None:
    # Without activations only the channels' different scales remain between the two.
    plain = zen(initialised(chain(activation=None, width=24), 0), NONE, NONE)
    normed = zen(initialised(chain(norms=True, activation=None, width=24), 0), NONE, NONE)
    assert abs(plain) > 2.0
    assert normed == pytest.approx(plain, abs=0.3)


def test_zen_takes_shortcuts_out() -> None:
    straight = initialised(chain(norms=True), 0)
    residual = initialised(chain(norms=True, shortcut=True), 0)
    assert zen(residual, NONE, NONE) == zen(straight, NONE, NONE)


def test_zen_does_not_depend_on_the_scale_of_the_weights() -> None:
    module = initialised(chain(norms=True), 0)
    before = zen(module, NONE, NONE)
    module.get_parameter("b.weight").data.mul_(100.0)
    assert zen(module, NONE, NONE) == pytest.approx(before, abs=1e-4)


@pytest.mark.parametrize("score", [synflow, zen])
def test_scores_that_see_no_images_grow_with_width(score: object) -> None:
    values = [score(initialised(chain(True, width), 0), NONE, NONE) for width in (4, 16, 64)]  # type: ignore[operator]
    assert values == sorted(values)
    assert values[2] - values[0] > 1.0


def test_zico_is_that_of_gradients_by_hand() -> None:
    module = initialised(perceptron(), 0)
    images, labels = a_batch(module.network, 4 * ZICO_BATCHES)
    images[:, 0, 1, 1] = 0.0  # a pixel without gradient: its weights are left out
    parts = [errors(module, images[at : at + 4], labels[at : at + 4]) for at in range(0, 16, 4)]
    expected, counts = 0.0, []
    for slopes in zip(*parts, strict=True):
        sizes = np.abs(np.stack(slopes))
        mean, deviation = sizes.mean(0), np.sqrt(((sizes - sizes.mean(0)) ** 2).mean(0))
        kept = deviation > 1e-12
        counts.append(int(kept.sum()))
        expected += math.log((mean[kept] / deviation[kept]).sum())
    assert counts == [5 * 3, 3 * 5]
    assert zico(module, images, labels) == pytest.approx(expected, abs=1e-3)


def test_zico_does_not_depend_on_the_order_of_batches() -> None:
    module = initialised(chain(norms=True), 0)
    images, labels = a_batch(module.network, 4 * ZICO_BATCHES)
    order = torch.arange(16).view(4, 4).flip(0).flatten()
    other = zico(module, images[order], labels[order])
    assert other == pytest.approx(zico(module, images, labels), abs=1e-6)


def test_zico_of_batches_that_are_all_the_same_has_nothing_to_add_up() -> None:
    module = initialised(perceptron(), 0)
    images, labels = a_batch(module.network, 4)
    assert zico(module, images.repeat(ZICO_BATCHES, 1, 1, 1), labels.repeat(ZICO_BATCHES)) == 0.0


def test_macs_and_parameters_are_those_of_the_table() -> None:
    module = initialised(perceptron(), 0)
    assert SCORES["macs"](module, NONE, NONE) == pytest.approx(math.log(4 * 5 + 5 * 3))
    assert SCORES["params"](module, NONE, NONE) == pytest.approx(math.log(20 + 5 + 15 + 3))


@pytest.mark.parametrize("name", SCORES)
def test_scores_leave_the_network_and_torchs_random_state_alone(name: str) -> None:
    module = initialised(DIGITS.network(DIGITS.largest), 0).eval()
    before = copy.deepcopy(module.state_dict())
    state = torch.random.get_rng_state()
    SCORES[name](module, *a_batch(module.network))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not module.training
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_weights_are_hes_and_shared_layers_are_alike() -> None:
    space = get_space("proxyless_cifar")
    large = initialised(space.network(space.largest), 0)
    small = initialised(space.network([2] * len(space.blocks)), 0)
    last = "feature_mix_layer.conv.weight"
    assert torch.equal(large.get_parameter(last), small.get_parameter(last))
    assert float(large.get_parameter(last).detach().std()) == pytest.approx(
        (2 / 256) ** 0.5, rel=0.05
    )
    deep = "blocks.10.mobile_inverted_conv.depth_conv.conv.weight"
    assert float(large.get_parameter(deep).detach().std()) == pytest.approx(
        (2 / 49) ** 0.5, rel=0.05
    )
    other = initialised(space.network(space.largest), 1)
    assert not torch.equal(large.get_parameter(last), other.get_parameter(last))
    logits = large(torch.zeros(1, 3, 32, 32))
    assert torch.equal(logits, torch.zeros(1, 10))  # no bias, and norms that shift nothing


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
    with pytest.raises(ArgumentError, match="images must be a whole number from 8"):
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
