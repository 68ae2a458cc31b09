"""Collects the operators and constants of an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import MissingExtraError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

OPSET, IR_VERSION = 21, 10
"""The first operator set with 4-bit constants, and the file version that goes with it."""

FLOAT = 1
"""``onnx.TensorProto.FLOAT``."""


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Attributes:
        name: of the tensor.
        rank: 4 for maps ``[N, C, H, W]``, 2 for vectors ``[N, C]``.
        channels: C.
    """

    name: str
    rank: int
    channels: int


@dataclass
class GraphWriter:
    """Operators and constants, in the order in which they were added.

    Every operator writes a tensor of its own name.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, TensorProto] = field(default_factory=dict)

    def op(self, kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Adds an operator with one output; returns the name of both."""
        return self.ops(kind, inputs, name, [name], **attributes)[0]

    def ops(
        self, kind: str, inputs: Sequence[str], name: str, outputs: Sequence[str], **attributes: Any
    ) -> list[str]:
        """Adds an operator; returns its outputs."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, list(inputs), list(outputs), name, **attributes))
        return list(outputs)

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Adds a constant; of one name there is one."""
        from onnx import numpy_helper

        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(values.copy(order="C"), name)
        return name

    def narrow(self, name: str, values: NDArray[np.int8]) -> str:
        """Adds whole numbers from -8 to 7, two a byte."""
        import ml_dtypes

        return self.constant(name, values.astype(ml_dtypes.int4))

    def scalar(self, name: str, value: float) -> str:
        """Adds a float32 scalar."""
        return self.constant(name, np.array(value, np.float32))

    def level(self, name: str, value: int) -> str:
        """Adds a scalar from 0 to 255."""
        return self.constant(name, np.array(value, np.uint8))

    def integers(self, name: str, *values: int) -> str:
        """Adds a vector of int64."""
        return self.constant(name, np.array(values, np.int64))

    def model(
        self, title: str, inputs: dict[str, Sequence[Any]], outputs: dict[str, Sequence[Any]]
    ) -> ModelProto:
        """The finished model, checked.

        Args:
            title: name of the graph.
            inputs: shapes of the float32 inputs by name; text is an unknown size.
            outputs: the same of the outputs.
        """
        from onnx import checker, helper

        def infos(shapes: dict[str, Sequence[Any]]) -> list[ValueInfoProto]:
            return [helper.make_tensor_value_info(n, FLOAT, s) for n, s in shapes.items()]

        graph = helper.make_graph(
            self.nodes, title, infos(inputs), infos(outputs), list(self.constants.values())
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="hwenvs"
        )
        checker.check_model(model)
        return model


def require_extra() -> None:
    """Says what to install where the packages of this room are missing.

    Raises:
        MissingExtraError: without onnx or onnxruntime.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"exporting needs {error.name}: pip install 'hwenvs[export]'"
        ) from error
