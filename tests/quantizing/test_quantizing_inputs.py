"""Promises of where calibration batches come from, and of what is said when they do not fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.calibration.images import Preprocessing
from hwenvs.errors import ArgumentError, DataError, UnknownNameError, WeightsError
from hwenvs.quantizing.inputs import (
    Amount,
    folder_images,
    function_batches,
    image_batches,
    image_shape,
    random_batches,
)
from hwenvs.quantizing.signature import Input, inputs_of, with_shapes

GREY = Preprocessing(8, (0.5,), (0.5,))
IMAGES = Input("images", (None, 1, 8, 8), "float32")
FIXED = Input("images", (5, 1, 8, 8), "float32")
PAIR = (Input("images", (None, 3, 8, 8), "float32"), Input("extra", (None, 5), "float32"))

FUNCTIONS = """
import numpy as np

def batch(n):
    return {"images": np.full((4, 1, 8, 8), n, np.float32)}

def short(n):
    return batch(n) if n < 2 else None

def nothing(n):
    return None

def misnamed(n):
    return {"pictures": np.zeros((4, 1, 8, 8), np.float32)}

def misshapen(n):
    return {"images": np.zeros((4, 8, 8, 1), np.float32)}

def array(n):
    return np.zeros((4, 1, 8, 8), np.float32)

def words(n):
    return {"images": np.full((4, 1, 8, 8), "a")}

def infinite(n):
    return {"images": np.full((4, 1, 8, 8), np.inf, np.float32)}

def empty(n):
    return {"images": np.zeros((0, 1, 8, 8), np.float32)}

def broken(n):
    raise KeyError("no such file")

def ragged(n):
    return {"images": [[1, 2], [3]]}

constant = 3
"""


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module with input functions in the current folder."""
    name = f"functions_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{name}.py").write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    return name


def test_a_model_says_its_inputs_without_its_constants(two_inputs: Any) -> None:
    assert inputs_of(two_inputs) == PAIR


def test_an_input_that_is_no_tensor_is_refused(two_inputs: Any) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.ModelProto()
    model.CopyFrom(two_inputs)
    sequence = onnx.helper.make_tensor_sequence_value_info("queue", onnx.TensorProto.FLOAT, None)
    model.graph.input.append(sequence)
    with pytest.raises(WeightsError, match="input 'queue' of 'two inputs' is of type sequence"):
        inputs_of(model)


def test_images_need_no_labels_and_may_lie_in_sub_folders(photos: Path) -> None:
    images = folder_images(photos, GREY, 100)
    assert images.shape == (12, 1, 8, 8)
    assert -1 <= images.min() < 0 < images.max() <= 1
    assert folder_images(photos, GREY, 5).equal(images[:5])


def test_batches_have_the_size_that_the_model_fixes(photos: Path) -> None:
    images = folder_images(photos, GREY, 100)
    amount = Amount(100, 8)
    assert [len(f["images"]) for f in image_batches(images, (IMAGES,), amount)] == [8, 4]
    assert [len(f["images"]) for f in image_batches(images, (FIXED,), amount)] == [5, 5]
    with pytest.raises(DataError, match="3 images cannot fill a batch"):
        image_batches(images[:3], (FIXED,), amount)
    with pytest.raises(DataError, match="1 image cannot fill a batch"):
        image_batches(images[:1], (FIXED,), amount)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no image"):
        folder_images(tmp_path, GREY, 10)
    with pytest.raises(DataError, match="does not exist"):
        folder_images(tmp_path / "missing", GREY, 10)
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"broken\.png cannot be read"):
        folder_images(tmp_path, GREY, 10)


def test_an_image_that_would_fill_the_memory_is_refused(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 31)  # refused from twice as many on
    with pytest.raises(DataError, match=r"0\.png cannot be read as an image: .*64 pixels"):
        folder_images(photos, GREY, 10)


@pytest.mark.parametrize(
    "inputs", [PAIR, (Input("x", (None, 5), "float32"),), (Input("x", (1, 3, None, 8), "float32"),)]
)
def test_images_are_refused_for_what_reads_no_images(inputs: tuple[Input, ...]) -> None:
    with pytest.raises(DataError, match="--input-fn"):
        image_shape(inputs)


def test_random_batches_are_the_same_for_the_same_seed() -> None:
    inputs = (*PAIR, Input("tokens", (None, 7), "int64"))
    feeds, again = (random_batches(inputs, Amount(25, 10), seed=3) for _ in range(2))
    assert [feed["images"].shape for feed in feeds] == [(10, 3, 8, 8)] * 3
    assert feeds[0]["tokens"].dtype == np.int64
    assert set(np.unique(feeds[0]["tokens"])) == {0, 1}
    for feed, other in zip(feeds, again, strict=True):
        assert all(np.array_equal(feed[name], other[name]) for name in feed)
    assert not np.array_equal(
        feeds[0]["images"], random_batches(inputs, Amount(25, 10), seed=4)[0]["images"]
    )


def test_open_sizes_are_asked_for_and_filled_in() -> None:
    inputs = (Input("x", (None, 3, None, None), "float32"),)
    with pytest.raises(DataError, match=r"'x' \[any, 3, any, any\].*--shape"):
        random_batches(inputs, Amount())
    filled = with_shapes(inputs, {"x": (2, 3, 16, 16)})
    assert random_batches(filled, Amount(4))[0]["x"].shape == (2, 3, 16, 16)
    with pytest.raises(ArgumentError, match="does not fit"):
        with_shapes(inputs, {"x": (2, 4, 16, 16)})
    with pytest.raises(UnknownNameError, match="unknown input 'y'"):
        with_shapes(inputs, {"y": (1,)})


def test_a_function_gives_the_nth_batch_until_it_ends(functions: str) -> None:
    feeds = function_batches(f"{functions}:batch", (IMAGES,), Amount(30, 10))
    assert [feed["images"][0, 0, 0, 0] for feed in feeds] == [0, 1, 2]
    assert len(function_batches(f"{functions}:short", (IMAGES,), Amount(30, 10))) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", r"nothing(0) is None"),
        ("misnamed", r"names 'pictures'; the model's inputs are 'images' [any, 1, 8, 8] float32"),
        ("misshapen", r"has shape [4, 8, 8, 1] where the model wants 'images' [any, 1, 8, 8]"),
        ("array", r"is a ndarray, not a dictionary"),
        ("words", r"holds <U1 where the model wants"),
        ("infinite", r"not finite"),
        ("empty", r"is empty"),
        ("ragged", r"ragged(0) holds no array for 'images' [any, 1, 8, 8] float32: "),
        ("broken", r"broken(0) raised KeyError: 'no such file'"),
    ],
)
def test_what_a_function_returns_is_checked(functions: str, name: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        function_batches(f"{functions}:{name}", (IMAGES,), Amount())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("batches", "is 'default', 'random' or 'module:function', not 'batches'"),
        ("no_such_module:batch", "no module 'no_such_module'"),
        ("{}:absent", "has no 'absent'"),
        ("{}:constant", "cannot be called"),
    ],
)
def test_a_function_that_is_not_there_is_named(functions: str, words: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        function_batches(words.format(functions), (IMAGES,), Amount())
