"""Training-free scores that see no images, each against a calculation of its own."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hwenvs.networks import Network, get_space
from hwenvs.networks.modules import TableModule
from hwenvs.proxies.zero_cost.data_free import ZEN_IMAGES, ZEN_SEED, ZEN_STEP, synflow, zen
from hwenvs.proxies.zero_cost.running import initialised
from hwenvs.proxies.zero_cost.scores import SCORES

NONE = torch.empty(0)

Tables = Callable[..., Network]
Matrices = Callable[[TableModule], list[np.ndarray]]
Batches = Callable[..., tuple[Tensor, Tensor]]


def test_synflow_is_what_brute_force_finds(perceptron: Tables, matrices: Matrices) -> None:
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


def test_synflow_is_conserved_from_layer_to_layer_and_nothing_is_clipped(chain: Tables) -> None:
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


def test_synflow_leaves_norms_out(chain: Tables) -> None:
    plain, normed = initialised(chain(), 0), initialised(chain(norms=True), 0)
    assert synflow(plain, NONE, NONE) == synflow(normed, NONE, NONE)


def test_synflow_without_flow_is_minus_infinity(chain: Tables) -> None:
    module = initialised(chain(), 0)
    module.get_parameter("b.weight").data.zero_()
    assert synflow(module, NONE, NONE) == -math.inf


def test_zen_is_what_torchs_own_layers_give(chain: Tables) -> None:
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


def test_zen_puts_back_the_scale_that_norms_take_out(chain: Tables) -> None:
    # Without activations only the channels' different scales remain between the two.
    plain = zen(initialised(chain(activation=None, width=24), 0), NONE, NONE)
    normed = zen(initialised(chain(norms=True, activation=None, width=24), 0), NONE, NONE)
    assert abs(plain) > 2.0
    assert normed == pytest.approx(plain, abs=0.3)


def test_zen_takes_shortcuts_out(chain: Tables) -> None:
    straight = initialised(chain(norms=True), 0)
    residual = initialised(chain(norms=True, shortcut=True), 0)
    assert zen(residual, NONE, NONE) == zen(straight, NONE, NONE)


def test_zen_does_not_depend_on_the_scale_of_the_weights(chain: Tables) -> None:
    module = initialised(chain(norms=True), 0)
    before = zen(module, NONE, NONE)
    module.get_parameter("b.weight").data.mul_(100.0)
    assert zen(module, NONE, NONE) == pytest.approx(before, abs=1e-4)


@pytest.mark.parametrize("score", [synflow, zen])
def test_scores_that_see_no_images_grow_with_width(score: object, chain: Tables) -> None:
    values = [score(initialised(chain(True, width), 0), NONE, NONE) for width in (4, 16, 64)]  # type: ignore[operator]
    assert values == sorted(values)
    assert values[2] - values[0] > 1.0


def test_macs_and_parameters_are_those_of_the_table(perceptron: Tables) -> None:
    module = initialised(perceptron(), 0)
    assert SCORES["macs"](module, NONE, NONE) == pytest.approx(math.log(4 * 5 + 5 * 3))
    assert SCORES["params"](module, NONE, NONE) == pytest.approx(math.log(20 + 5 + 15 + 3))


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
