"""The surrogate: tables of divergences, summed over decisions, through a curve to accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import DesignError, ProxyError, unknown_name
from hwenvs.networks import Group
from hwenvs.proxies.base import TabulatedProxy
from hwenvs.proxies.card import Card
from hwenvs.proxies.curve import AccuracyCurve

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ARRAYS = {
    "decisions": 1,
    "channels": 1,
    "offsets": 1,
    "kept": 1,
    "divergence": 1,
    "interaction": 1,
    "curve_divergence": 1,
    "curve_accuracy": 1,
}
"""Arrays that a table file must hold, and their number of dimensions."""

NAMES = ("decisions", "blocks")
"""Arrays of text; all others that tables must hold are numbers."""

METRICS = ("top1", "top5")
"""Accuracies that a table may lead to."""


@dataclass(frozen=True)
class Sweep:
    """The divergences of one decision.

    Attributes:
        name: name of the channel group.
        channels: its number of channels.
        kept: [K] numbers of kept channels, ascending, the last is ``channels``.
        divergence: [K] divergences, 0 at the last.
    """

    name: str
    channels: int
    kept: Ints
    divergence: Floats

    def __post_init__(self) -> None:
        kept, divergence = self.kept, self.divergence
        if not len(kept) or len(kept) != len(divergence):
            raise ProxyError(f"{self.name}: kept and divergence differ in length or are empty")
        if kept[0] < 1 or kept[-1] != self.channels or not (np.diff(kept) > 0).all():
            raise ProxyError(f"{self.name}: kept must ascend from 1 or more to {self.channels}")
        if not np.isfinite(divergence).all() or (divergence < 0).any() or divergence[-1] != 0:
            raise ProxyError(f"{self.name}: divergences must be finite, >= 0, and end with 0")

    def at(self, kept: Ints | Sequence[int]) -> Floats:
        """Divergences at ``kept`` channels, linear between the points of the sweep.

        Raises:
            DesignError: if an entry lies outside the sweep.
        """
        kept = np.asarray(kept, dtype=np.int64)
        low, high = int(self.kept[0]), self.channels
        if kept.size and (kept.min() < low or kept.max() > high):
            raise DesignError(
                f"{self.name}: {int(kept.min())} to {int(kept.max())} channels asked for, "
                f"the table was measured from {low} to {high}"
            )
        right = np.maximum(self.kept.searchsorted(kept), 1) if len(self.kept) > 1 else 0 * kept
        left = np.maximum(right - 1, 0)
        span = np.maximum(self.kept[right] - self.kept[left], 1)
        weight = (kept - self.kept[left]) / span
        rise = self.divergence[right] - self.divergence[left]
        return np.maximum(self.divergence[left] + weight * rise, 0.0)


def coupled(coefficient: float, previous: Floats, current: Floats) -> Floats:
    """What a decision adds to the divergence: its own, and the interaction with the one before."""
    return current + (coefficient * previous) * current


class SurrogateProxy(TabulatedProxy):
    """Accuracy from tables: ``curve(sum_t d_t(k_t) + sum_t c_t d_{t-1}(k_{t-1}) d_t(k_t))``.

    Sums run over the decisions in order, in float64: equal designs get equal bits everywhere.

    Args:
        sweeps: divergences of every decision.
        interaction: [T] coefficients c_t; the first is 0.
        curve: from divergence to accuracy.
        card: what stands behind the tables.
        curve_top5: from divergence to top-5 accuracy, where it was measured.

    Raises:
        ProxyError: if the parts do not fit together.
    """

    def __init__(
        self,
        sweeps: Sequence[Sweep],
        interaction: Sequence[float] | Floats,
        curve: AccuracyCurve,
        card: Card,
        curve_top5: AccuracyCurve | None = None,
    ) -> None:
        self.sweeps = tuple(sweeps)
        self.interaction = np.asarray(interaction, dtype=np.float64)
        self.curve, self.curve_top5, self.card = curve, curve_top5, card
        self.baseline = curve.baseline
        if self.interaction.shape != (len(self.sweeps),):
            raise ProxyError(f"{card.network}: one interaction coefficient per decision is needed")
        if not np.isfinite(self.interaction).all() or self.interaction[:1].any():
            raise ProxyError(f"{card.network}: interactions must be finite, the first one 0")

    @classmethod
    def load(cls, path: Path, groups: Sequence[Group]) -> SurrogateProxy:
        """The table at ``path`` with the card beside it.

        Args:
            path: an ``.npz`` file; its card has the same stem and the suffix ``.json``.
            groups: the decisions of the network that it must have been measured for.

        Raises:
            ProxyError: if the file cannot be read, lacks arrays, or was made for other decisions.
        """
        arrays = read_arrays(path, ARRAYS)
        proxy = cls(
            _sweeps(path, arrays),
            arrays["interaction"],
            AccuracyCurve(arrays["curve_divergence"], arrays["curve_accuracy"], str(path)),
            Card.read(path.with_suffix(".json")),
            AccuracyCurve(arrays["curve_divergence"], arrays["curve_top5"], f"{path} (top 5)")
            if "curve_top5" in arrays
            else None,
        )
        proxy.check(groups, str(path))
        return proxy

    def on(self, metric: str) -> SurrogateProxy:
        """The proxy that estimates ``"top1"`` or ``"top5"`` accuracy from the same tables.

        Raises:
            UnknownNameError: if there is no such metric.
            ProxyError: if the table does not know it.
        """
        if metric not in METRICS:
            raise unknown_name("metric", metric, METRICS)
        if metric == "top1":
            return self
        if self.curve_top5 is None:
            raise ProxyError(f"the table of {self.card.network} knows no top-5 accuracy")
        top5 = self.curve_top5
        return SurrogateProxy(self.sweeps, self.interaction, top5, self.card, top5)

    def check(self, groups: Sequence[Group], source: str) -> None:
        """Raises a :class:`ProxyError` unless the sweeps are those of ``groups``."""
        expected = [(group.name, group.channels) for group in groups]
        found = [(sweep.name, sweep.channels) for sweep in self.sweeps]
        if expected == found:
            return
        if len(expected) != len(found):
            detail = f"it has {len(found)} decisions, the network {len(expected)}"
        else:
            pair = next(p for p in zip(found, expected, strict=True) if p[0] != p[1])
            detail = f"it has {pair[0]} where the network has {pair[1]}"
        raise ProxyError(f"{source} was made for another network: {detail}")

    def divergence(self, decision: int, kept: Ints | Sequence[int]) -> Floats:
        """Divergences of ``kept`` channels at decision number ``decision``."""
        return self.sweeps[decision].at(kept)

    def total_divergence(self, designs: Ints) -> Floats:
        """Divergences [B] of ``designs`` [B, T] (kept channels)."""
        designs = np.asarray(designs)
        if designs.ndim != 2 or designs.shape[1] != len(self.sweeps):
            raise DesignError(
                f"designs must have shape [B, {len(self.sweeps)}], one entry a decision, "
                f"not {designs.shape}"
            )
        total = previous = np.zeros(len(designs))
        for index, sweep in enumerate(self.sweeps):
            current = sweep.at(designs[:, index])
            total = total + coupled(float(self.interaction[index]), previous, current)
            previous = current
        return total

    def accuracy_of(self, divergence: Floats) -> Floats:
        """Accuracies [B] at total ``divergence`` [B]."""
        return self.curve(divergence)

    def evaluate(self, designs: Ints) -> Floats:
        """Accuracies [B] of ``designs`` [B, T] (kept channels)."""
        return self.curve(self.total_divergence(designs))


def read_arrays(path: Path, needed: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """The arrays of the table at ``path``.

    Args:
        path: an ``.npz`` file.
        needed: arrays that it must hold, and their number of dimensions.

    Raises:
        ProxyError: if the file cannot be read, lacks arrays, or has some of another kind.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # a damaged archive may fail in any way
        what = str(error) if isinstance(error, OSError) else "damaged, cut off or no .npz file"
        raise ProxyError(f"cannot read the table {path}: {what}") from error
    for name, dimensions in needed.items():
        if name not in arrays:
            raise ProxyError(f"the table {path} lacks {name!r}; needed: {', '.join(needed)}")
        if arrays[name].ndim != dimensions:
            raise ProxyError(f"the table {path}: {name!r} must have {dimensions} dimension(s)")
    for name in (*needed, *({"curve_top5"} & arrays.keys())):
        kinds, what = ("U", "text") if name in NAMES else ("iuf", "numbers")
        if arrays[name].dtype.kind not in kinds:
            raise ProxyError(f"the table {path}: {name!r} must hold {what}")
    return arrays


def _sweeps(path: Path, arrays: dict[str, NDArray[Any]]) -> list[Sweep]:
    offsets = arrays["offsets"].astype(np.int64)
    names, channels = arrays["decisions"], arrays["channels"]
    kept, divergence = arrays["kept"], arrays["divergence"]
    count = len(names)
    if len(channels) != count or len(offsets) != count + 1:
        raise ProxyError(f"the table {path}: decisions, channels and offsets differ in length")
    if offsets[0] != 0 or offsets[-1] != len(kept) or (np.diff(offsets) < 1).any():
        raise ProxyError(f"the table {path}: offsets must ascend from 0 to {len(kept)}")
    if len(divergence) != len(kept):
        raise ProxyError(f"the table {path}: kept and divergence differ in length")
    return [
        Sweep(
            str(names[t]),
            int(channels[t]),
            kept[offsets[t] : offsets[t + 1]].astype(np.int64),
            divergence[offsets[t] : offsets[t + 1]].astype(np.float64),
        )
        for t in range(count)
    ]
