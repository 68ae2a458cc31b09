"""INT8 models: read, prepare, put QuantizeLinear and DequantizeLinear around every layer."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from hwenvs.errors import WeightsError
from hwenvs.quantizing.ranges import Ranges

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators that are layers: they hold weights."""

OPSET = 13
"""The first operator set with a scale per output channel."""


def read_model(path: Path) -> ModelProto:
    """The ONNX model of a file.

    Raises:
        WeightsError: if the file is missing or holds none.
    """
    import onnx

    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"cannot read {path} as an ONNX model: {reason}") from error
    return model


def prepare(model: ModelProto) -> ModelProto:
    """``model`` with batch norms folded, constants computed and all shapes that can be inferred.

    Nodes without a name, which ONNX allows, get one: that is what tells them apart from here on.

    Raises:
        WeightsError: if it is quantized already, holds no layer with constant float32 weights, or
            onnxruntime refuses it.
    """
    from onnx import ModelProto as Model
    from onnx import load, save, version_converter
    from onnxruntime.quantization.shape_inference import quant_pre_process

    kinds = {node.op_type for node in model.graph.node}
    if "QuantizeLinear" in kinds or "DequantizeLinear" in kinds:
        raise WeightsError(f"{model.graph.name!r} is quantized already")
    if not kinds & set(LAYERS):
        raise WeightsError(f"{model.graph.name!r} has no layer to quantize: {', '.join(LAYERS)}")
    if any(
        entry.domain in ("", "ai.onnx") and entry.version < OPSET for entry in model.opset_import
    ):
        model = version_converter.convert_version(model, OPSET)
    named = Model()
    named.CopyFrom(model)
    _name_nodes(named)  # onnxruntime would give all nameless nodes that it fuses the same name
    with TemporaryDirectory() as folder, _quiet():
        before, after = (Path(folder) / name for name in ("before.onnx", "after.onnx"))
        save(named, before)
        try:
            quant_pre_process(before, after, skip_symbolic_shape=True)
        except Exception as error:
            raise WeightsError(f"onnxruntime cannot prepare the model: {error}") from error
        prepared = load(after)
    _name_nodes(prepared)  # those that were made on the way
    if not layers_of(prepared):
        raise WeightsError(
            f"{model.graph.name!r} has no layer whose weights are constant, float32 and its second "
            f"input: {', '.join(LAYERS)}"
        )
    return prepared


def quantize(model: ModelProto, ranges: Ranges) -> ModelProto:
    """A model in 8 bits, in onnxruntime's QDQ format.

    Weights become int8, symmetric, with a scale per output channel; activations uint8 with a zero
    point; biases int32.

    Args:
        model: from :func:`prepare`.
        ranges: of its float32 tensors.

    Returns:
        A new model, valid for ``onnx.checker``.
    """
    from onnx import ModelProto as Model
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorData, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.registry import QDQRegistry

    copy = Model()
    copy.CopyFrom(model)
    data = {
        name: TensorData(lowest=np.float32(low), highest=np.float32(high))
        for name, (low, high) in ranges.items()
    }
    with _quiet():
        quantizer = QDQQuantizer(
            copy,
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=TensorsData(CalibrationMethod.MinMax, data),
            nodes_to_quantize=[],
            nodes_to_exclude=[],
            op_types_to_quantize=list(QDQRegistry),
            extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
        )
        quantizer.quantize_model()
        quantizer.model.topological_sort()  # ONNX wants what is read before its reader
    quantized: ModelProto = quantizer.model.model
    quantized.producer_name = "hwenvs"
    return quantized


def layers_of(model: ModelProto) -> list[NodeProto]:
    """Operators with constant float32 weights, in order."""
    from onnx import TensorProto

    constants = {c.name for c in model.graph.initializer if c.data_type == TensorProto.FLOAT}
    return [
        node
        for node in model.graph.node
        if node.op_type in LAYERS and any(name in constants for name in node.input[1:2])
    ]


def _name_nodes(model: ModelProto) -> None:
    """Names nodes without a name after their operator and a number, such as ``Conv_0``."""
    taken = {node.name for node in model.graph.node}
    numbers: defaultdict[str, Iterator[int]] = defaultdict(count)
    for node in model.graph.node:
        if not node.name:
            names = (f"{node.op_type}_{number}" for number in numbers[node.op_type])
            node.name = next(name for name in names if name not in taken)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps onnxruntime's advice about its own scripts and its tracebacks off the screen."""
    root, theirs = logging.getLogger(), logging.getLogger("onnxruntime")
    before, nowhere = (root.disabled, theirs.propagate), logging.NullHandler()
    root.disabled, theirs.propagate = True, False
    theirs.addHandler(nowhere)
    try:
        yield
    finally:
        root.disabled, theirs.propagate = before
        theirs.removeHandler(nowhere)
