"""Exported models in onnxruntime: outputs, accuracy, and time on this machine."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwenvs.errors import WeightsError
from hwenvs.export.writer import require_extra

if TYPE_CHECKING:
    from onnx import ModelProto
    from onnxruntime import InferenceSession

AT_ONCE = 64
"""Images at a time where time does not matter."""

WARM_UP = 5
"""Runs that are not timed."""


def open_session(
    model: ModelProto | Path, threads: int = 1, exact: bool = False, overflow: bool = False
) -> InferenceSession:
    """The model in onnxruntime, on the processor.

    Args:
        model: the model, or its file.
        threads: of each operator.
        exact: compute operator by operator as the model says: nothing is fused, integer kernels
            are not used, biases are not rounded.
        overflow: whether sums of integer kernels may overflow, as they do on x86 without VNNI
            unless weights are rewritten: enough where outputs do not matter.

    Raises:
        WeightsError: if onnxruntime cannot load the model.
        MissingExtraError: without onnxruntime.
    """
    require_extra()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    if _overflows() and not overflow:
        options.add_session_config_entry("session.x64quantprecision", "1")
    if exact:
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = level
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    try:
        return onnxruntime.InferenceSession(source, options, ["CPUExecutionProvider"])
    except Exception as error:
        what = model if isinstance(model, Path) else model.graph.name
        raise WeightsError(f"onnxruntime cannot load {what}: {error}") from error


def run_session(session: InferenceSession, images: Tensor, at_once: int = AT_ONCE) -> Tensor:
    """Logits ``[N, classes]`` of ``images [N, C, R, R]``, a few images at a time."""
    (name,) = (entry.name for entry in session.get_inputs())
    parts = [
        session.run(None, {name: part.float().cpu().numpy()})[0]
        for part in torch.split(images, at_once)
    ]
    return torch.from_numpy(np.concatenate(parts))


def accuracy_of(logits: Tensor, labels: Tensor) -> float:
    """Fraction of ``labels [N]`` that have the largest of ``logits [N, classes]``."""
    return float((logits.argmax(1) == labels.cpu()).float().mean())


def interleaved_latencies(
    sessions: Mapping[str, InferenceSession],
    feed: Mapping[str, NDArray[Any]],
    repetitions: int,
) -> dict[str, float]:
    """Median seconds of a run by session.

    Sessions take turns, so that a busy moment of the machine meets all of them.

    Args:
        sessions: the models by name.
        feed: an array by input name, the same for all.
        repetitions: timed runs of each.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    for repetition in range(WARM_UP + repetitions):
        for name, session in sessions.items():
            started = time.perf_counter()
            session.run(None, feed)
            if repetition >= WARM_UP:
                seconds[name].append(time.perf_counter() - started)
    return {name: median(times) for name, times in seconds.items()}


def _overflows() -> bool:
    """Whether the processor may sum up products of int8 in 16 bits: x86 without VNNI."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    information = Path("/proc/cpuinfo")
    return not information.is_file() or "vnni" not in information.read_text(encoding="utf-8")
