"""What values tensors take on calibration inputs, and where 8 bits cut them off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from hwenvs.compression.clipping import CLIPPINGS
from hwenvs.errors import DataError, unknown_name
from hwenvs.export.runtime import open_session
from hwenvs.quantizing.signature import Feed

if TYPE_CHECKING:
    from onnx import ModelProto

METHODS = {"minmax": "minmax", "percentile": "percentile", "mse": "mse", "entropy": "kl"}
"""Ways to choose a range, and their names in :data:`~hwenvs.compression.clipping.CLIPPINGS`."""

VALUES = 65_536
"""Values of a tensor that are kept to choose its range on, besides the extremes."""

BITS = 8.0

Ranges = dict[str, tuple[float, float]]
"""Smallest and largest level by tensor; 0 lies between them."""

Progress = Callable[[str, int, int], None]


def check_method(name: str) -> None:
    """Says which method was meant.

    Raises:
        UnknownNameError: if there is no such method.
    """
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)


def with_outputs(model: ModelProto, names: Sequence[str]) -> ModelProto:
    """A copy of ``model`` that puts out the tensors ``names``, and nothing else."""
    from onnx import ModelProto as Model
    from onnx import helper

    copy = Model()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return copy


def float_tensors(model: ModelProto) -> list[str]:
    """float32 tensors that operators read or write and that are no constants, inputs first.

    ``model`` must have gone through shape inference.
    """
    from onnx import TensorProto

    constants = {constant.name for constant in model.graph.initializer}
    entries = [*model.graph.input, *model.graph.value_info, *model.graph.output]
    kinds = {entry.name: entry.type.tensor_type.elem_type for entry in entries}
    used = {name for node in model.graph.node for name in (*node.input, *node.output)}
    return [
        name
        for name, kind in kinds.items()
        if kind == TensorProto.FLOAT and name in used and name not in constants
    ]


def measure_ranges(
    model: ModelProto,
    feeds: Sequence[Feed],
    method: str,
    seed: int = 0,
    progress: Progress | None = None,
) -> Ranges:
    """Ranges of all float32 tensors of ``model`` on ``feeds``.

    A tensor's extremes and up to 65,536 values drawn from all batches are kept; the range is chosen
    on them for an affine grid of 8 bits (:mod:`hwenvs.compression.clipping`).

    Args:
        model: after shape inference.
        feeds: calibration batches.
        method: one of :data:`METHODS`.
        seed: of the drawn values.
        progress: called after every batch and every tensor.

    Raises:
        UnknownNameError: if there is no such method.
        DataError: if the model cannot be run on a batch, or computes values that are not finite.
    """
    check_method(method)
    kept = _kept_values(model, feeds, seed, progress)
    choose, bits, ranges = CLIPPINGS[METHODS[method]], torch.tensor(BITS), Ranges()
    for done, (name, parts) in enumerate(kept.items(), 1):
        rows = torch.from_numpy(np.concatenate(parts))[None]
        low, high = choose(rows, bits, False)
        ranges[name] = (float(low), float(high))
        if progress is not None:
            progress("choosing ranges", done, len(kept))
    return ranges


def _kept_values(
    model: ModelProto, feeds: Sequence[Feed], seed: int, progress: Progress | None
) -> dict[str, list[NDArray[Any]]]:
    names, given = float_tensors(model), {entry.name for entry in model.graph.input}
    computed = [name for name in names if name not in given]
    session = open_session(with_outputs(model, computed), exact=True)
    random, share = np.random.default_rng(seed), -(-VALUES // len(feeds))
    kept: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for number, feed in enumerate(feeds):
        values = {name: feed[name] for name in names if name in given}
        values |= zip(computed, run(session, feed, f"batch {number}"), strict=True)
        for name, value in values.items():
            flat = value.ravel()
            if not np.isfinite(flat).all():
                raise DataError(f"tensor {name!r} is not finite on batch {number}")
            if flat.size:
                drawn = flat if flat.size <= share else flat[random.integers(flat.size, size=share)]
                kept[name] += [drawn, np.array([flat.min(), flat.max()])]
        if progress is not None:
            progress("calibrating", number + 1, len(feeds))
    return {name: parts for name, parts in kept.items() if parts}


def run(session: Any, feed: Feed, what: str) -> list[NDArray[Any]]:
    """Outputs of a session of onnxruntime.

    Raises:
        DataError: if it refuses ``feed``.
    """
    try:
        outputs: list[NDArray[Any]] = session.run(None, feed)
    except Exception as error:
        raise DataError(f"the model cannot be run on {what}: {error}") from error
    return outputs
