"""Traced tables equal the hand-written ones of the zoo."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from hwenvs.errors import ArgumentError
from hwenvs.networks import ZOO, Layer, Network, Recurrent, channel_groups, from_torch, get_network
from hwenvs.networks.modules import TableModule

FEEDFORWARD = tuple(
    name for name in ZOO if not any(isinstance(node, Recurrent) for node in get_network(name).nodes)
)
"""Loops over a sequence are not followed."""


def traced(network: Network) -> Network:
    """The table traced from the module that is built from ``network``."""
    with torch.device("meta"):
        module = TableModule(network)
        images = torch.zeros(1, network.in_channels, network.resolution, network.resolution)
    return called(from_torch(module, images), network)


def called(found: Network, network: Network) -> Network:
    """``found`` under the name of ``network``."""
    return replace(found, name=network.name, title=network.title)


def numbered(network: Network) -> Network:
    """The same table, nodes without weights called by their number: modules do not name them."""
    names = {"input": "input"}
    for index, node in enumerate(network.nodes):
        names[node.name] = node.name if isinstance(node, Layer) else f"node {index}"
    nodes = tuple(
        replace(node, name=names[node.name], inputs=tuple(names[one] for one in node.inputs))
        for node in network.nodes
    )
    return replace(network, nodes=nodes)


@pytest.mark.parametrize("name", FEEDFORWARD)
def test_the_traced_table_equals_the_one_written_by_hand(name: str) -> None:
    network = get_network(name)
    found = traced(network)
    assert numbered(found) == numbered(network)
    assert [g.name for g in channel_groups(found)] == [g.name for g in channel_groups(network)]


@pytest.mark.parametrize(
    "changes", [{"resolution": 96}, {"classes": 7}, {"same_padding": False}], ids=str
)
def test_variants_of_a_network_are_traced_as_well(changes: dict) -> None:
    network = get_network("mobilenet_v1", **changes)
    assert numbered(traced(network)) == numbered(network)


class Basic(nn.Module):
    """A block of torchvision's ResNet."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            match = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(match, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet18(nn.Module):
    """torchvision's, down to the names."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        widths = (64, 64, 128, 256, 512)
        for stage in (1, 2, 3, 4):
            first = Basic(widths[stage - 1], widths[stage], 1 if stage == 1 else 2)
            blocks = nn.Sequential(first, Basic(widths[stage], widths[stage], 1))
            setattr(self, f"layer{stage}", blocks)
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(512, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def test_names_of_modules_and_blocks_are_the_tables_names() -> None:
    with torch.device("meta"):
        found = from_torch(ResNet18(), torch.zeros(1, 3, 224, 224))
    network = get_network("resnet18")
    assert called(found, network) == network


class Lambda(nn.Module):
    """The parameter-free shortcut, as CIFAR's ResNets are often written."""

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 4, 4), "constant", 0)


class Shortcut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.shortcut = nn.Conv2d(3, 8, 3, 1, 1), Lambda()
        self.conv, self.linear = nn.Conv2d(8, 16, 3, 2, 1), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.linear((self.conv(x) + self.shortcut(x)).mean((-1, -2)))


def test_the_padded_shortcut_is_recognised() -> None:
    network = from_torch(Shortcut(), torch.zeros(1, 3, 15, 15))
    node = network["shortcut"]
    assert (type(node).__name__, node.channels, node.size) == ("PadShortcut", 16, 8)


def test_vectors_are_images_of_one_pixel() -> None:
    module = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 4))
    network = from_torch(module, torch.zeros(1, 20))
    assert (network.in_channels, network.resolution, network.classes) == (20, 1, 4)
    assert [group.name for group in channel_groups(network)] == ["2"]


def test_a_network_is_called_like_its_class() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    example = torch.zeros(1, 3, 2, 2)
    assert (from_torch(module, example).name, from_torch(module, example).title) == (
        ("Sequential",) * 2
    )
    assert from_torch(module, example, "mine", "Mine").title == "Mine"
    with pytest.raises(ArgumentError, match="'my/net' becomes part of file names"):
        from_torch(module, example, "my/net")
    with pytest.raises(ArgumentError, match="'resnet56' is that of a network of the zoo"):
        from_torch(module, example, "resnet56")


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 3, 8, 9), (0, 3, 8, 8)], ids=str)
def test_examples_that_are_no_square_images_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="batch of square images"):
        from_torch(nn.Identity(), torch.zeros(shape))


def test_only_modules_can_be_traced() -> None:
    with pytest.raises(ArgumentError, match=r"only a torch\.nn\.Module can be traced, not str"):
        from_torch("resnet18", torch.zeros(1, 3, 8, 8))  # type: ignore[arg-type]


def test_importing_networks_does_not_import_torch() -> None:
    code = "import sys, hwenvs.networks as n; n.from_torch; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class Reused(nn.Module):
    """One pooling and one activation for many places; functions called like modules."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.act = nn.MaxPool2d(2), nn.ReLU()
        self.add, self.max_pool2d = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.fc = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.act(self.pool(x)))
        x = F.max_pool2d(x + self.act(self.add(x)), 2)
        return self.fc((x + self.max_pool2d(x)).mean((2, 3)))


def test_names_are_unique_and_layers_have_those_of_their_modules() -> None:
    network = from_torch(Reused().double(), torch.zeros(1, 3, 16, 16))
    assert [layer.name for layer in network.layers] == ["add", "max_pool2d", "fc"]
    assert network["pool"].activation == "relu"
    assert len({node.name for node in network.nodes}) == len(network.nodes) == 9
