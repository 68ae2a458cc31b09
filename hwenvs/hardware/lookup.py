"""Latency from measured layers, interpolated over channel counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import HardwareError
from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.figures import is_number
from hwenvs.hardware.workload import FloatArray, Workload
from hwenvs.networks.base import Layer

DATA = Path(__file__).parent / "data"

TERMS = ("macs", "weights", "input_elements", "output_elements", "patches", "layers")
"""What a layer's time may be proportional to; none falls when channels are added."""

Shape = tuple[str, int, int, int, int]
"""Kind, kernel, stride, input size and output size of a layer: all but its channels."""


def shape_of(layer: Layer) -> Shape:
    """The table entry that ``layer`` belongs to."""
    return layer.kind, layer.kernel, layer.stride, layer.in_size, layer.size


def term_values(workload: Workload) -> list[FloatArray]:
    """The value of every term of ``TERMS``, each [B, L].

    ``patches`` is the size of the matrix that a dense convolution with a kernel above 1 x 1 is
    unrolled into (im2col), which costs time beside the multiply-accumulates.
    """
    unrolled = np.array([layer.kind == "conv" and layer.kernel > 1 for layer in workload.layers])
    pixels = (workload.column("kernel") * workload.column("size")) ** 2 * unrolled
    values = [getattr(workload, name) for name in TERMS[:4]]
    values += [workload.in_channels * pixels, np.ones(workload.shape)]
    return [np.asarray(value, dtype=np.float64) for value in values]


@dataclass(frozen=True)
class Curve:
    """A non-decreasing, piecewise linear map from modelled to expected seconds.

    It runs from the origin through the knots and goes on with the last knot's ratio of expected to
    modelled time.  Without knots it returns the modelled time.

    Attributes:
        modelled: modelled seconds of the measured channel counts, ascending.
        measured: measured seconds there, non-decreasing.

    Raises:
        HardwareError: if the knots are none of this.
    """

    modelled: tuple[float, ...] = ()
    measured: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        modelled, measured = self.modelled, self.measured
        if len(modelled) != len(measured):
            raise HardwareError(
                f"{len(modelled)} modelled and {len(measured)} measured times where each needs the "
                "other"
            )
        wrong = [value for value in (*modelled, *measured) if not is_number(value)]
        if wrong:
            raise HardwareError(f"times must be finite numbers, not {wrong[0]!r}")
        # A knot at 0 would take the place of the origin.
        if any(after <= before for before, after in pairwise((0.0, *modelled))):
            raise HardwareError("modelled times must be above 0 and ascend")
        if any(after < before for before, after in pairwise((0.0, *measured))):
            raise HardwareError("measured times must not be negative, and must not fall")

    @cached_property
    def _pieces(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Start, value at the start, slope and largest value of every piece."""
        start, value = (0.0, *self.modelled), (0.0, *self.measured)
        slopes = [
            (value[i + 1] - value[i]) / (start[i + 1] - start[i]) for i in range(len(start) - 1)
        ]
        slopes.append(value[-1] / start[-1] if self.modelled else 1.0)
        arrays = (start, value, slopes, (*value[1:], np.inf))
        first, second, third, fourth = (np.array(array) for array in arrays)
        return first, second, third, fourth

    def __call__(self, modelled: FloatArray) -> FloatArray:
        """Expected seconds, of the shape of ``modelled``."""
        start, value, slope, largest = self._pieces
        piece = np.searchsorted(start, modelled, side="right") - 1
        # The cap keeps rounding from passing the next knot, so that the map stays monotone.
        expected = value[piece] + (modelled - start[piece]) * slope[piece]
        capped: FloatArray = np.minimum(expected, largest[piece])
        return capped


class LookupModel(HardwareModel):
    """Latency of layers as measured on a device.

    A layer's time is modelled by its kind (convolution, depthwise, linear) as a sum of
    non-negative multiples of ``TERMS``; then the curve of its *shape* (kernel, stride and sizes)
    maps the modelled time to the measured one.  Measured layers come back as measured, layers of a
    measured shape with other channels are interpolated, and layers of any other shape have the
    time that the model of their kind gives, which is an extrapolation (:meth:`covers` tells).
    Time never falls when channels are added.  Bits and densities make no difference: the table is
    that of a dense float32 runtime.  An average pool is counted with the linear layer behind it.

    Args:
        table: ``"mobile"`` or a JSON file written by :mod:`hwenvs.hardware.fitting`.

    Raises:
        HardwareError: if the table cannot be read or makes no sense; the message names it, and the
            kind or shape at fault.
    """

    quantities = ("latency",)
    monotone = True

    def __init__(self, table: str | Path | Mapping[str, Any] = "mobile") -> None:
        fitted = table if isinstance(table, Mapping) else _read(table)
        try:
            self.name, self.source = str(fitted["name"]), str(fitted["source"])
            self._terms = {
                kind: _factors(kind, parts) for kind, parts in fitted["seconds_per"].items()
            }
            self._curves = _curves(fitted["shapes"])
        except HardwareError as error:
            raise HardwareError(f"lookup table {_label(table)}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HardwareError(
                f"lookup table {_label(table)}: not a table of hwenvs.hardware.fitting ({error!r})"
            ) from error

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Latency of every layer in seconds, [B, L]."""
        modelled = self.modelled(workload)
        columns = [
            self._curves.get(shape_of(layer), Curve())(modelled[:, index])
            for index, layer in enumerate(workload.layers)
        ]
        return {"latency": np.stack(columns, axis=1)}

    def modelled(self, workload: Workload) -> FloatArray:
        """Seconds by the model of each layer's kind alone, [B, L]."""
        absent = sorted({layer.kind for layer in workload.layers} - set(self._terms))
        if absent:
            raise HardwareError(
                f"hardware {self.name!r} has no measured layer of kind {', '.join(absent)}"
            )
        factors = np.array([self._terms[layer.kind] for layer in workload.layers])
        total = np.zeros(workload.shape)
        for index, values in enumerate(term_values(workload)):
            total = total + values * factors[:, index]
        return total

    def covers(self, workload: Workload) -> NDArray[np.bool_]:
        """Whether each layer lies between measured ones of its shape, bool [B, L]."""
        modelled = self.modelled(workload)
        inside = np.zeros(workload.shape, dtype=bool)
        for index, layer in enumerate(workload.layers):
            curve = self._curves.get(shape_of(layer))
            if curve is not None:
                column = modelled[:, index]
                inside[:, index] = column >= curve.modelled[0]
                inside[:, index] &= column <= curve.modelled[-1]
        return inside

    def describe(self) -> str:
        """Where the table comes from and what it does with layers that were not measured."""
        return (
            f"{self.name}: latency (s) interpolated between measured layers of "
            f"{len(self._curves)} shapes; layers of other shapes (other kernels, strides or "
            "feature sizes) are extrapolated by a model fitted per kind of layer, without a "
            f"measurement behind them. float32, dense. {self.source}"
        )


def _read(table: str | Path) -> Mapping[str, Any]:
    path = Path(table)
    if isinstance(table, str) and path.suffix != ".json":
        path = DATA / f"{table}.json"
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HardwareError(
            f"lookup table {_label(table)} cannot be read ({error}); valid: mobile, or a JSON "
            "file written by python -m hwenvs.hardware.fitting"
        ) from error
    return content


def _label(table: str | Path | Mapping[str, Any]) -> str:
    return "given" if isinstance(table, Mapping) else repr(str(table))


def _factors(kind: str, parts: Mapping[str, Any]) -> list[float]:
    """Seconds per unit of every term, of one kind of layer."""
    unknown = sorted(set(parts) - set(TERMS))
    if unknown:
        raise HardwareError(
            f"{kind} layers: unknown term {unknown[0]!r}; known: {', '.join(TERMS)}"
        )
    for term, factor in parts.items():
        if not is_number(factor) or factor < 0:
            raise HardwareError(
                f"{kind} layers: seconds per {term} must be finite and not negative, not {factor!r}"
            )
    return [float(parts.get(term, 0.0)) for term in TERMS]


def _curves(rows: Sequence[Mapping[str, Any]]) -> dict[Shape, Curve]:
    """The curves of all shapes of a table."""
    curves: dict[Shape, Curve] = {}
    for row in rows:
        shape = row["kind"], row["kernel"], row["stride"], row["in_size"], row["size"]
        try:
            curve = Curve(tuple(row["modelled"]), tuple(row["measured"]))
            if not curve.modelled:
                raise HardwareError("no measured times")
            if shape in curves:
                raise HardwareError("in the table twice")
        except HardwareError as error:
            kind, kernel, stride, in_size, size = shape
            raise HardwareError(
                f"{kind} {kernel} x {kernel}, stride {stride}, {in_size} -> {size} pixels: {error}"
            ) from error
        curves[shape] = curve
    return curves
