"""Training-free scores that see images, each against a calculation of its own."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from hwenvs.networks import Network, get_space
from hwenvs.networks.modules import TableModule
from hwenvs.proxies.zero_cost.on_images import ZICO_BATCHES, grad_norm, gradients, naswot, zico
from hwenvs.proxies.zero_cost.running import initialised
from hwenvs.proxies.zero_cost.scores import SCORES

DIGITS = get_space("proxyless_digits")
NONE = torch.empty(0)

Tables = Callable[..., Network]
Matrices = Callable[[TableModule], list[np.ndarray]]
Batches = Callable[..., tuple[Tensor, Tensor]]


def errors(
    weights: list[np.ndarray], images: Tensor, labels: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the cross-entropy of a linear perceptron by its two matrices, by hand."""
    one, two = (matrix.astype(np.float64) for matrix in weights)
    x = images.flatten(1).numpy().astype(np.float64)
    logits = x @ one.T @ two.T
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    delta = (shares - np.eye(3)[labels.numpy()]) / len(x)
    return (delta @ two).T @ x, delta.T @ (x @ one.T)


def test_grad_norm_is_that_of_gradients_by_hand(
    perceptron: Tables, matrices: Matrices, a_batch: Batches
) -> None:
    module = initialised(perceptron(), 0)
    images, labels = a_batch(module.network)
    norms = [np.linalg.norm(slope) for slope in errors(matrices(module), images, labels)]
    assert grad_norm(module, images, labels) == pytest.approx(sum(norms), rel=1e-5)


def test_naswot_counts_units_on_which_images_agree(
    perceptron: Tables, matrices: Matrices, a_batch: Batches
) -> None:
    module = initialised(perceptron("relu6", 50), 0)
    images, labels = a_batch(module.network, 8)
    images *= 20.0  # some units stop at 6, and let the image pass all the same
    read = images.flatten(1).numpy() @ matrices(module)[0].T
    assert (read > 6).any()
    kernel = np.array([[np.sum((a > 0) == (b > 0)) for b in read] for a in read], dtype=float)
    sign, expected = np.linalg.slogdet(kernel)
    assert sign == 1
    assert naswot(module, images, labels) == pytest.approx(expected, abs=1e-9)


def test_naswot_of_two_equal_images_is_minus_infinity(chain: Tables, a_batch: Batches) -> None:
    module = initialised(chain(norms=True), 0)
    images, labels = a_batch(module.network, 8)
    assert naswot(module, images, labels) > -math.inf
    images[5] = images[2]
    assert naswot(module, images, labels) == -math.inf


def test_naswot_is_higher_where_images_look_more_different(chain: Tables, a_batch: Batches) -> None:
    module = initialised(chain(norms=True), 0)
    images, labels = a_batch(module.network, 8)
    alike = images[:1] + 0.3 * images
    assert naswot(module, images, labels) > naswot(module, alike, labels) > -math.inf


def test_zico_is_that_of_gradients_by_hand(
    perceptron: Tables, matrices: Matrices, a_batch: Batches
) -> None:
    module = initialised(perceptron(), 0)
    images, labels = a_batch(module.network, 4 * ZICO_BATCHES)
    images[:, 0, 1, 1] = 0.0  # a pixel without gradient: its weights are left out
    weights = matrices(module)
    parts = [errors(weights, images[at : at + 4], labels[at : at + 4]) for at in range(0, 16, 4)]
    expected, counts = 0.0, []
    for slopes in zip(*parts, strict=True):
        sizes = np.abs(np.stack(slopes))
        mean, deviation = sizes.mean(0), np.sqrt(((sizes - sizes.mean(0)) ** 2).mean(0))
        kept = deviation > 1e-12
        counts.append(int(kept.sum()))
        expected += math.log((mean[kept] / deviation[kept]).sum())
    assert counts == [5 * 3, 3 * 5]
    assert zico(module, images, labels) == pytest.approx(expected, abs=1e-3)


def test_batches_of_zico_are_as_equal_as_the_images_allow(
    chain: Tables, a_batch: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def counted(module: TableModule, images: Tensor, labels: Tensor) -> list[Tensor]:
        sizes.append(len(images))
        return gradients(module, images, labels)

    monkeypatch.setattr("hwenvs.proxies.zero_cost.on_images.gradients", counted)
    module = initialised(chain(norms=True), 0)
    zico(module, *a_batch(module.network, 9))
    assert sizes == [3, 2, 2, 2]


def test_zico_does_not_depend_on_the_order_of_batches(chain: Tables, a_batch: Batches) -> None:
    module = initialised(chain(norms=True), 0)
    images, labels = a_batch(module.network, 4 * ZICO_BATCHES)
    order = torch.arange(16).view(4, 4).flip(0).flatten()
    other = zico(module, images[order], labels[order])
    assert other == pytest.approx(zico(module, images, labels), abs=1e-6)


def test_zico_of_batches_that_are_all_the_same_has_nothing_to_add_up(
    perceptron: Tables, a_batch: Batches
) -> None:
    module = initialised(perceptron(), 0)
    images, labels = a_batch(module.network, 4)
    assert zico(module, images.repeat(ZICO_BATCHES, 1, 1, 1), labels.repeat(ZICO_BATCHES)) == 0.0


@pytest.mark.parametrize("name", SCORES)
def test_scores_leave_the_network_and_torchs_random_state_alone(
    name: str, a_batch: Batches
) -> None:
    module = initialised(DIGITS.network(DIGITS.largest), 0).eval()
    before = copy.deepcopy(module.state_dict())
    state = torch.random.get_rng_state()
    SCORES[name](module, *a_batch(module.network))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not module.training
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
