"""Deep Compression without retraining: magnitude pruning and a codebook, layer by layer.

Han et al., "Deep Compression", ICLR 2016: the smallest weights go, the others share the values of
a k-means codebook; :mod:`hwenvs.compression.coding` stores what is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hwenvs.compression.codebooks import fit_codebook
from hwenvs.compression.coding import Archive, Sizes, pack
from hwenvs.compression.fine_grained import largest
from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.networks import Network

CONVOLUTION_BITS, LINEAR_BITS = 8, 5
"""Codebook and index bits of the paper, by kind of layer."""

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Storage:
    """How a layer's weights are stored.

    Attributes:
        density: fraction of the weights that stay, above 0.
        bits: of a codebook index.
        index_bits: of a relative index.

    Raises:
        ArgumentError: if a figure is out of range.
    """

    density: float = 1.0
    bits: int = LINEAR_BITS
    index_bits: int = LINEAR_BITS

    def __post_init__(self) -> None:
        if not 0 < self.density <= 1:
            raise ArgumentError(f"a density lies above 0 and not above 1, not at {self.density}")
        for name, most in (("bits", 11), ("index_bits", 16)):
            if not 1 <= getattr(self, name) <= most:
                raise ArgumentError(f"{name} are 1 to {most}, not {getattr(self, name)}")


@dataclass(frozen=True)
class LayerReport:
    """What a layer became.

    Attributes:
        name: of the layer.
        weights: how many there were.
        kept: how many are not zero.
        sizes: where its bytes go.
    """

    name: str
    weights: int
    kept: int
    sizes: Sizes

    @property
    def stored(self) -> int:
        """Bytes of the layer's weights."""
        return self.sizes.codebook + self.sizes.codes + self.sizes.gaps


@dataclass(frozen=True)
class Compressed:
    """A compressed network.

    Attributes:
        data: the bytes of its file.
        full: bytes of all its tensors in float32.
        layers: what the layers became.
    """

    data: bytes
    full: int
    layers: tuple[LayerReport, ...]

    @property
    def ratio(self) -> float:
        """How many times smaller the file is."""
        return self.full / len(self.data)


def default_storage(network: Network, density: float) -> dict[str, Storage]:
    """The paper's bits for every layer: 8 for convolutions, 5 for linear ones."""
    bits = {
        layer.name: LINEAR_BITS if layer.kind == "linear" else CONVOLUTION_BITS
        for layer in network.layers
    }
    return {name: Storage(density, width, width) for name, width in bits.items()}


def changed_storage(
    storage: Mapping[str, Storage], changes: Mapping[str, str]
) -> dict[str, Storage]:
    """``storage`` with ``changes`` such as ``{"fc1": "0.08:6"}``, density and codebook bits.

    Raises:
        UnknownNameError: if there is no such layer.
        ArgumentError: if a change is no density, or its bits are none.
    """
    changed = dict(storage)
    for name, text in changes.items():
        if name not in changed:
            raise unknown_name("layer", name, changed)
        density, _, bits = text.partition(":")
        try:
            figures = {"density": float(density), **({"bits": int(bits)} if bits else {})}
        except ValueError as error:
            raise ArgumentError(f"layer {name}: DENSITY or DENSITY:BITS, not {text!r}") from error
        changed[name] = replace(changed[name], **figures)  # type: ignore[arg-type]
    return changed


def share_weights(weight: Tensor, storage: Storage) -> Tensor:
    """``weight`` with its smallest entries 0 and the others on a codebook's values.

    Weights that share few enough values already stay as they are.
    """
    kept = largest(weight.abs(), storage.density) & (weight != 0)
    shared = torch.where(kept, weight, 0.0)
    if len(torch.unique(weight[kept])) > 2**storage.bits:
        shared[kept] = fit_codebook(weight[kept], storage.bits)()
    return shared


def weight_key(layer: str, tensors: Mapping[str, Tensor]) -> str:
    """The weights of ``layer`` in a state dict; matrices of an LSTM go by their own names.

    Raises:
        UnknownNameError: if there are none.
    """
    for key in (f"{layer}.weight", layer):
        if key in tensors:
            return key
    raise unknown_name("layer", layer, [n[:-7] for n in tensors if n.endswith(".weight")])


def compress(
    state: Mapping[str, Tensor], storage: Mapping[str, Storage], facts: Mapping[str, str]
) -> Compressed:
    """Prunes, shares and encodes the weights of layers; other tensors stay float32.

    Args:
        state: the network's state dict.
        storage: how the weights of layers are stored, by layer.
        facts: metadata of the file.

    Raises:
        UnknownNameError: if a layer has no weights in ``state``.
    """
    tensors = {
        name: tensor.detach().cpu().float()
        for name, tensor in state.items()
        if not name.endswith("num_batches_tracked")
    }
    full = FLOAT_BYTES * sum(tensor.numel() for tensor in tensors.values())
    index_bits, keys = {}, {layer: weight_key(layer, tensors) for layer in storage}
    for layer, how in storage.items():
        key = keys[layer]
        tensors[key] = share_weights(tensors[key], how)
        index_bits[key] = how.index_bits
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    data, sizes = pack(Archive(arrays, facts), index_bits)
    reports = [
        LayerReport(
            layer,
            tensors[keys[layer]].numel(),
            int(tensors[keys[layer]].count_nonzero()),
            sizes[keys[layer]],
        )
        for layer in storage
    ]
    return Compressed(data, full, tuple(reports))
