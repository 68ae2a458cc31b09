"""Digests of what measurements rest on: layer table, weights, pixels and labels."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from hwenvs.canonical import digest
from hwenvs.networks.base import as_json

if TYPE_CHECKING:
    from hwenvs.calibration.bench import Bench


def weights_digest(bench: Bench) -> str:
    """sha256 of the folded weights, so that a table says which network it belongs to."""
    sha, folded = hashlib.sha256(), bench.reference.folded
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
    for tensor in tensors:
        # As images lie in memory, channels last: turning them around takes longer than hashing.
        rows = tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor
        sha.update(np.ascontiguousarray(rows.float().cpu().numpy()).data)
    return sha.hexdigest()
