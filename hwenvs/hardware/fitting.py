"""Makes a lookup table from measured layers: ``python -m hwenvs.hardware.fitting CSV... JSON``.

The CSVs are those of :mod:`hwenvs.hardware.measurements`.  The table is fitted once and shipped, so
that no solver of equations stands between a design and its latency.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hwenvs.errors import HwenvsError
from hwenvs.files import replacing
from hwenvs.hardware.lookup import DATA, TERMS, LookupModel, shape_of, term_values
from hwenvs.hardware.measurements import Measurement, read_measurements
from hwenvs.hardware.workload import FloatArray, Workload

OWN_TERMS = {"linear": ("macs",)}
"""Terms of kinds that have not all: few linear layers are measured, all with about as many outputs,
so that their numbers alone could not tell weights from inputs."""

MOBILE_CSVS = tuple(
    DATA / f"mobile_latency_{networks}.csv" for networks in ("mobilenet_v1", "proxyless_mobile")
)
MOBILE_SOURCE = (
    "TensorFlow Lite on a Google Pixel-class phone, one thread, layer by layer: medians of three "
    "runs of MobileNetV1 1.0, 0.75 and AMC 50 % FLOPs, published by the authors of AMC (He et al., "
    "ECCV 2018), and averages of 100 runs of Proxyless-Mobile on a Pixel 1, published by the "
    "authors of ProxylessNAS (Cai et al., ICLR 2019)"
)


def fit(measured: Sequence[Measurement], name: str, source: str) -> dict[str, Any]:
    """The table of :class:`hwenvs.hardware.lookup.LookupModel` for ``measured``.

    Per kind of layer, seconds = sum of non-negative multiples of ``TERMS`` with the smallest sum
    of squared *relative* errors (some kinds have :data:`OWN_TERMS` only).  Per shape, the modelled
    seconds of the measured channel counts and the measured ones, made non-decreasing by averaging
    neighbours that are out of order.

    Args:
        measured: layers, of any networks.
        name: name of the hardware model.
        source: what was measured, where and by whom.
    """
    kinds = sorted({one.layer.kind for one in measured})
    seconds_per = {}
    for kind in kinds:
        own = [one for one in measured if one.layer.kind == kind]
        factors = _relative_fit(_terms(own), np.array([one.seconds for one in own]))
        seconds_per[kind] = {
            term: float(factor) for term, factor in zip(TERMS, factors, strict=True) if factor
        }
    bare = LookupModel({"name": name, "source": source, "seconds_per": seconds_per, "shapes": []})
    shapes = [
        _curve([one for one in measured if shape_of(one.layer) == shape], bare)
        for shape in sorted({shape_of(one.layer) for one in measured})
    ]
    return {"name": name, "source": source, "seconds_per": seconds_per, "shapes": shapes}


def _terms(measured: Sequence[Measurement]) -> FloatArray:
    """Values of the terms, [layers, terms]; 0 where layers of their kind have no such term."""
    workload = Workload.make(tuple(one.layer for one in measured))
    terms = np.stack([values[0] for values in term_values(workload)], axis=1)
    own = OWN_TERMS.get(measured[0].layer.kind, TERMS)
    return np.where([term in own for term in TERMS], terms, 0.0)


def _relative_fit(terms: FloatArray, seconds: FloatArray) -> FloatArray:
    """Non-negative least squares of the relative error, by trying every subset of the terms.

    There are few terms, and small subsets come first and stay unless a larger one is better by
    more than rounding, so that terms which are multiples of each other are not mixed.
    """
    scaled = terms / seconds[:, None]
    best, factors = np.inf, np.zeros(terms.shape[1])
    for count in range(1, terms.shape[1] + 1):
        for subset in itertools.combinations(range(terms.shape[1]), count):
            columns = list(subset)
            norms = np.sqrt((scaled[:, columns] ** 2).sum(axis=0))
            if not norms.all():
                continue
            found = np.linalg.lstsq(scaled[:, columns] / norms, np.ones(len(seconds)))[0] / norms
            error = float(((scaled[:, columns] @ found - 1.0) ** 2).sum())
            if (found >= 0).all() and error < best * (1 - 1e-9):
                best, factors = error, np.zeros(terms.shape[1])
                factors[columns] = found
    return factors


def _curve(measured: Sequence[Measurement], bare: LookupModel) -> dict[str, Any]:
    """The knots of one shape."""
    groups: dict[float, list[float]] = {}
    workload = Workload.make(tuple(one.layer for one in measured))
    for one, modelled in zip(measured, bare.modelled(workload)[0], strict=True):
        groups.setdefault(float(modelled), []).append(one.seconds)
    knots = sorted(groups)
    kind, kernel, stride, in_size, size = shape_of(measured[0].layer)
    return {
        "kind": kind,
        "kernel": kernel,
        "stride": stride,
        "in_size": in_size,
        "size": size,
        "modelled": knots,
        "measured": _non_decreasing([groups[knot] for knot in knots]),
    }


def _non_decreasing(groups: Iterable[list[float]]) -> list[float]:
    """The non-decreasing values nearest to the groups' means (pool adjacent violators)."""
    blocks: list[tuple[list[float], int]] = []
    for group in groups:
        blocks.append((list(group), 1))
        while len(blocks) > 1 and statistics.fmean(blocks[-2][0]) > statistics.fmean(blocks[-1][0]):
            later, earlier = blocks.pop(), blocks.pop()
            blocks.append((earlier[0] + later[0], earlier[1] + later[1]))
    return [statistics.fmean(values) for values, count in blocks for _ in range(count)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Fits CSVs and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m hwenvs.hardware.fitting", description=__doc__)
    files = "the CSVs to fit and the JSON to write; by default those of 'mobile'"
    parser.add_argument("files", type=Path, nargs="*", help=files)
    parser.add_argument("--name", help="name of the hardware model; the JSON's stem by default")
    source = "what was measured, where and by whom; needed for files of one's own"
    parser.add_argument("--source", help=source)
    chosen = parser.parse_args(arguments)
    *csvs, out = chosen.files or (*MOBILE_CSVS, DATA / "mobile.json")
    if not csvs or out.suffix != ".json":
        parser.error(f"needs one CSV or more, then a .json file to write, not {out}")
    about = chosen.source or ("" if chosen.files else MOBILE_SOURCE)
    if not about.strip():
        parser.error("needs --source: what was measured, where and by whom")
    try:
        table = fit(read_measurements(*csvs), chosen.name or out.stem, about)
        with replacing(out) as temporary:
            temporary.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    except (HwenvsError, OSError) as error:
        parser.error(str(error))
    sys.stdout.write(f"{out}: {len(table['shapes'])} shapes\n")


if __name__ == "__main__":
    main()
