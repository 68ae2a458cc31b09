"""Small models made by hand, and images on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _onnx() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve grey images of 8 x 8 pixels, in two sub-folders."""
    image = pytest.importorskip("PIL.Image")
    random = np.random.default_rng(0)
    for number in range(12):
        folder = tmp_path / "photos" / str(number % 2)
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (8, 8), dtype=np.uint8)
        image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture(scope="session")
def two_inputs() -> object:
    """``relu(images * W) @ V + extra``: images [any, 3, 8, 8], extra [any, 5]."""
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    random = np.random.default_rng(1)

    def constant(name: str, *shape: int) -> object:
        return numpy_helper.from_array(random.normal(size=shape).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["images", "W"], ["maps"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["maps"], ["active"], "relu"),
        helper.make_node("GlobalAveragePool", ["active"], ["pooled"], "pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], "flat"),
        helper.make_node("MatMul", ["flat", "V"], ["product"], "matrix"),
        helper.make_node("Add", ["product", "extra"], ["out"], "sum"),
    ]

    def info(name: str, *shape: object) -> object:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))

    graph = helper.make_graph(
        nodes,
        "two inputs",
        [info("images", "n", 3, 8, 8), info("extra", "n", 5)],
        [info("out", "n", 5)],
        [constant("W", 8, 3, 3, 3), constant("V", 8, 5)],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="tests"
    )
