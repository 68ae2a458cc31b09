"""A supernet: all architectures of a space in one set of weights.

Operators of a block share the weights of their 1 x 1 convolutions: expansion 3 is the first half of
expansion 6 (after Single-Path NAS; Stamoulis et al., 2019, and Once-for-All; Cai et al., 2020).
Depthwise kernels and batch norms are an operator's own.  One path is in memory at a time.
"""

from __future__ import annotations

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional

from hwenvs.networks.blocks import OPERATORS, ZERO, Block, Operator
from hwenvs.networks.modules import TableModule, load_module, seeded
from hwenvs.networks.spaces import Space

PARTS = ("inverted_bottleneck", "depth_conv", "point_linear")
"""The convolutions of an inverted residual, as ProxylessNAS's checkpoints call them."""

WIDEST = max(operator.expansion for operator in OPERATORS)
KERNELS = sorted({operator.kernel for operator in OPERATORS if operator.kernel})


class ElasticBlock(nn.Module):
    """A block that can be any of its operators.

    Args:
        block: its shape.
        epsilon: added to the variance of batch norms.
    """

    def __init__(self, block: Block, epsilon: float) -> None:
        super().__init__()
        self.block = block
        wide = block.in_channels * WIDEST
        self.expand = _weight(wide, block.in_channels, 1)
        self.depth = nn.ParameterDict({f"k{k}": _weight(wide, 1, k) for k in KERNELS})
        self.project = _weight(block.channels, wide, 1)
        self.norms = nn.ModuleDict()
        for entry in block.entries:
            operator = OPERATORS[entry - 1]
            if operator is not ZERO:
                inner = block.in_channels * operator.expansion
                widths = zip(PARTS, (inner, inner, block.channels), strict=True)
                own = {part: nn.BatchNorm2d(width, epsilon) for part, width in widths}
                self.norms[operator.name] = nn.ModuleDict(own)

    def weights(self, operator: Operator) -> tuple[Tensor, Tensor, Tensor]:
        """The convolutions of ``operator``, as views."""
        inner = self.block.in_channels * operator.expansion
        depth = self.depth[f"k{operator.kernel}"]
        return self.expand[:inner], depth[:inner], self.project[:, :inner]

    def forward(self, x: Tensor, operator: Operator) -> Tensor:
        """The output ``[N, channels, H, W]`` of the block as ``operator``."""
        if operator is ZERO:
            return x
        norms: nn.ModuleDict = self.norms[operator.name]  # type: ignore[assignment]
        expand, depth, project = self.weights(operator)
        y = functional.relu6(norms[PARTS[0]](functional.conv2d(x, expand)), inplace=True)
        y = functional.conv2d(
            y, depth, None, self.block.stride, operator.kernel // 2, groups=len(depth)
        )
        y = functional.relu6(norms[PARTS[1]](y), inplace=True)
        y = norms[PARTS[2]](functional.conv2d(y, project))
        out: Tensor = x + y if self.block.residual else y
        return out

    def state(self, operator: Operator) -> dict[str, Tensor]:
        """Weights and norms of the block as ``operator``, called as in a network of the space."""
        at = f"{self.block.name}.mobile_inverted_conv"
        norms: nn.ModuleDict = self.norms[operator.name]  # type: ignore[assignment]
        found = {}
        for part, weight in zip(PARTS, self.weights(operator), strict=True):
            found[f"{at}.{part}.conv.weight"] = weight
            found.update({f"{at}.{part}.bn.{k}": v for k, v in norms[part].state_dict().items()})
        return found


class Supernet(nn.Module):
    """All architectures of a space in one set of weights.

    Args:
        space: the space.

    Example:
        >>> from hwenvs.networks import get_space
        >>> space = get_space("proxyless_cifar")
        >>> Supernet(space)(torch.zeros(2, 3, 32, 32), space.largest).shape
        torch.Size([2, 10])
    """

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space = space
        self.stem, self.head = TableModule(space.stem_network), TableModule(space.head_network)
        self.blocks = nn.ModuleList(
            ElasticBlock(block, space.norm_epsilon) for block in space.blocks
        )

    def forward(self, images: Tensor, design: ArrayLike) -> Tensor:
        """Logits ``[N, classes]`` of the architecture ``design`` [T].

        Raises:
            DesignError: if it is no design of the space.
        """
        x = self.stem.maps(images)
        for block, entry in zip(self.blocks, self.space.check(design), strict=True):
            x = block(x, OPERATORS[entry - 1])
        logits: Tensor = self.head(x)
        return logits

    def architecture(self, design: ArrayLike) -> TableModule:
        """The network of a design with the supernet's weights, copied.

        Its batch norms hold statistics of whatever paths were trained: estimate them anew before
        use (:func:`hwenvs.compression.norms.estimate_norms`).

        Raises:
            DesignError: if it is no design of the space.
        """
        state = {**self.stem.state_dict(), **self.head.state_dict()}
        for block, entry in zip(self.blocks, self.space.check(design), strict=True):
            if OPERATORS[entry - 1] is not ZERO:
                state.update(block.state(OPERATORS[entry - 1]))  # type: ignore[operator]
        return load_module(self.space.network(design), state)


def fresh_supernet(space: Space, seed: int) -> Supernet:
    """A supernet of ``space`` with random weights; torch's generator stays where it was.

    Args:
        space: the search space.
        seed: of the weights.
    """
    with seeded(seed):
        return Supernet(space)


def _weight(channels: int, read: int, kernel: int) -> nn.Parameter:
    """Weights of a convolution with He's initialisation by fan-out, channels last in memory."""
    weight = torch.empty(channels, read, kernel, kernel)
    deviation = (2.0 / (kernel**2 * (channels if read > 1 else 1))) ** 0.5
    return nn.Parameter(nn.init.normal_(weight, 0.0, deviation))
