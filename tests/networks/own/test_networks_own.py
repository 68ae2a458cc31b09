"""Tables and weights of modules as people write them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hwenvs.compression.channel_pruning import prune_channels
from hwenvs.compression.folding import fold
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.errors import WeightsError
from hwenvs.networks import Network, channel_groups, from_torch, kept_channels
from hwenvs.networks.tracing import adopt
from hwenvs.problems.tables import shapings

MakeModule = Callable[[str], tuple[nn.Module, Tensor]]


def logits(module: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return module(images)


def test_adopted_and_folded_weights_compute_what_the_module_computes(
    own: tuple[nn.Module, Tensor, Network],
) -> None:
    module, images, network = own
    adopted = adopt(network, module)
    for outputs in (logits(adopted, images), fold(adopted)(images)):
        if type(module).__name__ == "Plain":  # it ends in a log-softmax, which no table holds
            outputs = outputs.log_softmax(1)
        torch.testing.assert_close(outputs, logits(module, images), rtol=1e-4, atol=1e-4)


def test_tables_count_the_parameters_of_the_module(
    own: tuple[nn.Module, Tensor, Network],
) -> None:
    module, _, network = own
    without = sum(not m.affine for m in module.modules() if isinstance(m, nn.BatchNorm2d))
    counted = sum(p.numel() for p in module.parameters())
    assert network.parameters == counted + 2 * 16 * without


def test_every_layer_is_shaped_by_decisions_that_follow_one_another(
    own: tuple[nn.Module, Tensor, Network],
) -> None:
    network = own[2]
    groups = channel_groups(network)
    assert len({group.name for group in groups}) == len(groups) > 0
    shapings(network, groups)  # a CouplingError if not


def test_pruned_networks_have_the_kept_channels_and_run(
    own: tuple[nn.Module, Tensor, Network],
) -> None:
    module, images, network = own
    reference = Reference.measure(fold(adopt(network, module)), images, Recipe(points=4))
    groups = channel_groups(network)
    design = [max(1, group.channels // 2) for group in groups]
    pruned = prune_channels(reference, design)
    ins, outs = kept_channels(network, np.array([design]))
    for layer, read, written in zip(network.layers, ins[0], outs[0], strict=True):
        weight = pruned.weights[layer.name]
        fan_in = 1 if layer.kind == "depthwise" else read * layer.features_per_channel
        assert weight.shape[:2] == (written, fan_in)
    assert pruned(images).shape == (len(images), network.classes)
    whole = prune_channels(reference, [group.channels for group in groups])
    torch.testing.assert_close(whole(images), reference.folded(images), rtol=1e-3, atol=1e-3)


def test_a_norm_without_a_convolution_before_it_is_a_depthwise_layer(make: MakeModule) -> None:
    module, images = make("dense")
    layer = from_torch(module, images).layer("grow.1.norm1")
    assert (layer.kind, layer.kernel, layer.channels, layer.bias) == ("depthwise", 1, 12, True)


def test_tracing_changes_nothing_in_the_module(make: MakeModule) -> None:
    module, images = make("mobile")
    module.train()
    module.bottleneck.eval()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    from_torch(module, images)
    assert module.training
    assert module.separable.training
    assert not module.bottleneck.training
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())


def test_weights_of_another_module_are_refused(make: MakeModule) -> None:
    module, images = make("residual")
    network = from_torch(module, images)
    with pytest.raises(WeightsError, match=r"MobileNet has no stem\.0"):
        adopt(network, make("mobile")[0])
