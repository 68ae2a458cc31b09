"""Writes a fitted table and its card."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hwenvs.calibration.bench import Measurement
from hwenvs.calibration.curves import FloatArray, falling_curve
from hwenvs.calibration.families import Group
from hwenvs.calibration.fidelity import fidelity, shortfalls
from hwenvs.calibration.fit import AdditiveTable
from hwenvs.files import replacing, write_json
from hwenvs.proxies.card import Card

Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Result:
    """What a calibration found.

    Attributes:
        network: name of the network.
        groups: its decisions.
        table: fitted divergence per decision.
        baseline: the full network, measured.
        fitted: measured designs that the table was fitted on.
        heldout: measured designs that it was not fitted on, by kind.
        chance: accuracy of guessing.
        family: what designs decide.
        extras: further arrays of the table file.
    """

    network: str
    groups: tuple[Group, ...]
    table: AdditiveTable
    baseline: Measurement
    fitted: Records
    heldout: Mapping[str, Records]
    chance: float
    family: str = "channel_pruning"
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)

    def curve(self, metric: str) -> tuple[FloatArray, FloatArray]:
        """Knots of the curve from the table's sum to ``metric`` (fitted designs only)."""
        return falling_curve(
            self.sums(self.fitted),
            np.array([record[metric] for record in self.fitted]),
            getattr(self.baseline, metric),
            min(self.chance * (5 if metric == "top5" else 1), 1.0),
        )

    def sums(self, records: Records) -> FloatArray:
        """The table's sums of measured designs."""
        return self.table(np.array([record["design"] for record in records]))

    def fidelity(self, metric: str = "top1") -> dict[str, Any]:
        """Rank correlations and errors on the held-out designs."""
        knots = self.curve(metric)
        predicted = {k: np.interp(self.sums(r), *knots) for k, r in self.heldout.items()}
        measured = {k: np.array([x[metric] for x in r]) for k, r in self.heldout.items()}
        return fidelity(predicted, measured, getattr(self.baseline, metric))

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of the table file, in the layout that the surrogate reads."""
        kept = [np.flatnonzero(np.isfinite(values)) for values in self.table.values]
        divergence = [v[k] for v, k in zip(self.table.values, kept, strict=True)]
        x, top1 = self.curve("top1")
        _, top5 = self.curve("top5")
        return {
            "decisions": np.array([group.name for group in self.groups]),
            "channels": np.array([group.channels for group in self.groups]),
            "offsets": np.concatenate([[0], np.cumsum([len(k) for k in kept])]),
            "kept": np.concatenate(kept),
            "divergence": np.concatenate(divergence),
            "interaction": np.zeros(len(self.groups)),
            "curve_divergence": x,
            "curve_accuracy": top1,
            "curve_top5": top5,
            **self.extras,
        }


def card(result: Result, about: Mapping[str, Any]) -> dict[str, Any]:
    """The card's entries; ``about`` adds data, images, command, reconstruction and notes."""
    heldout = result.fidelity()
    return {
        "network": result.network,
        "family": result.family,
        "basis": "measured",
        "metric": "top1",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "baseline_accuracy": round(result.baseline.top1, 6),
        "baseline_top5": round(result.baseline.top5, 6),
        "heldout": heldout,
        "falls_short": shortfalls(heldout),
        "fitted_designs": len(result.fitted),
        "exponent": round(result.table.exponent, 4),
        "measured_by": "hwenvs contributors",
        **about,
    }


def write_table(result: Result, about: Mapping[str, Any], out: Path) -> tuple[Path, Path]:
    """Writes ``<network>.<family>.npz`` and ``.json``, each in one atomic step.

    Raises:
        ProxyError: if the card would lack an entry that ``about`` has to bring, see :func:`card`;
            nothing is written then.
    """
    entries = card(result, about)
    Card.from_dict(entries, f"the card of {result.network}")
    stem = f"{result.network}.{result.family}"
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **result.arrays())  # type: ignore[arg-type]
    table_path, card_path = out / f"{stem}.npz", out / f"{stem}.json"
    with replacing(table_path) as temporary:
        temporary.write_bytes(buffer.getvalue())
    write_json(card_path, entries)
    return table_path, card_path
