"""Digests of what measurements rest on: layer table, weights, pixels and labels."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from hwenvs.canonical import digest
from hwenvs.networks.base import as_json

if TYPE_CHECKING:
    from hwenvs.calibration.bench import Bench
    from hwenvs.compression.folding import FoldedNetwork


def weights_digest(bench: Bench) -> str:
    """sha256 of the folded weights, so that a table says which network it belongs to."""
    return _digest_of_network(bench.reference.folded)


def lesson_digest(images: Tensor, labels: Tensor, teacher: FoldedNetwork | None = None) -> str:
    """sha256 of what is learnt from: images ``[N, C, S, S]``, labels, and a teacher's weights."""
    taught = "" if teacher is None else _digest_of_network(teacher)
    return digest([digest_of(images, labels), taught])


def _digest_of_network(folded: FoldedNetwork) -> str:
    sha = hashlib.sha256()
    for name in sorted(folded.weights):
        sha.update(name.encode())
        sha.update(folded.weights[name].contiguous().cpu().numpy().tobytes())
        sha.update(folded.biases[name].cpu().numpy().tobytes())
    return sha.hexdigest()


def table_digest(bench: Bench) -> str:
    """sha256 of the layer table: activations, strides and padding, which weights do not tell."""
    return digest(as_json(bench.reference.folded.network))


def digest_of(*tensors: Tensor) -> str:
    """sha256 of ``tensors`` as float32: images ``[N, C, R, R]``, labels."""
    sha = hashlib.sha256()
    for part in (part for tensor in tensors for part in torch.split(tensor, 1000)):
        # As images lie in memory, channels last: turning them around takes longer than hashing.
        rows = part.permute(0, 2, 3, 1) if part.dim() == 4 else part
        sha.update(np.ascontiguousarray(rows.float().cpu().numpy()).data)
    return sha.hexdigest()
