"""The whole flow: a model and its calibration batches in, an INT8 model and its noise out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwenvs.export.runtime import interleaved_latencies, open_session
from hwenvs.quantizing.model import prepare, quantize
from hwenvs.quantizing.noise import LayerNoise, layer_noise
from hwenvs.quantizing.ranges import Progress, check_method, measure_ranges
from hwenvs.quantizing.signature import Feed

if TYPE_CHECKING:
    from onnx import ModelProto

COMPARED = 4
"""Batches that both models are compared on."""


@dataclass(frozen=True)
class Quantized:
    """A model in float32 and in 8 bits.

    Attributes:
        original: prepared for quantization.
        model: the same in 8 bits.
        noise: of every layer.
        sizes: bytes of both.
        seconds: median of both for one batch of the calibration, in onnxruntime, one thread.
    """

    original: ModelProto
    model: ModelProto
    noise: tuple[LayerNoise, ...]
    sizes: tuple[int, int]
    seconds: tuple[float, float]


def quantize_model(
    model: ModelProto,
    feeds: Sequence[Feed],
    method: str = "mse",
    seed: int = 0,
    repetitions: int = 20,
    progress: Progress | None = None,
) -> Quantized:
    """Quantizes ``model`` to 8 bits after training, on unlabelled inputs, and compares both.

    Noise is measured on the first batches of ``feeds``.

    Args:
        model: in float32.
        feeds: calibration batches, at least one.
        method: how ranges of activations are chosen, one of
            :data:`~hwenvs.quantizing.ranges.METHODS`.
        seed: of the values that ranges are chosen on.
        repetitions: timed runs of each model, which take turns.
        progress: called while it goes.

    Raises:
        UnknownNameError: if there is no such method.
        WeightsError: if the model is quantized already, has no layers, or cannot be loaded.
        DataError: if it cannot be run on the batches.
    """
    check_method(method)
    original = prepare(model)
    ranges = measure_ranges(original, feeds, method, seed, progress)
    quantized = quantize(original, ranges)
    noise = layer_noise(original, quantized, feeds[:COMPARED])
    # The rewriting against overflow fails on some models (transformers): time is time without it.
    sessions = {
        "original": open_session(original, overflow=True),
        "quantized": open_session(quantized, overflow=True),
    }
    seconds = interleaved_latencies(sessions, feeds[0], repetitions)
    return Quantized(
        original,
        quantized,
        noise,
        (original.ByteSize(), quantized.ByteSize()),
        (seconds["original"], seconds["quantized"]),
    )
