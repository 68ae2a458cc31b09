"""Modules as people write them, in plain PyTorch with names of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from hwenvs.networks import Network, from_torch

MakeModule = Callable[[str], tuple[nn.Module, Tensor]]


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


def _make(name: str) -> tuple[nn.Module, Tensor]:
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


@pytest.fixture(scope="session")
def make() -> MakeModule:
    """Makes a module with random weights and statistics, and random images."""
    return _make


@pytest.fixture(params=MODULES)
def own(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor, Network]:
    """Every module with images and its traced table."""
    module, images = _make(request.param)
    return module, images, from_torch(module, images)
