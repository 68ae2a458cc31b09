"""Search spaces: networks whose blocks have yet to choose their operators.

A :class:`Space` is what a :class:`~hwenvs.networks.base.Network` is before it is designed: stages
of blocks, each of which becomes one of several operators, or nothing.  A design has one entry a
block, the number of its operator in :data:`~hwenvs.networks.blocks.OPERATORS`, counted from 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import Field, asdict, dataclass, fields, replace
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.arguments import is_whole
from hwenvs.errors import ArgumentError, DesignError
from hwenvs.networks.base import Layer, Network
from hwenvs.networks.blocks import OPERATORS, ZERO, Block, Operator, inverted_residual
from hwenvs.networks.builder import TableBuilder

SPREAD = 1.5
"""Spread of random designs among which are small and large ones, see :meth:`Space.sample`."""


@dataclass(frozen=True)
class Stage:
    """Blocks of the same width; the first of them may shrink the map.

    Attributes:
        channels: that every block writes.
        blocks: number of blocks.
        stride: of the first block, in pixels.

    Raises:
        ArgumentError: if one is no whole number above 0.
    """

    channels: int
    blocks: int
    stride: int

    def __post_init__(self) -> None:
        _check_counts("a stage of a search space", self, fields(self))


@dataclass(frozen=True)
class Space:
    """A space of networks of inverted residuals.

    A stem, one fixed block without expansion, blocks to choose, a 1 x 1 convolution and a
    classifier.  Weights are called as in the checkpoints of ProxylessNAS.

    Attributes:
        name: as users type it.
        title: to print.
        stem: channels of the first convolution.
        first: channels of the fixed block.
        stages: of the blocks to choose.
        head: channels of the last convolution.
        classes: outputs of the classifier.
        resolution: height and width of the image in pixels.
        in_channels: channels of the image.
        stem_stride: of the first convolution, in pixels.
        first_stride: of the fixed block, in pixels.
        norm_epsilon: added to the variance of every batch norm.

    Raises:
        ArgumentError: if there are no stages, or a number makes no sense.
    """

    name: str
    title: str
    stem: int
    first: int
    stages: tuple[Stage, ...]
    head: int
    classes: int
    resolution: int
    in_channels: int = 3
    stem_stride: int = 2
    first_stride: int = 1
    norm_epsilon: float = 1e-3

    def __post_init__(self) -> None:
        where = f"search space {self.name!r}"
        counts = [field for field in fields(self) if field.type == "int"]
        _check_counts(where, self, counts)
        if not isinstance(self.stages, tuple | list) or not self.stages:
            raise ArgumentError(f"{where}: stages must be one Stage or more, not {self.stages!r}")
        for stage in self.stages:
            if not isinstance(stage, Stage):
                raise ArgumentError(
                    f"{where}: {stage!r} is no stage; write Stage(channels, blocks, stride)"
                )
        epsilon: Any = self.norm_epsilon
        number = isinstance(epsilon, Real) and not isinstance(epsilon, bool)
        if not number or not 0 < epsilon < np.inf:
            raise ArgumentError(f"{where}: norm_epsilon must be a number above 0, not {epsilon!r}")
        object.__setattr__(self, "stages", tuple(self.stages))

    @property
    def geometry(self) -> dict[str, Any]:
        """What it is built of: all attributes but name and title, as JSON has them."""
        found = {k: v for k, v in asdict(self).items() if k not in ("name", "title")}
        return {**found, "stages": list(found["stages"])}

    def differences(self, other: Space | Mapping[str, Any]) -> tuple[str, ...]:
        """What makes ``other``, a space or a geometry, another space: names of attributes.

        Name and title do not count.
        """
        theirs = other.geometry if isinstance(other, Space) else other
        return tuple(name for name, value in self.geometry.items() if value != theirs.get(name))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks to choose, in order."""
        found: list[Block] = []
        channels = self.first
        size = -(-self.resolution // (self.stem_stride * self.first_stride))
        for number, stage in enumerate(self.stages):
            for index in range(stage.blocks):
                stride = 1 if index else stage.stride
                # The fixed block is number 0.
                name = f"blocks.{len(found) + 1}"
                found.append(Block(name, number, channels, stage.channels, stride, size))
                channels, size = stage.channels, -(-size // stride)
        return tuple(found)

    @cached_property
    def largest(self) -> NDArray[np.int64]:
        """The design [T] of the largest operators."""
        return np.array([block.entries[-1] for block in self.blocks], dtype=np.int64)

    @property
    def size(self) -> int:
        """Number of architectures."""
        total = 1
        for block in self.blocks:
            total *= len(block.entries)
        return total

    def check(self, design: ArrayLike) -> tuple[int, ...]:
        """``design`` [T] as integers.

        Raises:
            DesignError: if it has another length or an entry that its block does not offer.
        """
        array = np.asarray(design)
        if array.shape != (len(self.blocks),) or array.dtype.kind not in "iu":
            raise DesignError(
                f"a design of {self.title} has {len(self.blocks)} integers, one a block, not "
                f"{design!r}"
            )
        entries = tuple(int(entry) for entry in array)
        for block, entry in zip(self.blocks, entries, strict=True):
            if entry not in block.entries:
                names = ", ".join(f"{n} ({OPERATORS[n - 1].name})" for n in block.entries)
                raise DesignError(f"{entry} is no operator of {block.name}; valid: {names}")
        return entries

    def sample(self, count: int, seed: int, spread: float = 0.0) -> NDArray[np.int64]:
        """``count`` random designs [count, T].

        Args:
            count: number of designs.
            seed: of the draw.
            spread: 0 draws every operator alike. Else each design draws a tilt in [-spread, spread]
                and operators with probability proportional to ``exp(tilt * x)``, x from -1 for the
                smallest to 1 for the largest, so that small and large networks occur as well: sums
                over many uniform blocks are all alike.
        """
        random = np.random.default_rng(seed)
        tilts = random.uniform(-spread, spread, count)
        columns = []
        for block in self.blocks:
            place = np.linspace(-1.0, 1.0, len(block.entries))
            weights = np.exp(tilts[:, None] * place)
            shares = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
            picked = (random.random((count, 1)) > shares).sum(axis=1)
            columns.append(np.take(block.entries, np.minimum(picked, len(place) - 1)))
        return np.stack(columns, axis=1).astype(np.int64)

    def network(
        self, design: ArrayLike, name: str | None = None, title: str | None = None
    ) -> Network:
        """The layer table of an architecture.

        Args:
            design: [T] operators.
            name: of the network; the space's with the operators' numbers by default.
            title: to print; the space's by default.

        Raises:
            DesignError: as :meth:`check`.
        """
        entries = self.check(design)
        table = TableBuilder(self.resolution, self.in_channels)
        self._add_stem(table)
        for block, entry in zip(self.blocks, entries, strict=True):
            operator = OPERATORS[entry - 1]
            if operator is not ZERO:
                inverted_residual(table, block.name, operator, block.channels, block.stride)
        self._add_head(table)
        if name is None:
            name = f"{self.name}_{''.join(map(str, entries))}"
        return self._build(table, name, title or self.title)

    @property
    def stem_network(self) -> Network:
        """The layers before the first block to choose; they end with a map."""
        table = TableBuilder(self.resolution, self.in_channels)
        self._add_stem(table)
        return self._build(table, f"{self.name}_stem", f"stem of {self.title}")

    @property
    def head_network(self) -> Network:
        """The layers behind the last block to choose, whose map is their image."""
        last = self.blocks[-1]
        table = TableBuilder(-(-last.in_size // last.stride), last.channels)
        self._add_head(table)
        return self._build(table, f"{self.name}_head", f"head of {self.title}")

    def _add_stem(self, table: TableBuilder) -> None:
        at = "first_conv"
        table.conv(
            f"{at}.conv", self.stem, 3, self.stem_stride, norm=f"{at}.bn", activation="relu6"
        )
        inverted_residual(table, "blocks.0", Operator(3, 1), self.first, self.first_stride)

    def _add_head(self, table: TableBuilder) -> None:
        at = "feature_mix_layer"
        table.conv(f"{at}.conv", self.head, 1, norm=f"{at}.bn", activation="relu6")
        table.average_pool()
        table.linear("classifier.linear", self.classes)

    def _build(self, table: TableBuilder, name: str, title: str) -> Network:
        built = table.build(name, title)
        nodes = tuple(
            replace(node, norm_epsilon=self.norm_epsilon)
            if isinstance(node, Layer) and node.norm
            else node
            for node in built.nodes
        )
        return replace(built, nodes=nodes)


def _check_counts(where: str, of: object, counts: Iterable[Field[Any]]) -> None:
    """Raises an :class:`ArgumentError` unless the attributes are whole numbers above 0."""
    for field in counts:
        value = getattr(of, field.name)
        if not is_whole(value) or value < 1:
            raise ArgumentError(
                f"{where}: {field.name} must be a whole number above 0, not {value!r}"
            )
