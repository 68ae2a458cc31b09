"""What a model wants to be fed with, and whether it gets that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import ArgumentError, DataError, WeightsError, unknown_name

if TYPE_CHECKING:
    from onnx import ModelProto

Feed = dict[str, NDArray[Any]]
"""A batch: an array by input name."""


@dataclass(frozen=True)
class Input:
    """An input of a model.

    Attributes:
        name: of the tensor.
        shape: sizes, None where the model takes any; the first is the batch.
        dtype: numpy's name of its type, e.g. ``"float32"``.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def __str__(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return f"{self.name!r} [{sizes}] {self.dtype}"

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of ``shape`` can be fed."""
        return len(shape) == len(self.shape) and all(
            wanted is None or size == wanted for size, wanted in zip(shape, self.shape, strict=True)
        )


def inputs_of(model: ModelProto) -> tuple[Input, ...]:
    """The inputs of ``model`` that are no constants.

    Raises:
        WeightsError: if one of them is no tensor.
    """
    from onnx import helper

    constants = {constant.name for constant in model.graph.initializer}
    found = []
    for entry in model.graph.input:
        if entry.name in constants:
            continue
        kind = entry.type.WhichOneof("value") or "nothing_type"
        if kind != "tensor_type":
            what = kind.removesuffix("_type").replace("_", " ")
            raise WeightsError(
                f"input {entry.name!r} of {model.graph.name!r} is of type {what}: only tensors can "
                "be fed"
            )
        tensor = entry.type.tensor_type
        sizes = (d.dim_value if d.HasField("dim_value") else 0 for d in tensor.shape.dim)
        dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        found.append(Input(entry.name, tuple(size or None for size in sizes), str(dtype)))
    return tuple(found)


def with_shapes(
    inputs: tuple[Input, ...], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[Input, ...]:
    """``inputs`` with sizes that the model leaves open filled in.

    Args:
        inputs: of the model.
        shapes: all sizes of some of them, by name.

    Raises:
        UnknownNameError: if the model has no such input.
        ArgumentError: if a shape contradicts the model's.
    """
    by_name = {entry.name: entry for entry in inputs}
    for name, shape in shapes.items():
        if name not in by_name:
            raise unknown_name("input", name, by_name)
        if not by_name[name].accepts(shape):
            raise ArgumentError(f"shape {shape} does not fit input {by_name[name]}")
    return tuple(Input(e.name, shapes.get(e.name, e.shape), e.dtype) for e in inputs)


def checked(feed: object, inputs: tuple[Input, ...], what: str) -> Feed:
    """``feed`` as arrays of the types that the model wants.

    Args:
        feed: what should be a batch.
        inputs: of the model.
        what: where it comes from, for messages.

    Raises:
        DataError: if it is no dictionary, names other inputs, or arrays have another shape or
            kind of number, or hold values that are not numbers.
    """
    if not isinstance(feed, Mapping):
        raise DataError(
            f"{what} is a {type(feed).__name__}, not a dictionary of input name to array"
        )
    wanted = ", ".join(str(entry) for entry in inputs)
    if set(feed) != {entry.name for entry in inputs}:
        names = ", ".join(repr(str(name)) for name in feed) or "nothing"
        raise DataError(f"{what} names {names}; the model's inputs are {wanted}")
    arrays = {entry.name: _array(feed[entry.name], entry, what) for entry in inputs}
    sizes = {len(array) for array in arrays.values() if array.ndim}
    if 0 in sizes:
        raise DataError(f"{what} is empty")
    return arrays


def _array(value: object, entry: Input, what: str) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists, tensors with gradients
        raise DataError(f"{what} holds no array for {entry}: {error}") from error
    if not entry.accepts(array.shape):
        raise DataError(f"{what} has shape {list(array.shape)} where the model wants {entry}")
    if not np.can_cast(array.dtype, entry.dtype, "same_kind"):
        raise DataError(f"{what} holds {array.dtype} where the model wants {entry}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DataError(f"{what} holds values for {entry.name!r} that are not finite")
    return array.astype(entry.dtype)
