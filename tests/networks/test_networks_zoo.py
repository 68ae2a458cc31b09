"""Layer tables: published counts, couplings, and the errors of a wrong table."""

import numpy as np
import pytest

from hwenvs.errors import UnknownNameError
from hwenvs.networks import ZOO, Layer, Network, channel_groups, get_network, kept_channels
from hwenvs.networks.mobilenet import mobilenet_v1

PUBLISHED = {
    # name: (MACs in millions, parameters in millions, tolerance of both); sources: AMC's table for
    # MobileNetV1, torchvision's model pages, He et al. (2016), Han et al. (2016).
    "mobilenet_v2": (300.8, 3.50, 0.005),
    "resnet18": (1814.0, 11.69, 0.001),
    "resnet50": (4089.0, 25.557, 0.001),
    "vgg16": (15470.0, 138.358, 0.001),
    "alexnet": (714.2, 61.101, 0.001),
    "resnet20": (40.6, 0.27, 0.005),
    "resnet56": (125.5, 0.853, 0.005),
    "lenet_300_100": (0.2662, 0.26661, 1e-9),
    "lenet5": (2.293, 0.43108, 1e-9),
}
AMC_HALF_FLOPS = (24, 48, 96, 80, 192, 200, 328, 352, 368, 360, 328, 400, 736, 752)
AMC_HALF_TIME = (16, 48, 88, 80, 192, 168, 336, 360, 360, 352, 352, 368, 768, 680)


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_equal_the_published_ones(name: str) -> None:
    network = get_network(name)
    macs, parameters, tolerance = PUBLISHED[name]
    assert network.macs / 1e6 == pytest.approx(macs, rel=tolerance)
    assert network.parameters / 1e6 == pytest.approx(parameters, rel=tolerance)


def test_mobilenet_v1_variants_have_the_macs_that_amc_prints() -> None:
    assert mobilenet_v1(1001).macs / 1e6 == pytest.approx(568.7, abs=0.1)
    assert mobilenet_v1(1001).parameters / 1e6 == pytest.approx(4.23, abs=0.01)
    assert mobilenet_v1(1001, 0.75).macs / 1e6 == pytest.approx(325.4, abs=0.1)
    assert mobilenet_v1(1001, 0.75).parameters / 1e6 == pytest.approx(2.59, abs=0.01)
    assert mobilenet_v1(1001, channels=AMC_HALF_FLOPS).macs / 1e6 == pytest.approx(293.9, abs=0.1)
    assert mobilenet_v1(1001, channels=AMC_HALF_TIME).macs / 1e6 == pytest.approx(272, rel=0.03)


def test_mobilenet_v1_refuses_a_wrong_number_of_channels() -> None:
    with pytest.raises(ValueError, match="14 channel counts, got 2"):
        mobilenet_v1(channels=(32, 64))


@pytest.mark.parametrize(
    ("name", "decisions", "gathered"),
    [("mobilenet_v1", 14, 0), ("mobilenet_v2", 35, 15), ("resnet56", 54, 27), ("resnet50", 48, 15)],
)
def test_decisions_follow_the_couplings(name: str, decisions: int, gathered: int) -> None:
    groups = channel_groups(get_network(name))
    assert len(groups) == decisions
    assert sum(group.gathered for group in groups) == gathered


def test_depthwise_layers_follow_their_producer() -> None:
    group = channel_groups(get_network("mobilenet_v1"))[0]
    assert group.readers == ("features.1.3",)
    assert group.writers == ("features.0.0", "features.1.0")


def test_a_downsampling_shortcut_shares_the_channels_of_its_block() -> None:
    groups = {group.name: group for group in channel_groups(get_network("resnet50"))}
    assert groups["layer2.0.conv1"].readers == ("layer2.0.conv1", "layer2.0.downsample.0")
    assert groups["layer2.0.conv1"].gathered


@pytest.mark.parametrize("name", ZOO)
def test_every_channel_is_written_as_wide_as_it_is_read(name: str) -> None:
    network = get_network(name)
    groups = channel_groups(network)
    design = np.array([[max(1, group.channels // 2) for group in groups]])
    ins, outs = kept_channels(network, design)
    column = {layer.name: i for i, layer in enumerate(network.layers)}
    for group, kept in zip(groups, design[0], strict=True):
        assert {ins[0, column[r]] for r in group.readers} == {kept}
        assert {outs[0, column[w]] for w in group.writers} <= {kept}
    for layer in network.layers:
        if layer.kind == "depthwise":
            assert ins[0, column[layer.name]] == outs[0, column[layer.name]]


@pytest.mark.parametrize("name", ZOO)
def test_layers_are_adjacent_in_their_decisions(name: str) -> None:
    """What the compiled cost tables rely on: at most two adjacent decisions shape a layer."""
    network = get_network(name)
    shaped: dict[str, set[int]] = {layer.name: set() for layer in network.layers}
    for index, group in enumerate(channel_groups(network)):
        for layer in (*group.readers, *group.writers):
            shaped[layer].add(index)
    assert all(max(found) - min(found) <= 1 for found in shaped.values() if found)


def test_an_unknown_network_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'mobilenet_v1'"):
        get_network("mobilenetv1")


def test_a_table_that_reads_unknown_nodes_is_refused() -> None:
    layer = Layer("a", ("nowhere",), channels=1, size=1)
    with pytest.raises(ValueError, match="node 'a' reads unknown nodes"):
        Network("broken", "Broken", (layer,), 1, 1)
