"""Blocks that have yet to choose their operator, the operators, and the layers these become."""

from __future__ import annotations

from dataclasses import dataclass

from hwenvs.networks.base import Layer
from hwenvs.networks.builder import TableBuilder


@dataclass(frozen=True)
class Operator:
    """What a block may become: an inverted residual (Sandler et al., 2018), or nothing.

    Attributes:
        kernel: height and width of the depthwise kernel in pixels; 0 for nothing.
        expansion: channels inside over channels read.
    """

    kernel: int
    expansion: int

    @property
    def name(self) -> str:
        """``"mb3_k5"``: expansion 3, kernel 5 x 5; ``"zero"`` for nothing."""
        return f"mb{self.expansion}_k{self.kernel}" if self.kernel else "zero"


ZERO = Operator(0, 0)
"""Leaves the block out; its input is its output."""

OPERATORS = (ZERO, *(Operator(kernel, expansion) for expansion in (3, 6) for kernel in (3, 5, 7)))
"""ProxylessNAS's candidates; entry ``n`` of a design is ``OPERATORS[n - 1]``."""


@dataclass(frozen=True)
class Block:
    """A block that has yet to choose its operator.

    Attributes:
        name: module path.
        stage: number of its stage.
        in_channels: channels read.
        channels: channels written.
        stride: in pixels.
        in_size: height and width of its input in pixels.
    """

    name: str
    stage: int
    in_channels: int
    channels: int
    stride: int
    in_size: int

    @property
    def residual(self) -> bool:
        """Whether its input is added to its output, so that it may be left out as well."""
        return self.stride == 1 and self.in_channels == self.channels

    @property
    def entries(self) -> tuple[int, ...]:
        """What a design may say here, ascending."""
        return tuple(range(1 if self.residual else 2, len(OPERATORS) + 1))


def block_layers(block: Block, operator: Operator) -> tuple[Layer, ...]:
    """The layers of ``block`` as ``operator``, none where it is left out."""
    if operator is ZERO:
        return ()
    table = TableBuilder(block.in_size, block.in_channels)
    inverted_residual(table, block.name, operator, block.channels, block.stride)
    return table.build(block.name, block.name).layers


def inverted_residual(
    table: TableBuilder, at: str, operator: Operator, channels: int, stride: int
) -> None:
    """Adds an inverted residual called ``at``; its input is added where shapes allow.

    Without expansion (1) it begins with the depthwise convolution.
    """
    source = table.last
    read = table.nodes[source].channels
    inside = f"{at}.mobile_inverted_conv"
    if operator.expansion != 1:
        part = f"{inside}.inverted_bottleneck"
        table.conv(
            f"{part}.conv", read * operator.expansion, 1, norm=f"{part}.bn", activation="relu6"
        )
    part = f"{inside}.depth_conv"
    table.depthwise(f"{part}.conv", operator.kernel, stride, norm=f"{part}.bn", activation="relu6")
    part = f"{inside}.point_linear"
    branch = table.conv(f"{part}.conv", channels, 1, norm=f"{part}.bn", activation=None)
    if stride == 1 and read == channels:
        table.add(at, branch, source, activation=None)
