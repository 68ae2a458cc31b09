"""Writes layer tables: follows channels and sizes so that an architecture reads like its paper."""

from __future__ import annotations

from hwenvs.networks.base import (
    INPUT,
    Add,
    Concat,
    Layer,
    Network,
    Node,
    PadShortcut,
    Pool,
    Recurrent,
)

SAME = -1
"""Padding value for TensorFlow's asymmetric ``SAME`` padding."""


class TableBuilder:
    """Appends nodes; every method reads the node added last unless ``source`` names another.

    Each method returns the name of the node that it added.

    Args:
        resolution: height and width of the image in pixels.
        in_channels: channels of the image.
        same_padding: pad convolutions as TensorFlow does instead of symmetrically.
    """

    def __init__(self, resolution: int, in_channels: int = 3, same_padding: bool = False) -> None:
        self.resolution, self.in_channels, self.same_padding = resolution, in_channels, same_padding
        self.nodes: dict[str, Node] = {
            INPUT: Node(INPUT, (), channels=in_channels, size=resolution)
        }
        self.last = INPUT

    def conv(
        self,
        name: str,
        channels: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        padding: int | None = None,
        norm: str | None = None,
        activation: str | None = "relu",
        bias: bool = False,
        depthwise: bool = False,
        source: str | None = None,
    ) -> str:
        """Adds a convolution (padding ``kernel // 2`` unless given)."""
        read = self.nodes[source or self.last]
        if padding is None:
            padding = SAME if self.same_padding and stride > 1 else kernel // 2
        total = max((-(-read.size // stride) - 1) * stride + kernel - read.size, 0)
        size = (read.size + (total if padding == SAME else 2 * padding) - kernel) // stride + 1
        return self._add(
            Layer(
                name,
                (read.name,),
                channels=channels,
                size=size,
                activation=activation,
                kind="depthwise" if depthwise else "conv",
                in_channels=read.channels,
                in_size=read.size,
                kernel=kernel,
                stride=stride,
                padding=padding,
                norm=norm,
                bias=bias,
            )
        )

    def depthwise(self, name: str, kernel: int = 3, stride: int = 1, **options: str | None) -> str:
        """Adds a depthwise convolution over all channels of the last node."""
        channels = self.nodes[self.last].channels
        return self.conv(name, channels, kernel, stride, depthwise=True, **options)  # type: ignore[arg-type]

    def linear(self, name: str, channels: int, activation: str | None = None) -> str:
        """Adds a linear layer; a map with a size is flattened first."""
        read = self.nodes[self.last]
        return self._add(
            Layer(
                name,
                (read.name,),
                channels=channels,
                size=1,
                activation=activation,
                kind="linear",
                in_channels=read.channels,
                features_per_channel=read.size**2,
                bias=True,
            )
        )

    def lstm(self, name: str, cells: int, projection: int | None = None) -> str:
        """Adds an LSTM that reads the rows of the last node's map, one a step.

        Its matrices are called as in :class:`torch.nn.LSTM`, with two biases like there; the four
        gates (input, forget, cell, output) lie below one another.

        Args:
            name: module path.
            cells: memory cells.
            projection: numbers that the output is projected to (LSTMP; Sak et al., 2014); 0 or
                None for no projection.
        """
        read = self.nodes[self.last]
        outputs = projection or cells

        def matrix(part: str, source: str, rows: int, columns: int, bias: bool = True) -> Layer:
            return Layer(
                f"{name}.weight_{part}_l0",
                (source,),
                channels=rows,
                size=1,
                kind="linear",
                in_channels=columns,
                bias=bias,
                steps=read.size,
                cell=name,
            )

        layers = [
            matrix("ih", read.name, 4 * cells, read.channels * read.size),
            matrix("hh", name, 4 * cells, outputs),
        ]
        if projection:
            layers.append(matrix("hr", name, projection, cells, bias=False))
        return self._add(
            Recurrent(name, (read.name,), outputs, 1, layers=tuple(layers), cells=cells)
        )

    def max_pool(self, name: str, kernel: int, stride: int, padding: int = 0) -> str:
        """Adds maximum pooling."""
        read = self.nodes[self.last]
        size = (read.size + 2 * padding - kernel) // stride + 1
        return self._add(
            Pool(name, (read.name,), read.channels, size, None, "max", kernel, stride, padding)
        )

    def average_pool(self, name: str = "avgpool") -> str:
        """Adds the average over the whole map."""
        read = self.nodes[self.last]
        return self._add(Pool(name, (read.name,), read.channels, 1, None, "average"))

    def add(self, name: str, branch: str, shortcut: str, activation: str | None = "relu") -> str:
        """Adds the sum of a residual branch and its shortcut."""
        one, other = self.nodes[branch], self.nodes[shortcut]
        if (one.channels, one.size) != (other.channels, other.size):
            raise ValueError(f"{name}: {branch} and {shortcut} differ in shape")
        return self._add(Add(name, (branch, shortcut), one.channels, one.size, activation))

    def concat(self, name: str, *sources: str, activation: str | None = None) -> str:
        """Adds the concatenation of the channels of ``sources``."""
        read = [self.nodes[source] for source in sources]
        if len({node.size for node in read}) != 1:
            raise ValueError(f"{name}: {', '.join(sources)} differ in size")
        channels = sum(node.channels for node in read)
        return self._add(Concat(name, sources, channels, read[0].size, activation))

    def pad_shortcut(self, name: str, source: str, channels: int, stride: int) -> str:
        """Adds the parameter-free shortcut of the CIFAR ResNets."""
        size = -(-self.nodes[source].size // stride)
        return self._add(PadShortcut(name, (source,), channels, size))

    def build(self, name: str, title: str) -> Network:
        """The finished table."""
        nodes = tuple(node for node in self.nodes.values() if node.name != INPUT)
        return Network(
            name, title, nodes, nodes[-1].channels, self.resolution, in_channels=self.in_channels
        )

    def _add(self, node: Node) -> str:
        self.nodes[node.name] = node
        self.last = node.name
        return node.name
