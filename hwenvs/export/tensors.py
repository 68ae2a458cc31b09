"""Networks as safetensors files that hold everything: weights, gathers, levels and layer table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.quantized import QuantizedNetwork
from hwenvs.errors import WeightsError
from hwenvs.files import replacing
from hwenvs.networks import base
from hwenvs.networks.base import Layer, Network, Node, as_json
from hwenvs.networks.modules import read_weights

NODES: dict[str, type[Node]] = {
    kind.__name__: kind
    for kind in (
        Layer,
        base.Pool,
        base.Add,
        base.Concat,
        base.Pointwise,
        base.PadShortcut,
        base.Recurrent,
    )
}
"""Kinds of nodes by the name that files call them."""

FORMAT, VERSION = "hwenvs", "1"


def save(folded: FoldedNetwork, path: Path, facts: Mapping[str, Any] | None = None) -> None:
    """Writes a network, in one atomic step.

    Tensors are called ``weights/LAYER``, ``biases/LAYER`` and ``gathers/LAYER``; the layer table
    and the levels of quantized inputs are JSON in the metadata.

    Args:
        folded: the network.
        path: the file, ``.safetensors``.
        facts: what else to remember, e.g. the design; values become JSON.
    """
    from safetensors.torch import save_file

    tensors = {
        # Copied: two layers may gather the same channels, and files want tensors of their own.
        f"{kind}/{name}": tensor.detach().cpu().contiguous().clone()
        for kind in ("weights", "biases", "gathers")
        for name, tensor in getattr(folded, kind).items()
    }
    metadata = {name: json.dumps(value) for name, value in (facts or {}).items()}
    metadata |= {"format": FORMAT, "version": VERSION, "table": json.dumps(as_json(folded.network))}
    if isinstance(folded, QuantizedNetwork):
        metadata["grids"] = json.dumps(dict(folded.grids))
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata)


def load(path: Path) -> FoldedNetwork:
    """Reads a network written by :func:`save`; quantized ones round their inputs as before.

    Raises:
        WeightsError: if the file is missing, cannot be read, or is of another kind.
    """
    tensors, metadata = read_weights(path)
    if metadata.get("format") != FORMAT or metadata.get("version") != VERSION:
        raise WeightsError(f"{path} is no network of 'hwenvs export' (version {VERSION})")
    parts: dict[str, dict[str, torch.Tensor]] = {"weights": {}, "biases": {}, "gathers": {}}
    try:
        for key, tensor in tensors.items():
            kind, name = key.split("/", 1)
            maps = tensor.dim() == 4
            parts[kind][name] = (
                tensor.contiguous(memory_format=torch.channels_last) if maps else tensor
            )
        network = _network(json.loads(metadata["table"]))
        if "grids" not in metadata:
            return FoldedNetwork(network, **parts)
        levels = json.loads(metadata["grids"])
        grids = {name: (float(s), int(zero), int(most)) for name, (s, zero, most) in levels.items()}
        return QuantizedNetwork(network, **parts, grids=grids)
    except (KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{path} is damaged: {error!r}") from error


def load_facts(path: Path) -> dict[str, Any]:
    """What :func:`save` was told to remember.

    Raises:
        WeightsError: if the file is missing or cannot be read.
    """
    ours = ("format", "version", "table", "grids")
    metadata = read_weights(path)[1]
    return {name: json.loads(value) for name, value in metadata.items() if name not in ours}


def _network(entries: dict[str, Any]) -> Network:
    entries.pop("type")
    return Network(**{**entries, "nodes": tuple(_node(entry) for entry in entries["nodes"])})


def _node(entries: dict[str, Any]) -> Node:
    kind = NODES[entries.pop("type")]
    values: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in entries.items()
    }
    if "layers" in values:
        values["layers"] = tuple(_node(entry) for entry in values["layers"])
    return kind(**values)
