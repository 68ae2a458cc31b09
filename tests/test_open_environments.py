"""Ids without a network: it comes with ``gym.make``, from the zoo or traced."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from torch import nn

import hwenvs
from hwenvs.errors import ArgumentError, UnknownNameError
from hwenvs.networks import Network, from_torch
from hwenvs.solving import solve

IDS = tuple(hwenvs.OPEN_ENVIRONMENTS)
ZOO = {
    "AMC-v0": "resnet32",
    "AMC-FineGrained-v0": "resnet50",
    "HAQ-v0": "resnet20",
    "DeepCompression-v0": "alexnet",
}
"""A network with a table for every id that wants one."""


@pytest.fixture(scope="module")
def traced() -> Network:
    """The table of a module of one's own."""
    module = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(32, 10)),
    )
    return from_torch(module, torch.zeros(1, 3, 32, 32), "own", "My network")


def test_every_id_is_registered_and_none_is_listed_with_a_network() -> None:
    assert set(IDS) <= set(gym.registry)
    assert not set(IDS) & set(hwenvs.ENVIRONMENTS)
    assert {*ZOO, "NAS-v0"} == set(IDS)


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
@pytest.mark.parametrize("env_id", ZOO)
def test_without_a_network_the_error_says_how_to_pass_one(env_id: str, make: Any) -> None:
    with pytest.raises(ArgumentError, match=r"network is missing: .*resnet56.*from_torch\(module"):
        make(env_id)


@pytest.mark.parametrize("make", [gym.make, gym.make_vec])
def test_without_a_search_space_the_error_says_how_to_pass_one(make: Any) -> None:
    with pytest.raises(ArgumentError, match=r"space is missing: .*proxyless_cifar"):
        make("NAS-v0")
    with pytest.raises(ArgumentError, match=r"space cannot be a int: .*hwenvs.networks.Space"):
        make("NAS-v0", space=3)
    with pytest.raises(UnknownNameError, match="Did you mean 'proxyless_cifar'"):
        make("NAS-v0", space="proxyless_cifr")


def test_a_module_instead_of_its_table_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"network cannot be a Linear: .*from_torch\(module"):
        gym.make("AMC-v0", network=nn.Linear(2, 2))
    with pytest.raises(UnknownNameError, match="Did you mean 'resnet56'"):
        gym.make("AMC-v0", network="resnet-56")


@pytest.mark.parametrize("env_id", ZOO)
def test_networks_of_the_zoo_are_taken_by_name(env_id: str) -> None:
    env = gym.make(env_id, network=ZOO[env_id])
    assert env.unwrapped.problem.network.name == ZOO[env_id]  # type: ignore[attr-defined]
    assert env.spec is not None
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.problem.spec() == env.unwrapped.problem.spec()  # type: ignore[attr-defined]


@pytest.mark.parametrize("env_id", ["AMC-v0", "DeepCompression-v0"])
def test_a_traced_network_passes_gymnasiums_checks(env_id: str, traced: Network) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = gym.make(env_id, network=traced)
        check_env(env.unwrapped, skip_render_check=True)
    assert env.unwrapped.problem.card.basis == "analytic"  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(env.spec)) == env.spec


def test_copies_of_a_traced_network_equal_single_ones(traced: Network) -> None:
    envs = gym.make_vec("AMC-v0", num_envs=3, network=traced)
    env = gym.make("AMC-v0", network=traced)
    actions = np.random.default_rng(0).random((2, 3, 1), dtype=np.float32)
    envs.reset()
    for action in actions:
        rewards = envs.step(action)[1]
    for index in range(3):
        env.reset()
        for action in actions[:, index]:
            reward = env.step(action)[1]
        assert reward == rewards[index]


def test_the_optimum_of_a_traced_network_is_certified(traced: Network) -> None:
    run = solve("exact", "AMC-v0", evaluations=1, network=traced)
    assert run.scores == [pytest.approx(1.0)]
    assert run.arguments == {"network": "own"}
