"""``hwenvs quantize``: an INT8 model from a few unlabelled inputs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hwenvs.cli import outputs
from hwenvs.cli.calibrate import DataOption, RowsOption, WeightsOption, parse_rows
from hwenvs.cli.console import output
from hwenvs.cli.progress import steps
from hwenvs.errors import ArgumentError
from hwenvs.text import counted

if TYPE_CHECKING:
    from onnx import ModelProto

    from hwenvs.calibration.images import Preprocessing
    from hwenvs.quantizing.flow import Quantized
    from hwenvs.quantizing.inputs import Amount
    from hwenvs.quantizing.signature import Feed, Input

ONNX = ".onnx"


def quantize(
    model: Annotated[str, typer.Argument(help="A model.onnx, or a network of the zoo.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file; default: NAME-int8.onnx in this folder.", callback=outputs.file
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(help="Folder with unlabelled images; default: the zoo network's data set."),
    ] = None,
    input_fn: Annotated[
        str,
        typer.Option(help="default (images), random, or module:function giving the n-th batch."),
    ] = "default",
    method: Annotated[
        str, typer.Option(help="Ranges of activations: minmax, percentile, mse or entropy.")
    ] = "mse",
    images: Annotated[int, typer.Option(min=1, help="Inputs to calibrate on.")] = 100,
    batch_size: Annotated[int, typer.Option(min=1, help="If the model leaves it open.")] = 10,
    shape: Annotated[
        list[str] | None,
        typer.Option(help="NAME=SIZE,SIZE,… of an input with open sizes; repeat for several."),
    ] = None,
    mean: Annotated[
        str, typer.Option(help="Taken from images in [0, 1]; of a model.onnx, per channel.")
    ] = "0.485,0.456,0.406",
    std: Annotated[str, typer.Option(help="That they are then divided by.")] = "0.229,0.224,0.225",
    data: DataOption = None,
    weights: WeightsOption = None,
    evaluation_rows: RowsOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of random inputs and kept values.")] = 0,
) -> None:
    """Quantize a network to 8 bits after training, without labels.

    Activations become uint8 on ranges that calibration inputs show, weights int8 per output
    channel.  Prints how much noise every layer got; for networks of the zoo the accuracy as well.

    Example: hwenvs quantize model.onnx --calibration photos --method entropy
    """
    from hwenvs.export.writer import require_extra
    from hwenvs.files import replacing
    from hwenvs.quantizing.flow import quantize_model
    from hwenvs.quantizing.inputs import DEFAULT, Amount
    from hwenvs.quantizing.ranges import check_method
    from hwenvs.quantizing.signature import inputs_of, with_shapes

    require_extra()
    check_method(method)
    path = out or Path(f"{Path(model).stem}-int8{ONNX}")
    outputs.file(path)
    if path.exists() and Path(model).is_file() and path.samefile(model):
        raise ArgumentError(f"--out {path} is the model to quantize: name another file")
    rows = parse_rows(evaluation_rows)
    if rows is not None:
        own = calibration is None and input_fn == DEFAULT
        _check_rows(model, rows, images if own else 0)
    original, preprocessing = _opened(model, data, weights)
    inputs = with_shapes(inputs_of(original), _shapes(shape or []))
    if preprocessing is None:
        preprocessing = _preprocessing(mean, std)
    feeds = _feeds(
        model, input_fn, calibration, inputs, preprocessing, Amount(images, batch_size), data, seed
    )
    with steps() as progress:
        quantized = quantize_model(original, feeds, method, seed, progress=progress)
    with replacing(path) as temporary:
        temporary.write_bytes(quantized.model.SerializeToString())
    output().print(_noise_table(quantized))
    output().print(
        _summary(quantized, feeds, _accuracies(model, quantized, preprocessing, data, rows))
    )
    output().print(f"wrote {path}", markup=False, soft_wrap=True)


def _opened(
    model: str, data: Path | None, weights: Path | None
) -> tuple[ModelProto, Preprocessing | None]:
    """The model; for a network of the zoo also how it wants its images."""
    from hwenvs.calibration.bench import open_network
    from hwenvs.export.onnx_graph import to_onnx
    from hwenvs.networks import get_network
    from hwenvs.quantizing.model import read_model

    if model.endswith(ONNX):
        return read_model(Path(model)), None
    folded, preprocessing = open_network(get_network(model), data, weights)
    return to_onnx(folded), preprocessing


def _feeds(
    model: str,
    input_fn: str,
    calibration: Path | None,
    inputs: tuple[Input, ...],
    preprocessing: Preprocessing,
    amount: Amount,
    data: Path | None,
    seed: int,
) -> list[Feed]:
    from dataclasses import replace

    from hwenvs.calibration.images import dataset_folder, find_dataset, load_images
    from hwenvs.quantizing import inputs as sources

    if input_fn == sources.RANDOM:
        return sources.random_batches(inputs, amount, seed)
    if input_fn != sources.DEFAULT:
        return sources.function_batches(input_fn, inputs, amount)
    if calibration is None and model.endswith(ONNX):
        raise ArgumentError("name a folder of images with --calibration, or pass --input-fn")
    channels, resolution = sources.image_shape(inputs)
    if preprocessing.channels != channels:
        raise ArgumentError(
            f"mean and std are of {preprocessing.channels} channels, the model reads {channels}"
        )
    preprocessing = replace(preprocessing, resolution=resolution)
    if calibration is not None:
        found = sources.folder_images(calibration, preprocessing, amount.images)
    else:
        folder, _, split = find_dataset(model)
        source = dataset_folder(folder, data)
        found, _ = load_images(source, split, range(amount.images), preprocessing)
    return sources.image_batches(found, inputs, amount)


def _accuracies(
    model: str,
    quantized: Quantized,
    preprocessing: Preprocessing,
    data: Path | None,
    rows: tuple[int, int] | None,
) -> tuple[float, float] | None:
    """Top-1 of both models, for a network of the zoo on the rows that are asked for."""
    from hwenvs.calibration.images import dataset_folder, find_dataset, load_images
    from hwenvs.export.runtime import accuracy_of, open_session, run_session

    if rows is None:
        return None
    folder, split, _ = find_dataset(model)
    images, labels = load_images(dataset_folder(folder, data), split, range(*rows), preprocessing)
    before, after = (
        accuracy_of(run_session(open_session(which), images), labels)
        for which in (quantized.original, quantized.model)
    )
    return before, after


def _check_rows(model: str, rows: tuple[int, int], calibrated: int) -> None:
    """Refuses rows to evaluate on where there are none, or that are calibrated on.

    ``calibrated`` is how many rows of the network's own data set are calibrated on.
    """
    from hwenvs.calibration.images import find_dataset

    if model.endswith(ONNX):
        raise ArgumentError("--evaluation-rows need a network of the zoo: a file has no data set")
    _, evaluation, calibration = find_dataset(model)
    if evaluation == calibration and rows[0] < calibrated:
        raise ArgumentError(
            f"rows 0 to {calibrated - 1} are calibrated on: evaluate on rows from {calibrated} on"
        )


def _shapes(words: list[str]) -> dict[str, tuple[int, ...]]:
    found = {}
    for text in words:
        name, separator, sizes = text.partition("=")
        parts = sizes.split(",")
        if not separator or not all(part.isdecimal() and int(part) > 0 for part in parts):
            raise ArgumentError(f"a shape looks like images=10,3,224,224, not {text!r}")
        found[name] = tuple(map(int, parts))
    return found


def _preprocessing(mean: str, std: str) -> Preprocessing:
    from hwenvs.calibration.images import Preprocessing

    try:
        means, deviations = (tuple(map(float, text.split(","))) for text in (mean, std))
    except ValueError:
        means, deviations = (), ()
    if not means or len(means) != len(deviations) or not all(value > 0 for value in deviations):
        raise ArgumentError(
            f"--mean and --std are numbers such as 0.5,0.5,0.5, not {mean!r} and {std!r}"
        )
    return Preprocessing(0, means, deviations)


def _noise_table(quantized: Quantized) -> Table:
    table = Table(title="Signal-to-noise ratio of every layer, dB")
    for heading in ("layer", "operator", "weights", "outputs"):
        table.add_column(heading, justify="left" if heading in ("layer", "operator") else "right")
    for layer in quantized.noise:
        ratios = (layer.weights, layer.outputs)
        table.add_row(layer.name, layer.kind, *map(_decibels, ratios))
    return table


def _decibels(ratio: float) -> str:
    return "exact" if math.isinf(ratio) and ratio > 0 else f"{ratio:.1f}"


def _summary(
    quantized: Quantized, feeds: list[Feed], accuracies: tuple[float, float] | None
) -> Table:
    sizes = [next((len(array) for array in feed.values() if array.ndim), 1) for feed in feeds]
    batch, count = sizes[0], sum(sizes)
    batches = counted(len(feeds), "batch", "batches")
    table = Table(title=f"Calibrated on {counted(count, 'input')}, {batches}")
    for heading in ("", "float32", "int8", "of it"):
        table.add_column(heading, justify="right" if heading else "left")
    if accuracies is not None:
        table.add_row("top-1", *(f"{accuracy:.2%}" for accuracy in accuracies), "")
    before, after = quantized.sizes
    table.add_row("bytes", f"{before:,}", f"{after:,}", f"{after / before:.1%}")
    before_s, after_s = quantized.seconds
    share = f"{after_s / before_s:.1%}"
    name = f"milliseconds, batch {batch}"
    table.add_row(name, f"{before_s * 1e3:.2f}", f"{after_s * 1e3:.2f}", share)
    return table
