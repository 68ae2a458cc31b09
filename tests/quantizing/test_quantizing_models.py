"""Promises of INT8 models: what they hold, how far they are from the original."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.errors import DataError, UnknownNameError, WeightsError
from hwenvs.export.onnx_graph import to_onnx
from hwenvs.export.runtime import accuracy_of, open_session, run_session
from hwenvs.quantizing.flow import quantize_model
from hwenvs.quantizing.inputs import Amount, random_batches
from hwenvs.quantizing.model import prepare, quantize, read_model
from hwenvs.quantizing.noise import Power, layer_noise
from hwenvs.quantizing.ranges import METHODS, float_tensors, measure_ranges
from hwenvs.quantizing.signature import inputs_of


@pytest.fixture(scope="module")
def digits() -> tuple[Any, Any]:
    """A digits network as a model, and its bench."""
    from hwenvs.calibration.bench import open_bench
    from hwenvs.compression.recipe import Recipe

    bench = open_bench("digits_resnet", range(60), range(300), Recipe(points=4))
    return to_onnx(bench.reference.folded), bench


@pytest.mark.parametrize("method", METHODS)
def test_a_real_network_keeps_its_accuracy_in_8_bits(digits: tuple[Any, Any], method: str) -> None:
    model, bench = digits
    feeds = [{"images": bench.reference.images.numpy()}]
    quantized = quantize_model(model, feeds, method, repetitions=1)
    full, low = (
        accuracy_of(run_session(open_session(which), bench.images), bench.labels)
        for which in (model, quantized.model)
    )
    assert low > full - 0.02
    assert quantized.sizes[1] < 0.6 * quantized.sizes[0]
    assert all(15 < layer.outputs < 60 and layer.weights > 25 for layer in quantized.noise)
    assert [layer.name for layer in quantized.noise] == [
        layer.name for layer in bench.network.layers
    ]


def test_weights_are_int8_per_channel_and_activations_uint8(two_inputs: Any) -> None:
    onnx = pytest.importorskip("onnx")
    model = quantize_model(two_inputs, random_batches(inputs_of(two_inputs), Amount())).model
    constants = {c.name: onnx.numpy_helper.to_array(c) for c in model.graph.initializer}
    stored = [array for array in constants.values() if array.dtype == np.int8 and array.ndim > 1]
    assert sorted(array.shape for array in stored) == [(8, 3, 3, 3), (8, 5)]
    assert constants["W_scale"].shape == (8,)
    zeros = [c for n, c in constants.items() if n.endswith("zero_point") and n[0] not in "WV"]
    assert {array.dtype for array in zeros} == {np.dtype(np.uint8)}


def test_files_are_valid_and_known_as_quantized(two_inputs: Any, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "int8.onnx"
    model = quantize_model(two_inputs, random_batches(inputs_of(two_inputs), Amount())).model
    onnx.save(model, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    with pytest.raises(WeightsError, match="quantized already"):
        prepare(read_model(path))


def test_several_inputs_and_any_batch_work(two_inputs: Any) -> None:
    inputs = inputs_of(two_inputs)
    quantized = quantize_model(two_inputs, random_batches(inputs, Amount(40, 8)))
    for size in (1, 3):
        (feed,) = random_batches(inputs, Amount(size, size), seed=9)
        exact, rough = (
            open_session(model).run(None, feed)[0] for model in (two_inputs, quantized.model)
        )
        assert rough.shape == exact.shape == (size, 5)
        assert np.abs(rough - exact).max() < 0.1 * np.abs(exact).max()


def test_noise_is_that_of_outputs_behind_the_merged_activation(two_inputs: Any) -> None:
    feeds = random_batches(inputs_of(two_inputs), Amount(10))
    original = prepare(two_inputs)
    quantized = quantize(original, measure_ranges(original, feeds, "minmax"))
    noise = {layer.name: layer for layer in layer_noise(original, quantized, feeds)}
    assert next(iter(noise)) == "conv"
    assert len(noise) == 2
    scale = np.abs(weights_of(original, "W")).max((1, 2, 3), keepdims=True) / 127
    rounded = np.rint(weights_of(original, "W") / scale) * scale
    power = Power()
    power.add(weights_of(original, "W"), rounded)
    assert noise["conv"].weights == pytest.approx(power.decibels, abs=0.05)
    assert 30 < noise["conv"].outputs < 60


def test_nodes_without_a_name_are_told_apart(two_inputs: Any) -> None:
    onnx = pytest.importorskip("onnx")
    nameless = onnx.ModelProto()
    nameless.CopyFrom(two_inputs)
    for node in nameless.graph.node:
        node.name = "MatMul_0" if node.op_type == "Conv" else ""
    feeds = random_batches(inputs_of(two_inputs), Amount(20))
    wanted, found = (quantize_model(m, feeds, repetitions=1) for m in (two_inputs, nameless))
    assert [layer.name for layer in found.noise] == ["MatMul_0", "MatMul_1/MatMulAddFusion"]
    names = [node.name for node in found.original.graph.node]
    assert len(set(names)) == len(names)
    assert {node.name for node in nameless.graph.node} == {"MatMul_0", ""}  # as it was given
    ratios = [[(layer.weights, layer.outputs) for layer in q.noise] for q in (wanted, found)]
    assert ratios[0] == ratios[1]
    assert ratios[0][0] != ratios[0][1]


def weights_of(model: Any, name: str) -> np.ndarray:
    onnx = pytest.importorskip("onnx")
    return next(onnx.numpy_helper.to_array(c) for c in model.graph.initializer if c.name == name)


def test_decibels_by_hand() -> None:
    power = Power()
    power.add(np.array([3.0, 4.0], np.float32), np.array([3.0, 3.5], np.float32))
    assert power.decibels == pytest.approx(20.0)
    assert Power(1.0, 0.0).decibels == math.inf


def test_ranges_are_extremes_or_less_and_hold_zero(two_inputs: Any) -> None:
    original = prepare(two_inputs)
    feeds = random_batches(inputs_of(two_inputs), Amount(30))
    extremes = measure_ranges(original, feeds, "minmax")
    assert set(extremes) == set(float_tensors(original)) >= {"images", "extra", "active", "out"}
    assert extremes["images"][0] == min(feed["images"].min() for feed in feeds)
    for method in METHODS:
        for name, (low, high) in measure_ranges(original, feeds, method).items():
            assert extremes[name][0] <= low <= 0 < high <= extremes[name][1], (method, name)
    widths = {m: np.ptp(measure_ranges(original, feeds, m)["images"]) for m in METHODS}
    assert widths["percentile"] < widths["minmax"]


def test_batch_norms_are_folded_before_quantization(two_inputs: Any) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.ModelProto()
    model.CopyFrom(two_inputs)
    names = ["scale", "bias", "mean", "variance"]
    values = [np.full(8, v, np.float32) for v in (2.0, 0.1, 0.2, 0.5)]
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(v, n) for n, v in zip(names, values, strict=True)
    )
    norm = onnx.helper.make_node("BatchNormalization", ["maps", *names], ["normed"], "norm")
    model.graph.node.insert(1, norm)
    model.graph.node[2].input[0] = "normed"
    kinds = [node.op_type for node in prepare(model).graph.node]
    assert "Conv" in kinds
    assert "BatchNormalization" not in kinds


def test_what_cannot_be_quantized_is_refused(two_inputs: Any, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    feeds = random_batches(inputs_of(two_inputs), Amount(10))
    with pytest.raises(UnknownNameError, match=r"unknown method 'mss'\. Did you mean 'mse'"):
        quantize_model(two_inputs, feeds, "mss")
    done = quantize_model(two_inputs, feeds, repetitions=1).model
    with pytest.raises(WeightsError, match="quantized already"):
        quantize_model(done, feeds)
    bare = onnx.ModelProto()
    bare.CopyFrom(two_inputs)
    del bare.graph.node[:5]
    with pytest.raises(WeightsError, match="no layer to quantize"):
        prepare(bare)
    (tmp_path / "text.onnx").write_text("no model")
    for name in ("text.onnx", "missing.onnx"):
        with pytest.raises(WeightsError, match=f"cannot read .*{name}"):
            read_model(tmp_path / name)


def product(inputs: str, given: str, dtype: type) -> Any:
    """A product of ``x`` and the weights ``w``, all [4, 4]; ``given`` are fed."""
    onnx = pytest.importorskip("onnx")
    helper, weights = onnx.helper, np.full((4, 4), 0.5, dtype)
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    graph = helper.make_graph(
        [helper.make_node("MatMul", inputs, ["y"], "only")],
        "product",
        [helper.make_tensor_value_info(name, element, [4, 4]) for name in given],
        [helper.make_tensor_value_info("y", element, [4, 4])],
        [] if "w" in given else [onnx.numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize(
    ("inputs", "given", "dtype"),
    [
        pytest.param("xw", "x", np.float16, id="half precision"),
        pytest.param("xw", "xw", np.float32, id="weights that are fed"),
        pytest.param("wx", "x", np.float32, id="weights on the left"),
    ],
)
def test_a_model_without_weights_to_quantize_is_refused(
    inputs: str, given: str, dtype: type
) -> None:
    with pytest.raises(WeightsError, match="'product' has no layer whose weights are constant"):
        prepare(product(inputs, given, dtype))
    assert prepare(product("xw", "x", np.float32)).graph.node[0].name == "only"


def test_what_onnxruntime_cannot_load_gets_no_traceback(
    two_inputs: Any, caplog: pytest.LogCaptureFixture
) -> None:
    onnx = pytest.importorskip("onnx")
    odd = onnx.ModelProto()
    odd.CopyFrom(two_inputs)
    odd.graph.node[1].domain = "mine"
    odd.opset_import.append(onnx.helper.make_opsetid("mine", 1))
    feeds = random_batches(inputs_of(odd), Amount(10))
    with pytest.raises(WeightsError, match="onnxruntime cannot load two inputs"):
        quantize_model(odd, feeds)
    assert not caplog.records


def test_a_batch_that_the_model_refuses_is_named(two_inputs: Any) -> None:
    (feed,) = random_batches(inputs_of(two_inputs), Amount(4, 4))
    with pytest.raises(DataError, match="cannot be run on batch 0"):
        quantize_model(two_inputs, [{**feed, "extra": feed["extra"][:3]}])
