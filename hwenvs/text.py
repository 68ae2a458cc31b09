"""A design as text: a table of its decisions, amounts with units, and the result in a line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hwenvs.hardware import COST_UNITS
from hwenvs.problems.progress import Progress

PREFIXES = {1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k", 1.0: "", 1e-3: "m", 1e-6: "µ", 1e-9: "n"}

LABELS = {
    "macs": "MACs",
    "params": "parameters",
    "size": "size",
    "latency": "latency",
    "energy": "energy",
    "peak_memory": "peak memory",
}
"""Costs as people write them."""

SUFFIXES = {**COST_UNITS, "macs": "MACs", "params": "parameters"}


def amount_text(value: float, quantity: str) -> str:
    """``value`` with a prefix and unit, e.g. ``"284 M MACs"`` or ``"64.4 ms"``."""
    # Rounded first, so that 999,999 is 1.00 M and no 1.00e+03 k.
    rounded = float(f"{value:.2e}")
    scale = next((s for s in PREFIXES if abs(rounded) >= s), min(PREFIXES)) if rounded else 1.0
    prefix, unit = PREFIXES[scale], SUFFIXES[quantity]
    gap = " " if len(unit) > 1 and prefix else ""
    return f"{rounded / scale:#.3g}".rstrip(".") + f" {prefix}{gap}{unit}".rstrip()


def ansi(progress: Progress, result: Mapping[str, Any] | None = None, width: int = 24) -> str:
    """A table of the decisions, one a line.

    Args:
        progress: how far the design has come.
        result: the info of the last step, once there is one.
        width: characters of the bars.
    """
    name_width = max(len(name) for name in progress.names)
    head = f"{'#':>3}  {'layer':{name_width}}  {'kept':>11}  {'':{width}}      settles     spent"
    lines = [_title(progress), head]
    spent = progress.spent
    for t, (name, size) in enumerate(zip(progress.names, progress.sizes, strict=True)):
        mark = ">" if t == len(progress.kept) else " "
        if t >= len(progress.kept):
            open_ = _kept("·", size, progress.levels)
            lines.append(f"{t:3d}{mark} {name:{name_width}}  {open_}  {'·' * width}")
            continue
        bar = _bar(progress.kept[t] / size, width)
        cost = amount_text(progress.costs[t], progress.quantity)
        share = f"{spent[t] / progress.full:7.1%}"
        lines.append(
            f"{t:3d}{mark} {name:{name_width}}  {_kept(progress.kept[t], size, progress.levels)}  "
            f"{bar}  {cost:>16}  {share}"
        )
    lines.append(_budget_line(progress, name_width + width))
    if result:
        lines.append(result_text(result))
    return "\n".join(lines)


def _kept(kept: int | str, size: int, levels: Sequence[str]) -> str:
    """What a decision says, 11 characters wide."""
    if levels:
        return f"{levels[kept - 1] if isinstance(kept, int) else kept:>11}"
    return f"{kept:>4} / {size:4d}"


def _title(progress: Progress) -> str:
    full = amount_text(progress.full, progress.quantity)
    if not math.isfinite(progress.amount):
        return f"{progress.title}: no budget, {full} uncompressed"
    share = f"{progress.amount / progress.full:.1%}"
    amount = amount_text(progress.amount, progress.quantity)
    return f"{progress.title}: budget {amount}, {share} of {full}"


def _budget_line(progress: Progress, width: int) -> str:
    spent = (progress.spent or (progress.constant,))[-1]
    bar = list(_bar(spent / progress.full, width))
    text = f"{spent / progress.full:.1%} spent"
    if math.isfinite(progress.amount):
        share = progress.amount / progress.full
        bar[min(int(share * width), width - 1)] = "|"
        text += f", {share:.1%} allowed"
    return f"{LABELS[progress.quantity]} {''.join(bar)} {text}"


def result_text(result: Mapping[str, Any]) -> str:
    """Accuracy, score and costs of a finished design, from the info of its last step."""
    parts = [f"accuracy {result['accuracy']:.2%} (drop {result['accuracy_drop']:.2%})"]
    if "score" in result:
        parts.append(f"score {result['score']:.3f}")
    fractions = result["cost_fractions"]
    parts += [f"{LABELS.get(name, name)} {share:.1%}" for name, share in fractions.items()]
    return " · ".join(parts) + ("" if result["feasible"] else " · over budget")


def _bar(share: float, width: int) -> str:
    filled = min(max(round(share * width), 0), width)
    return "█" * filled + "░" * (width - filled)
