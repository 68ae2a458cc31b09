"""Runs a network in a runtime and times it: every layer where it stands, or the whole.

Whole runs on one thread are timed by the thread's processor time, which stands still while another
program has the core; runs on several threads by the wall clock.
"""

from __future__ import annotations

import json
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.errors import ArgumentError, MissingExtraError, unknown_name
from hwenvs.export.onnx_graph import IMAGES, to_onnx
from hwenvs.networks.base import INPUT, Layer
from hwenvs.networks.execution import run_node

Seconds = NDArray[np.float64]

OWNERS = ("Conv", "Gemm")
"""Operators of which every layer has exactly one."""

PICKERS = ("Gather", "Reshape", "Flatten")
"""Operators that prepare what a layer reads."""


class Runtime(ABC):
    """A program that runs networks.

    Args:
        threads: that one operator may use.
    """

    name: str

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self.clock = time.thread_time if threads == 1 else time.perf_counter

    @property
    @abstractmethod
    def version(self) -> str:
        """Version of the runtime."""

    @abstractmethod
    def layers(self, folded: FoldedNetwork, warm_up: int, repetitions: int) -> Seconds:
        """Seconds [repetitions, layers] of every layer inside runs of the whole network.

        A layer's time is that of its operators with its activation, and with the pools, sums and
        reorderings between it and the next layer, so that nothing of a run is left out.
        """

    def whole(self, folded: FoldedNetwork, warm_up: int, repetitions: int) -> Seconds:
        """Seconds [repetitions] of whole runs on one image."""
        run = self._prepare(folded)
        for _ in range(warm_up):
            run()
        seconds = []
        for _ in range(repetitions):
            start = self.clock()
            run()
            seconds.append(self.clock() - start)
        return np.array(seconds)

    @abstractmethod
    def _prepare(self, folded: FoldedNetwork) -> Callable[[], object]:
        """What runs the network on one image."""


class OnnxRuntime(Runtime):
    """ONNX Runtime on the processor, with all its graph optimisations.

    Layers are timed by its own profiler, which counts whole microseconds of the wall clock.
    """

    name = "onnxruntime"

    def __init__(self, threads: int = 1) -> None:
        super().__init__(threads)
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "this runtime needs onnxruntime: pip install 'hwenvs[export]'"
            ) from error
        self._package: Any = onnxruntime

    @property
    def version(self) -> str:
        """Version of the package."""
        return str(self._package.__version__)

    def layers(self, folded: FoldedNetwork, warm_up: int, repetitions: int) -> Seconds:
        """See :meth:`Runtime.layers`."""
        model = to_onnx(folded)
        _name_by_layer(model, len(folded.network.layers))
        with tempfile.TemporaryDirectory() as folder:
            options = self._options()
            options.enable_profiling = True
            options.profile_file_prefix = str(Path(folder) / "profile")
            session = self._session(model, options)
            image = _image(folded).numpy()
            for _ in range(warm_up + repetitions):
                session.run(None, {IMAGES: image})
            events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
        return _sum_by_layer(events, len(folded.network.layers))[warm_up:]

    def _prepare(self, folded: FoldedNetwork) -> Callable[[], object]:
        session, image = self._session(to_onnx(folded), self._options()), _image(folded).numpy()
        return lambda: session.run(None, {IMAGES: image})

    def _options(self) -> Any:
        options = self._package.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.log_severity_level = 3
        return options

    def _session(self, model: Any, options: Any) -> Any:
        return self._package.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )


class Torch(Runtime):
    """PyTorch on the processor, an operator at a time."""

    name = "torch"

    @property
    def version(self) -> str:
        """Version of the package."""
        return str(torch.__version__)

    def layers(self, folded: FoldedNetwork, warm_up: int, repetitions: int) -> Seconds:
        """See :meth:`Runtime.layers`."""
        torch.set_num_threads(self.threads)
        return np.array([self._timed(folded) for _ in range(warm_up + repetitions)])[warm_up:]

    def _prepare(self, folded: FoldedNetwork) -> Callable[[], object]:
        torch.set_num_threads(self.threads)
        return partial(folded, _image(folded))

    @torch.inference_mode()
    def _timed(self, folded: FoldedNetwork) -> list[float]:
        """Seconds of every layer in one run."""
        values: dict[str, Tensor] = {INPUT: _image(folded)}
        left = {name: len(users) for name, users in folded.network.readers.items()}
        seconds: list[float] = []
        for node in folded.network.nodes:
            start = self.clock()
            inputs = [values[source] for source in node.inputs]
            values[node.name] = run_node(node, inputs, folded.compute)
            del inputs
            # Memory is handed on as in a whole run: fresh pages cost as much as arithmetic.
            for source in node.inputs:
                left[source] -= 1
                if not left[source]:
                    del values[source]
            spent = self.clock() - start
            if isinstance(node, Layer) or not seconds:
                seconds.append(spent)
            else:
                seconds[-1] += spent
        return seconds


RUNTIMES: dict[str, type[Runtime]] = {"onnxruntime": OnnxRuntime, "torch": Torch}
"""Runtimes by name, the preferred one first."""


def get_runtime(name: str | None = None, threads: int = 1) -> Runtime:
    """The runtime called ``name``; by default onnxruntime where it is installed, else torch.

    Raises:
        UnknownNameError: if there is none of that name.
        MissingExtraError: if its package is not installed.
    """
    if name is None:
        installed = all(util.find_spec(package) for package in ("onnx", "onnxruntime"))
        name = "onnxruntime" if installed else "torch"
    if name in RUNTIMES:
        return RUNTIMES[name](threads)
    raise unknown_name("runtime", name, RUNTIMES)


def _image(folded: FoldedNetwork) -> Tensor:
    shape = (1, folded.network.in_channels, *[folded.network.resolution] * 2)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def _name_by_layer(model: Any, layers: int) -> None:
    """Renames operators and what they write to ``layer<N>/<M>``: N is the layer they count with.

    Optimisers call a fused operator by one of the two, with something before or behind.  Layers
    appear in the order of the table.  What picks a layer's inputs counts with that layer, all else
    with the layer before it.

    Raises:
        ArgumentError: if the graph has not one operator with weights for every layer.
    """
    found = sum(node.op_type in OWNERS for node in model.graph.node)
    if found != layers:
        raise ArgumentError(f"{found} {' or '.join(OWNERS)} operators cannot be {layers} layers")
    results = {output.name for output in model.graph.output}
    renamed: dict[str, str] = {}
    layer, waiting = -1, []
    for number, node in enumerate(model.graph.node):
        waiting.append((number, node))
        if node.op_type in PICKERS and number + 1 < len(model.graph.node):
            continue
        layer += node.op_type in OWNERS
        for place, one in waiting:
            one.name = f"layer{max(layer, 0)}/{place}"
            read = [renamed.get(name, name) for name in one.input]
            written = [name if name in results else one.name for name in one.output]
            renamed.update(zip(one.output, written, strict=True))
            one.input[:], one.output[:] = read, written
        waiting.clear()


def _sum_by_layer(events: list[dict[str, Any]], layers: int) -> Seconds:
    """Seconds [runs, layers] from the events of onnxruntime's profiler.

    An operator that the runtime added by itself counts with the one that ran before it.
    """
    runs: list[list[float]] = []
    layer = 0
    for event in sorted(events, key=lambda event: event["ts"] + event.get("dur", 0)):
        name = event["name"]
        if event.get("cat") == "Node" and name.endswith("_kernel_time"):
            if not runs:
                runs.append([0.0] * layers)
            _, named, rest = name.partition("layer")
            layer = int(rest.partition("/")[0]) if named else layer
            runs[-1][layer] += event["dur"] * 1e-6
        elif name == "model_run":
            runs.append([0.0] * layers)
            layer = 0
    return np.array(runs[:-1])
