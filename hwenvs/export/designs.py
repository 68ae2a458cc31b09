"""Designs as files, tried in onnxruntime beside the full network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwenvs.calibration.bench import Bench
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.errors import unknown_name
from hwenvs.export import tensors
from hwenvs.export.onnx_graph import IMAGES, to_onnx
from hwenvs.export.runtime import (
    accuracy_of,
    interleaved_latencies,
    open_session,
    run_session,
)
from hwenvs.export.writer import require_extra
from hwenvs.files import replacing

if TYPE_CHECKING:
    from onnx import ModelProto

FORMATS = ("onnx", "safetensors")
"""Kinds of files."""


@dataclass(frozen=True)
class Tried:
    """A model in onnxruntime.

    Attributes:
        accuracy: top-1 on the evaluation images, a fraction.
        latency_s: median seconds for one image.
        size: bytes of its file.
    """

    accuracy: float
    latency_s: float
    size: int


@dataclass(frozen=True)
class Exported:
    """An exported design.

    Attributes:
        full: the uncompressed network in float32.
        file: what the file holds.
        measured: top-1 of the environment's real network, a fraction.
    """

    full: Tried
    file: Tried
    measured: float


def check_format(name: str) -> None:
    """Says which format was meant.

    Raises:
        UnknownNameError: if there is no such format.
        MissingExtraError: without onnx or onnxruntime.
    """
    if name not in FORMATS:
        raise unknown_name("format", name, FORMATS)
    require_extra()


def write_network(
    folded: FoldedNetwork, path: Path, kind: str, facts: Mapping[str, Any]
) -> ModelProto:
    """Writes a network, in one atomic step, and returns the model that the file holds.

    Args:
        folded: the network.
        path: the file.
        kind: one of :data:`FORMATS`.
        facts: goes into the file's metadata.
    """
    if kind == "safetensors":
        tensors.save(folded, path, facts)
        return to_onnx(tensors.load(path))
    from onnx import helper

    model = to_onnx(folded)
    helper.set_model_props(model, {name: str(value) for name, value in facts.items()})
    with replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return model


def export_design(
    bench: Bench, design: Sequence[int], path: Path, kind: str = "onnx", repetitions: int = 100
) -> Exported:
    """Compresses the real network to ``design``, writes it, and tries the file.

    Args:
        bench: the real network and its images.
        design: one entry a decision.
        path: the file.
        kind: one of :data:`FORMATS`.
        repetitions: timed runs of each model, which take turns.

    Raises:
        DesignError: if the design does not fit the network.
    """
    check_format(kind)
    with bench.computing():
        folded = bench.family.compress(bench.reference, design)
    facts = {
        "design": [int(entry) for entry in design],
        "network": bench.network.name,
        "family": bench.family.name,
    }
    written = write_network(folded, path, kind, facts)
    full = to_onnx(bench.reference.folded)
    sessions = {
        "full": open_session(full),
        "file": open_session(path if kind == "onnx" else written),
    }
    feed = {IMAGES: bench.images[:1].float().contiguous().cpu().numpy()}
    seconds = interleaved_latencies(sessions, feed, repetitions)
    sizes = {"full": full.ByteSize(), "file": path.stat().st_size}
    tried = {
        name: Tried(
            accuracy_of(run_session(session, bench.images), bench.labels),
            seconds[name],
            sizes[name],
        )
        for name, session in sessions.items()
    }
    measured = accuracy_of(folded(bench.images.float()), bench.labels)
    return Exported(tried["full"], tried["file"], measured)
