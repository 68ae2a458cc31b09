"""Writes the fitted table of a search space and its card."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.calibration.curves import falling_curve
from hwenvs.calibration.fidelity import fidelity
from hwenvs.calibration.spaces.fit import PairTable
from hwenvs.files import replacing, write_json
from hwenvs.proxies.card import Card

if TYPE_CHECKING:
    from hwenvs.calibration.spaces.calibration import SpaceCalibration

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Records = list[dict[str, Any]]

FAMILY = "operator_selection"

WANTED, WANTED_EQUAL = 0.90, 0.80
"""Rank correlations that a table should reach, over all sizes and at equal latency."""


@dataclass(frozen=True, eq=False)
class SpaceResult:
    """What a calibration found.

    Attributes:
        space: name of the search space.
        table: what operators lose.
        fitted: measured architectures that the table was fitted on.
        heldout: measured architectures that it was not fitted on, by kind.
        chance: accuracy of guessing.
    """

    space: str
    table: PairTable
    fitted: Records
    heldout: Mapping[str, Records]
    chance: float

    def curve(self) -> tuple[Floats, Floats]:
        """Knots of the curve from sums to accuracy (fitted architectures only)."""
        designs, accuracy = columns(self.fitted, "top1")
        sums = np.maximum(self.table(designs), 1e-6)
        # The best architecture was hardly measured: a line through the best fifth leads to it.
        best = sums <= np.quantile(sums, 0.2)
        slope, top = np.polyfit(sums[best], accuracy[best], 1)
        baseline = float(np.clip(top, accuracy[best].max() if slope > 0 else top, 1.0))
        return falling_curve(sums, accuracy, baseline, self.chance)

    def fidelity(self) -> dict[str, Any]:
        """Rank correlations and errors on the held-out architectures."""
        knots = self.curve()
        known = {kind: columns(records, "top1") for kind, records in self.heldout.items()}
        predicted = {k: np.interp(self.table(d), *knots) for k, (d, _) in known.items()}
        return fidelity(predicted, {k: a for k, (_, a) in known.items()}, float(knots[1][0]))


def write_space_table(
    calibration: SpaceCalibration, result: SpaceResult, about: Mapping[str, Any]
) -> tuple[Path, Path]:
    """Writes ``<space>.operator_selection.npz`` and ``.json``, each in one atomic step.

    Args:
        calibration: what was asked for.
        result: what was found.
        about: further entries of the card, of which it needs ``data`` (the images, e.g.
            ``"cifar10"``) and ``command`` (what made the table).

    Raises:
        ProxyError: if the card would lack an entry; nothing is written then.
    """
    entries = {**_card(calibration, result), **about}
    Card.from_dict(entries, f"the card of {result.space}")
    stem = calibration.out / f"{result.space}.{FAMILY}"
    x, y = result.curve()
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        blocks=np.array([block.name for block in calibration.space.blocks]),
        pairs=result.table.pairs,
        curve_divergence=x,
        curve_accuracy=y,
    )
    paths = stem.with_name(f"{stem.name}.npz"), stem.with_name(f"{stem.name}.json")
    with replacing(paths[0]) as temporary:
        temporary.write_bytes(buffer.getvalue())
    write_json(paths[1], entries)
    return paths


def _card(calibration: SpaceCalibration, result: SpaceResult) -> dict[str, Any]:
    plan, heldout = calibration.plan, result.fidelity()
    checked = {str(k): v for k, v in result.table.checked.items()}
    return {
        "network": result.space,
        "family": FAMILY,
        "basis": "measured",
        "metric": "top1",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "baseline_accuracy": round(float(result.curve()[1][0]), 6),
        "heldout": heldout,
        "falls_short": shortfalls(heldout),
        "fitted_designs": len(result.fitted),
        "pairs": {
            "fitted on": result.table.target,
            "ridge": str(result.table.penalty),
            "spearman in cross-validation": checked,
        },
        "measured_by": "hwenvs contributors",
        "images": {
            "batch norms estimated on": f"training rows {_span(plan.norm_images)}",
            "architectures measured on": f"test rows {_span(plan.evaluation_images)}"
            + ("" if plan.share is None else f", {plan.share} of them each, drawn anew for each"),
            **(
                {}
                if plan.heldout_images is None
                else {"held-out ones measured on": f"test rows {_span(plan.heldout_images)}"}
            ),
        },
        "reconstruction": "none: weights of the supernet as they are, batch norms estimated anew",
        "budget": f"equal-budget architectures take {plan.budget:.0%} of the largest one's latency "
        f"on {plan.hardware}",
        "supernet_sha256": calibration.weights,
        "geometry": calibration.space.geometry,
    }


def shortfalls(report: Mapping[str, Any]) -> list[str]:
    """Where a report of fidelity falls short of what is wanted, in words."""
    wanted = {"spearman": WANTED, "spearman_equal_budget": WANTED_EQUAL}
    return [
        f"{key.replace('_', ' ')} is {report[key]}; {least:.2f} is wanted"
        for key, least in wanted.items()
        if report[key] is None or not report[key] >= least
    ]


def columns(records: Records, *keys: str) -> tuple[Any, ...]:
    """Designs [B, T] of ``records``, and what they say of each of ``keys`` [B]."""
    designs = np.array([record["design"] for record in records], dtype=np.int64)
    return designs, *(np.array([record[key] for record in records]) for key in keys)


def _span(rows: tuple[int, int]) -> str:
    return f"{rows[0]} to {rows[1] - 1}"
