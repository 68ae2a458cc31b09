"""People's own modules in the loop: traced, compressed, tried on their own images."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from hwenvs.errors import ArgumentError, DataError, HwenvsError
from hwenvs.networks import Network, from_torch

Own = tuple[nn.Module, Network, Tensor, Tensor]


@pytest.fixture(scope="module")
def own() -> Own:
    """A module, its table, images and the labels that the module gives them."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3, 2), nn.ReLU()]
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4)).eval()
    images = torch.randn(60, 3, 10, 10)
    with torch.no_grad():
        labels = module(images).argmax(1)
    return module, from_torch(module, images), images, labels


def play(env: gym.Env) -> dict[str, Any]:
    """An episode that keeps half of everything."""
    env.reset()
    done, info = False, {}
    while not done:
        _, _, done, _, info = env.step(np.array([0.5], np.float32))
    return info


@pytest.mark.parametrize("env_id", ["AMC-v0", "AMC-FineGrained-v0", "HAQ-v0", "DeepCompression-v0"])
def test_every_family_measures_a_module_on_a_loader(env_id: str, own: Own, tmp_path: Path) -> None:
    module, network, images, labels = own
    loader = DataLoader(TensorDataset(images, labels), batch_size=16)
    given = {"network": network, "module": module, "cache": tmp_path, "budget": 0.9}
    env = gym.make(env_id, data=loader, **given)
    problem = env.unwrapped.problem  # type: ignore[attr-defined]
    assert problem.baseline > 0.95  # its own labels; at 8 bits one may change
    assert problem.card.basis == "measured"
    info = play(env)
    assert info["accuracy"] * 45 == pytest.approx(round(info["accuracy"] * 45))
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
    assert json.loads(json.dumps(problem.spec()))["proxy"] == "measured"
    tensors = gym.make(env_id, data=(images, labels), **given)
    assert play(tensors)["accuracy"] == info["accuracy"]


def test_an_untouched_module_keeps_its_accuracy(own: Own) -> None:
    module, network, images, labels = own
    given = {"network": network, "module": module, "cache": False, "budget": 1.0}
    problem = gym.make("AMC-v0", data=(images, labels), **given).unwrapped.problem  # type: ignore[attr-defined]
    full = [[decision.size for decision in problem.decisions]]
    assert problem.evaluate(full).accuracy[0] == problem.baseline == 1.0


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"data": None}, DataError, "must be batches"),
        ({"data": "folder"}, DataError, "must be batches"),
        ({"data": [torch.zeros(4, 3, 10, 10)]}, DataError, r"must be \(images, labels\)"),
        ({"data": []}, DataError, "no batch"),
        ({"images": 100}, DataError, "too few"),
        ({"images": "0:10"}, ArgumentError, "whole number of at least 1"),
        ({"weights": "file.pt"}, ArgumentError, "not with module="),
        ({"proxy": "surrogate"}, ArgumentError, "go with proxy='measured' only"),
        ({"module": nn.Linear(2, 2)}, HwenvsError, "traced from another module"),
    ],
)
def test_what_does_not_fit_is_named(
    own: Own, changes: dict[str, object], error: type[Exception], message: str
) -> None:
    module, network, images, labels = own
    given = {"network": network, "module": module, "data": (images, labels), "cache": False}
    with pytest.raises(error, match=message):
        gym.make("AMC-v0", **{**given, **changes})


@pytest.mark.parametrize("env_id", ["AMC-v0", "AMC-FineGrained-v0", "HAQ-v0", "DeepCompression-v0"])
@pytest.mark.parametrize("dead", ["weights", "outputs"])
def test_dead_layers_are_no_trouble(env_id: str, dead: str, own: Own) -> None:
    module, network, images, labels = copy.deepcopy(own)
    nn.init.zeros_(module[0].weight)  # type: ignore[index]
    nn.init.constant_(module[0].bias, 0.0 if dead == "weights" else -1.0)  # type: ignore[index]
    given = {"network": network, "module": module, "data": (images, labels), "cache": False}
    assert 0 <= play(gym.make(env_id, budget=0.9, **given))["accuracy"] <= 1


def test_the_same_weights_with_another_activation_are_measured_anew(
    own: Own, tmp_path: Path
) -> None:
    module, _, images, labels = copy.deepcopy(own)
    for activation in (nn.ReLU(), nn.Tanh()):
        module[1] = activation  # type: ignore[index]
        given = {"network": from_torch(module, images), "module": module, "cache": tmp_path}
        play(gym.make("AMC-v0", data=(images, labels), budget=0.9, **given))
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_images_that_are_not_finite_are_refused(own: Own) -> None:
    module, network, images, labels = own
    images = images.clone()
    images[-1, 0, 0, 0] = torch.nan
    with pytest.raises(DataError, match="images must be finite"):
        gym.make("AMC-v0", network=network, module=module, data=(images, labels), cache=False)


def test_torch_draws_as_if_nothing_had_been_opened(own: Own) -> None:
    module, _, images, labels = own
    before = torch.random.get_rng_state()
    network = from_torch(module, images)
    play(gym.make("AMC-v0", network=network, module=module, data=(images, labels), cache=False))
    assert torch.equal(torch.random.get_rng_state(), before)
