"""Search spaces: ProxylessNAS's published networks, designs, and what one set of weights holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hwenvs.calibration.spaces.bench import open_supernet
from hwenvs.errors import ArgumentError, DesignError, UnknownNameError
from hwenvs.networks import OPERATORS, SPACES, Layer, get_network, get_space
from hwenvs.networks.blocks import ZERO, block_layers
from hwenvs.networks.proxyless import FOUND, proxyless_space
from hwenvs.networks.spaces import Stage
from hwenvs.networks.supernet import Supernet, fresh_supernet

PUBLISHED = {"mobile": (320.4, 4.08), "cpu": (439.2, 4.36), "gpu": (465.3, 7.12)}
"""Millions of MACs and parameters, as the logs in the repository of ProxylessNAS's authors say."""


@pytest.mark.parametrize("target", PUBLISHED)
def test_published_networks_have_the_published_macs_and_parameters(target: str) -> None:
    network = get_network(f"proxyless_{target}")
    macs, parameters = PUBLISHED[target]
    assert network.macs / 1e6 == pytest.approx(macs, abs=0.05)
    assert network.parameters / 1e6 == pytest.approx(parameters, abs=0.005)


def test_the_published_space_has_21_blocks_of_which_15_may_be_left_out() -> None:
    space = get_space("proxyless")
    assert len(space.blocks) == 21
    assert sum(block.residual for block in space.blocks) == 15
    assert space.size == 6**6 * 7**15


def test_a_network_found_for_the_phone_is_a_design_of_the_space() -> None:
    table = get_space("proxyless").network(FOUND["mobile"], "proxyless_mobile", "Proxyless-Mobile")
    assert table == get_network("proxyless_mobile")


@pytest.mark.parametrize("name", SPACES)
def test_operators_cost_what_the_network_with_them_costs(name: str) -> None:
    space = get_space(name)
    fixed = (*space.stem_network.layers, *space.head_network.layers)
    for design in [space.largest, *space.sample(5, 0)]:
        layers: list[Layer] = []
        for block, entry in zip(space.blocks, design, strict=True):
            layers += block_layers(block, OPERATORS[entry - 1])
        network = space.network(design)
        assert sum(layer.macs for layer in (*fixed, *layers)) == network.macs
        assert sum(layer.parameters for layer in (*fixed, *layers)) == network.parameters


def test_blocks_that_change_the_shape_must_stay() -> None:
    space = get_space("proxyless_cifar")
    for block in space.blocks:
        same = block.stride == 1 and block.in_channels == block.channels
        assert (OPERATORS[block.entries[0] - 1] is ZERO) == same


def test_designs_are_checked_with_the_block_and_what_it_offers() -> None:
    space = get_space("proxyless_cifar")
    wrong = space.largest.copy()
    wrong[2] = 1  # changes the shape
    with pytest.raises(DesignError, match=r"1 is no operator of blocks.3; valid: 2 \(mb3_k3\)"):
        space.network(wrong)
    with pytest.raises(DesignError, match="11 integers"):
        space.network(space.largest[:-1])
    with pytest.raises(DesignError, match="11 integers"):
        space.network(space.largest * 1.0)


def test_unknown_spaces_and_widths_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'proxyless_cifar'"):
        get_space("proxyless-cifar")
    with pytest.raises(UnknownNameError, match="gpu"):
        proxyless_space("gpus")


def test_random_designs_follow_their_seed_and_are_all_designs() -> None:
    space = get_space("proxyless_cifar")
    designs = space.sample(300, 7, spread=1.5)
    assert np.array_equal(designs, space.sample(300, 7, spread=1.5))
    assert not np.array_equal(designs, space.sample(300, 8, spread=1.5))
    for design in designs:
        space.check(design)
    for column, block in zip(designs.T, space.blocks, strict=True):
        assert set(column) == set(block.entries)


def test_tilted_designs_reach_further_than_uniform_ones() -> None:
    space = get_space("proxyless")
    macs = [
        np.std([space.network(design).macs for design in space.sample(60, 0, spread)])
        for spread in (0.0, 1.5)
    ]
    assert macs[1] > 1.5 * macs[0]


def test_opening_a_supernet_and_its_architectures_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    fresh = [fresh_supernet(get_space("proxyless_digits"), seed) for seed in (0, 0, 1)]
    supernet, _ = open_supernet("proxyless_cifar")
    supernet.architecture(supernet.space.largest)
    assert torch.equal(torch.random.get_rng_state(), before)
    weights = [one.blocks[0].expand for one in fresh]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_every_architecture_of_a_supernet_computes_what_the_supernet_does() -> None:
    torch.manual_seed(0)
    space = get_space("proxyless_digits")
    supernet = Supernet(space)
    images = torch.rand(6, 1, 8, 8)
    for design in [space.largest, *space.sample(6, 1)]:
        supernet.train()
        supernet(images, design)  # norms get statistics of their own
        supernet.eval()
        with torch.no_grad():
            module = supernet.architecture(design)
            assert torch.allclose(module(images), supernet(images, design), atol=1e-5)


def test_an_architecture_trained_on_leaves_the_supernet_alone() -> None:
    supernet = Supernet(get_space("proxyless_digits"))
    before = supernet.blocks[0].expand.clone()
    module = supernet.architecture(supernet.space.largest)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(1.0)
    assert torch.equal(supernet.blocks[0].expand, before)


def test_smaller_expansions_share_the_weights_of_larger_ones() -> None:
    supernet = Supernet(get_space("proxyless_digits"))
    small = supernet.architecture([2, 2, 2, 2]).state_dict()
    large = supernet.architecture([6, 6, 6, 6]).state_dict()
    key = "blocks.1.mobile_inverted_conv.{}.conv.weight"
    wide, narrow = (s[key.format("inverted_bottleneck")] for s in (large, small))
    assert torch.equal(narrow, wide[: len(narrow)])
    wide, narrow = (s[key.format("point_linear")] for s in (large, small))
    assert torch.equal(narrow, wide[:, : narrow.shape[1]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": ()}, "'mine': stages must be one Stage or more"),
        ({"stages": Stage(12, 2, 1)}, "'mine': stages must be one Stage or more"),
        ({"stages": [(12, 2, 1)]}, r"\(12, 2, 1\) is no stage; write Stage\(channels, blocks"),
        ({"resolution": 0}, "'mine': resolution must be a whole number above 0, not 0"),
        ({"stem": 8.5}, "'mine': stem must be a whole number above 0, not 8.5"),
        ({"classes": True}, "classes must be a whole number above 0"),
        ({"head": "48"}, "head must be a whole number above 0, not '48'"),
        ({"stem_stride": 0}, "stem_stride must be a whole number above 0"),
        ({"norm_epsilon": float("nan")}, "norm_epsilon must be a number above 0"),
    ],
)
def test_spaces_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        replace(get_space("proxyless_digits"), name="mine", **changes)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ((12, 0, 1), "blocks must be a whole number above 0, not 0"),
        ((12, 2, 0), "stride must be"),
        ((-12, 2, 1), "channels must be"),
        ((12, 2.5, 1), "blocks must be"),
    ],
)
def test_stages_that_make_no_sense_are_refused(stage: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Stage(*stage)


def test_spaces_differ_in_all_but_what_they_are_called() -> None:
    space = get_space("proxyless_cifar")
    assert space.differences(replace(space, name="mine", title="Mine")) == ()
    other = replace(space, head=512, stages=[*space.stages[:-1], Stage(64, 2, 2)])
    assert space.differences(other) == ("stages", "head")
    assert isinstance(hash(other), int)  # a list of stages is kept as a tuple


def test_a_space_of_ones_own_needs_nothing_but_its_stages() -> None:
    space = replace(get_space("proxyless_digits"), name="mine", stages=(Stage(8, 3, 2),))
    assert space.network(space.largest).layers[-1].in_channels == space.head
    assert Supernet(space)(torch.zeros(2, 1, 8, 8), space.largest).shape == (2, 10)
