"""Modules as people write them, in plain PyTorch with names of their own: tables and weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from hwenvs.compression.channel_pruning import prune_channels
from hwenvs.compression.folding import fold
from hwenvs.compression.reference import Recipe, Reference
from hwenvs.errors import WeightsError
from hwenvs.networks import Network, channel_groups, from_torch, kept_channels
from hwenvs.networks.builder import TableBuilder
from hwenvs.networks.tracing import adopt
from hwenvs.problems.tables import shapings


def conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list:
    padding = kernel // 2
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3),
    ]


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Sequential(*conv_norm(inputs, outputs, 3, stride), nn.ReLU(inplace=True))
        self.second = nn.Sequential(*conv_norm(outputs, outputs, 3))
        self.match = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.match = nn.Sequential(*conv_norm(inputs, outputs, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        out = self.second(self.first(x))
        out += self.match(x)
        return F.relu(out)


class ResidualNet(nn.Module):
    """ResNet-like: sums, functional forms, asking for shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 8, 3), nn.ReLU())
        self.blocks = nn.Sequential(Residual(8, 8), Residual(8, 16, 2), Residual(16, 16))
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor, features: bool = False) -> Tensor:
        assert x.shape[1] == 3
        x = self.blocks(self.stem(x))
        x = x if features else F.adaptive_avg_pool2d(x, 1)
        return self.head(x.view(x.size(0), -1))


class MobileNet(nn.Module):
    """MobileNetV2-like: depthwise convolutions, linear bottlenecks, TensorFlow's padding."""

    def __init__(self) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d((0, 1, 0, 1))
        stem = nn.Conv2d(3, 8, 3, 2, bias=False)
        self.entry = nn.Sequential(stem, nn.BatchNorm2d(8), nn.ReLU6(inplace=True))
        wide = conv_norm(8, 24, 1), conv_norm(24, 24, 3, groups=24), conv_norm(24, 8, 1)
        self.bottleneck = nn.Sequential(*wide[0], nn.ReLU6(), *wide[1], nn.ReLU6(), *wide[2])
        self.separable = nn.Sequential(
            *conv_norm(8, 8, 5, 2, groups=8), nn.Hardtanh(0, 6), *conv_norm(8, 16, 1), nn.SiLU()
        )
        self.drop = nn.Dropout(0.2)
        self.classifier = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.entry(self.pad(x))
        x = torch.add(self.bottleneck(x), x)
        return self.classifier(self.drop(self.separable(x).mean([2, 3])))


class Plain(nn.Module):
    """VGG-like: biases, pooling, a flattened map, a softmax at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 12, 3, padding=1)])
        self.shrink = nn.AdaptiveAvgPool2d((4, 4))
        self.dense = nn.Linear(12 * 16, 20)
        self.norm = nn.BatchNorm1d(20)
        self.out = nn.Linear(20, 10, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.trunk:
            x = F.max_pool2d(torch.relu(layer(x)), 2)
        x = torch.flatten(self.shrink(x), 1)
        x = F.dropout(F.relu(self.norm(self.dense(x))), training=self.training)
        return F.log_softmax(self.out(x), dim=1)


class Branches(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(inputs, 4, 1)
        self.squeeze3, self.three = nn.Conv2d(inputs, 6, 1), nn.Conv2d(6, 8, 3, padding=1)
        self.squeeze5, self.five = nn.Conv2d(inputs, 5, 1), nn.Conv2d(5, 6, 5, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        one, three, five = self.one(x).relu(), self.squeeze3(x).relu(), self.squeeze5(x).relu()
        return torch.cat([one, self.three(three).relu(), self.five(five).relu()], dim=1)


class Inception(nn.Module):
    """Concatenations of parallel branches."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2)
        self.a, self.b = Branches(8), Branches(18)
        self.fc = nn.Linear(18, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.stem(x).relu(), 2, 2, ceil_mode=True)
        return self.fc(self.b(self.a(x)).mean(3).mean(2))


class Growth(nn.Module):
    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.act = nn.ReLU(inplace=True)
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 8, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(8), nn.Conv2d(8, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        new = self.conv1(self.act(self.norm1(x)))
        return torch.cat((x, self.conv2(self.act(self.norm2(new)))), 1)


class DenseNet(nn.Module):
    """Concatenations as a stream, norms that no convolution comes before."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.grow = nn.Sequential(Growth(8, 4), Growth(12, 4))
        self.norm, self.fc = nn.BatchNorm2d(16, affine=False), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.grow(self.stem(x))).relu()
        return self.fc(F.avg_pool2d(x, x.size(2)).flatten(1))


class PreActivation(nn.Module):
    """A sum that is read before and after its activation; a map as logits; the image in a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = nn.Conv2d(3, 3, 3, padding=1)
        self.grow = nn.Conv2d(3, 8, 3, padding=1)
        self.inner = nn.Conv2d(8, 8, 3, padding=1)
        self.tail = nn.Conv2d(8, 10, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.grow(x + self.lift(x))
        x = x + self.inner(F.leaky_relu(x))
        x = F.adaptive_avg_pool2d(self.tail(torch.sigmoid(x)), (1, 1))
        return x.squeeze(-1).squeeze(-1)


MODULES: dict[str, tuple[type[nn.Module], int]] = {
    "residual": (ResidualNet, 16),
    "mobile": (MobileNet, 16),
    "plain": (Plain, 16),
    "inception": (Inception, 33),
    "dense": (DenseNet, 12),
    "preactivation": (PreActivation, 9),
}
"""Modules and the resolution of their images."""


def make(name: str) -> tuple[nn.Module, Tensor]:
    """A module with random weights and statistics, and random images."""
    torch.manual_seed(0)
    kind, resolution = MODULES[name]
    module = kind()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -1, 1)  # type: ignore[arg-type]
            nn.init.uniform_(part.running_var, 0.01, 2)  # type: ignore[arg-type]
            if part.affine:
                nn.init.uniform_(part.weight, 0.5, 1.5)
                nn.init.uniform_(part.bias, -1, 1)
    return module.eval(), torch.randn(4, 3, resolution, resolution)


@pytest.fixture(params=MODULES)
def own(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor, Network]:
    """Every module with images and its traced table."""
    module, images = make(request.param)
    return module, images, from_torch(module, images)


def logits(module: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return module(images)


def test_adopted_and_folded_weights_compute_what_the_module_computes(
    own: tuple[nn.Module, Tensor, Network],
) -> None:
    module, images, network = own
    adopted = adopt(network, module)
    for outputs in (logits(adopted, images), fold(adopted)(images)):
        if isinstance(module, Plain):
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


def test_a_concatenation_equals_the_table_written_by_hand() -> None:
    table = TableBuilder(33)
    table.conv("stem", 8, 3, 2, padding=0, bias=True)
    source = table.max_pool("max_pool2d", 2, 2)
    for at in ("a", "b"):
        one = table.conv(f"{at}.one", 4, 1, bias=True, source=source)
        squeeze3 = table.conv(f"{at}.squeeze3", 6, 1, bias=True, source=source)
        squeeze5 = table.conv(f"{at}.squeeze5", 5, 1, bias=True, source=source)
        three = table.conv(f"{at}.three", 8, 3, bias=True, source=squeeze3)
        five = table.conv(f"{at}.five", 6, 5, bias=True, source=squeeze5)
        source = table.concat(at, one, three, five)
    table.average_pool("mean_1")
    table.linear("fc", 10)
    module, images = make("inception")
    assert from_torch(module, images, "hand", "Hand") == table.build("hand", "Hand")


def test_readers_of_a_concatenation_pick_among_all_its_channels_and_its_writers_stay_whole() -> (
    None
):
    module, images = make("inception")
    network = from_torch(module, images)
    groups = {group.name: group for group in channel_groups(network)}
    assert groups["b.one"].origin == "a"
    assert groups["b.one"].channels == 4 + 8 + 6
    assert groups["b.one"].gathered
    written = {name for group in groups.values() for name in group.writers}
    assert written == {"a.squeeze3", "a.squeeze5", "b.squeeze3", "b.squeeze5"}


def test_chains_that_start_from_one_tensor_decide_for_themselves_what_they_read() -> None:
    module, images = make("inception")
    groups = channel_groups(from_torch(module, images))
    at_a = [(g.name, g.readers, g.gathered) for g in groups if not g.name.startswith("b.")]
    assert at_a == [
        ("a.one", ("a.one", "a.squeeze3"), True),
        ("a.three", ("a.three",), False),
        ("a.squeeze5", ("a.squeeze5",), True),
        ("a.five", ("a.five",), False),
    ]


def test_a_norm_without_a_convolution_before_it_is_a_depthwise_layer() -> None:
    module, images = make("dense")
    layer = from_torch(module, images).layer("grow.1.norm1")
    assert (layer.kind, layer.kernel, layer.channels, layer.bias) == ("depthwise", 1, 12, True)


def test_tracing_changes_nothing_in_the_module() -> None:
    module, images = make("mobile")
    module.train()
    module.bottleneck.eval()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    from_torch(module, images)
    assert module.training
    assert module.separable.training
    assert not module.bottleneck.training
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())


def test_weights_of_another_module_are_refused() -> None:
    module, images = make("residual")
    network = from_torch(module, images)
    with pytest.raises(WeightsError, match=r"MobileNet has no stem\.0"):
        adopt(network, make("mobile")[0])
