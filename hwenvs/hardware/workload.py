"""What a piece of hardware is asked to run: a batch of designs over the layers of a network."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import HardwareError
from hwenvs.networks.base import Layer, Network

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

FULL_BITS = 32.0
"""Bits of a number in an uncompressed network."""


@dataclass(frozen=True, eq=False)
class Workload:
    """A batch of B designs over L layers of a network.

    The arrays may be given in any shape that broadcasts to [B, L]; they are kept as [B, L].

    Attributes:
        layers: the L rows of the layer table, uncompressed, in table order.
        in_channels: channels that each layer reads, int64 [B, L], at most the table's.
        out_channels: channels that each layer writes, int64 [B, L], at most the table's; equal to
            ``in_channels`` for a depthwise layer.
        weight_bits: bits per weight, float64 [B, L], above 0.
        activation_bits: bits per element of the layer's input, float64 [B, L], above 0.
        weight_density: fraction of the kept weights that are not zero, float64 [B, L], in [0, 1].
        activation_density: fraction of the input elements that are not zero, float64 [B, L].

    Raises:
        HardwareError: if an array does not fit the layers or has values out of range.
    """

    layers: tuple[Layer, ...]
    in_channels: IntArray
    out_channels: IntArray
    weight_bits: FloatArray = field(default_factory=partial(np.array, FULL_BITS))
    activation_bits: FloatArray = field(default_factory=partial(np.array, FULL_BITS))
    weight_density: FloatArray = field(default_factory=partial(np.array, 1.0))
    activation_density: FloatArray = field(default_factory=partial(np.array, 1.0))

    def __post_init__(self) -> None:
        if not self.layers:
            raise HardwareError("workload: a workload needs at least one layer")
        columns = [one.name for one in fields(self) if one.name != "layers"]
        arrays = {name: np.asarray(getattr(self, name)) for name in columns}
        try:
            shape = np.broadcast_shapes((1, len(self.layers)), *(a.shape for a in arrays.values()))
        except ValueError:
            shape = ()
        if len(shape) != 2 or shape[1] != len(self.layers):
            got = ", ".join(f"{name} {a.shape}" for name, a in arrays.items() if a.ndim)
            raise HardwareError(
                f"workload: arrays do not broadcast to [designs, {len(self.layers)} layers]: {got}"
            )
        for name, array in arrays.items():
            checked = self._channels(name, array) if name in CHANNELS else _levels(name, array)
            object.__setattr__(self, name, np.broadcast_to(checked, shape))
        uneven = self.depthwise & (self.in_channels != self.out_channels)
        if uneven.any():
            where = self.layers[int(np.nonzero(uneven)[1][0])].name
            raise HardwareError(
                f"workload: depthwise layer {where!r} must read and write the same channels"
            )

    @classmethod
    def of(cls, network: Network, batch: int = 1) -> Workload:
        """``batch`` copies of the uncompressed ``network``."""
        return cls.make(network.layers, batch=batch)

    @classmethod
    def make(
        cls,
        layers: tuple[Layer, ...],
        in_channels: ArrayLike | None = None,
        out_channels: ArrayLike | None = None,
        *,
        batch: int = 1,
        **levels: ArrayLike,
    ) -> Workload:
        """A workload from anything that broadcasts to [batch, len(layers)].

        Args:
            layers: rows of the layer table.
            in_channels: kept input channels; the table's by default.
            out_channels: kept output channels; the table's by default.
            batch: number of designs where the arrays do not tell.
            **levels: weight_bits, activation_bits, weight_density or activation_density.
        """
        if in_channels is None:
            in_channels = [layer.in_channels for layer in layers]
        if out_channels is None:
            out_channels = [layer.channels for layer in layers]
        rows = np.ones((batch, 1), dtype=np.int64)
        kept = [np.asarray(channels) for channels in (in_channels, out_channels)]
        read, written = (one if one.ndim > 1 and len(one) > 1 else rows * one for one in kept)
        known = {name: np.asarray(value, dtype=np.float64) for name, value in levels.items()}
        return cls(tuple(layers), read, written, **known)

    @classmethod
    def single(
        cls, layer: Layer, in_channels: ArrayLike, out_channels: ArrayLike, **levels: ArrayLike
    ) -> Workload:
        """One layer in N settings (L = 1, B = N): how cost tables of all options are compiled.

        Args:
            layer: row of the layer table.
            in_channels: kept input channels, [N] or a scalar.
            out_channels: kept output channels, [N] or a scalar.
            **levels: weight_bits, activation_bits, ... as [N] or scalars.
        """
        known = {
            name: np.asarray(value, dtype=np.float64).reshape(-1, 1)
            for name, value in levels.items()
        }
        read, written = np.asarray(in_channels), np.asarray(out_channels)
        return cls((layer,), read.reshape(-1, 1), written.reshape(-1, 1), **known)

    def take(self, rows: slice | IntArray) -> Workload:
        """The designs ``rows`` of this batch."""
        columns = [one.name for one in fields(self) if one.name != "layers"]
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})

    @property
    def batch(self) -> int:
        """Number of designs B."""
        return len(self.in_channels)

    @property
    def shape(self) -> tuple[int, int]:
        """[B, L]."""
        return self.batch, len(self.layers)

    @cached_property
    def depthwise(self) -> NDArray[np.bool_]:
        """Whether each layer is depthwise, [L]."""
        return np.array([layer.kind == "depthwise" for layer in self.layers])

    def column(self, name: str) -> IntArray:
        """An integer attribute of the layers (``"kernel"``, ``"stride"``, ``"size"``, ...), [L]."""
        return np.array([int(getattr(layer, name)) for layer in self.layers], dtype=np.int64)

    @cached_property
    def taps(self) -> IntArray:
        """Inputs of one output that come from one input channel, [L]."""
        return self.column("kernel") ** 2 * self.column("features_per_channel")

    @cached_property
    def inputs(self) -> IntArray:
        """Inputs of each layer as a matrix over unrolled maps (im2col), [B, L]."""
        return self.in_channels * self.taps

    @cached_property
    def weights(self) -> IntArray:
        """Weights of each layer, zero or not, without biases and norms, [B, L]."""
        fan_in = np.where(self.depthwise, 1, self.in_channels)
        return fan_in * self.out_channels * self.taps

    @cached_property
    def params(self) -> IntArray:
        """Trainable parameters: weights, bias, and the norm's scale and shift, [B, L]."""
        extra = [int(layer.bias) + 2 * int(layer.norm is not None) for layer in self.layers]
        return self.weights + self.out_channels * np.array(extra, dtype=np.int64)

    @cached_property
    def macs(self) -> IntArray:
        """Multiply-accumulates for one image, those with zeros included, [B, L]."""
        return self.weights * self.column("vectors")

    @cached_property
    def input_elements(self) -> IntArray:
        """Elements of the input of each layer for one image, [B, L]."""
        pixels = self.column("in_size") ** 2 * self.column("features_per_channel")
        pixels = pixels * self.column("steps")
        return self.in_channels * pixels

    @cached_property
    def output_elements(self) -> IntArray:
        """Elements of the output of each layer for one image, [B, L]."""
        return self.out_channels * self.column("vectors")

    def _channels(self, name: str, array: NDArray[Any]) -> IntArray:
        """``array`` as int64, or an error if it is not whole or out of the table's range."""
        table = self.column("in_channels" if name == "in_channels" else "channels")
        whole = array.dtype.kind in "iu" or (
            array.dtype.kind == "f" and bool(np.all(np.mod(array, 1) == 0))
        )
        if not whole or np.any(array < 1) or np.any(array > table):
            raise HardwareError(
                f"workload: {name} must be whole numbers from 1 to the layer table's channels"
            )
        return array.astype(np.int64)


CHANNELS = ("in_channels", "out_channels")


def _levels(name: str, array: NDArray[Any]) -> FloatArray:
    """Bits or densities as float64, or an error naming the range."""
    values = array.astype(np.float64)
    if name.endswith("_bits"):
        good, valid = np.isfinite(values) & (values > 0), "above 0"
    else:
        good, valid = (values >= 0) & (values <= 1), "from 0 to 1"
    if not good.all():
        raise HardwareError(f"workload: {name} must be finite and {valid}")
    return values
