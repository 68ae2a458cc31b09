"""A design as text: a table of its decisions, amounts with units, and the result in a line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hwenvs.hardware import COST_UNITS
from hwenvs.problems.progress import Progress, Spending, floor_of

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

SEPARATOR = " · "
"""Between the items of a result."""

SUFFIXES = {**COST_UNITS, "macs": "MACs", "params": "parameters"}


def counted(number: int, thing: str, things: str | None = None) -> str:
    """``number`` of a thing in words, e.g. ``"1 run"`` or ``"1,200 runs"``.

    Args:
        number: how many there are.
        thing: what one is called.
        things: what several are; ``thing`` with an s by default.
    """
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def amount_text(value: float, quantity: str) -> str:
    """``value`` with a prefix and unit, e.g. ``"284 M MACs"`` or ``"64.4 ms"``."""
    # Rounded first, so that 999,999 is 1.00 M and no 1.00e+03 k.
    rounded = float(f"{value:.2e}")
    scale = next((s for s in PREFIXES if abs(rounded) >= s), min(PREFIXES)) if rounded else 1.0
    prefix, unit = PREFIXES[scale], SUFFIXES[quantity]
    gap = " " if len(unit) > 1 and prefix else ""
    return f"{rounded / scale:#.3g}".rstrip(".") + f" {prefix}{gap}{unit}".rstrip()


def ansi(progress: Progress, result: Mapping[str, Any] | None = None, width: int = 24) -> str:
    """A table of the decisions, one a line, and a line for every budget.

    Args:
        progress: how far the design has come.
        result: the info of the last step, once there is one.
        width: characters of the bars.
    """
    what, says = ("block", progress.unit) if progress.levels else ("layer", "kept")
    name_width = max(len(what), *(len(name) for name in progress.names))
    columns = [_columns(spending) for spending in progress.spendings]
    heads = "".join(column[0] for column in columns)
    head = f"{'#':>3}  {what:{name_width}}  {says:>11}  {'':{width}}{heads}"
    lines, floor = [_title(progress), head], floor_of(progress.levels)
    for t, (name, size) in enumerate(zip(progress.names, progress.sizes, strict=True)):
        mark = ">" if t == len(progress.kept) else " "
        if t >= len(progress.kept):
            open_ = _kept("·", size, progress.levels)
            lines.append(f"{t:3d}{mark} {name:{name_width}}  {open_}  {'·' * width}")
            continue
        bar = _bar((progress.kept[t] - floor) / max(size - floor, 1), width)
        costs = "".join(column[t + 1] for column in columns)
        kept = _kept(progress.kept[t], size, progress.levels)
        lines.append(f"{t:3d}{mark} {name:{name_width}}  {kept}  {bar}{costs}")
    labels = max(len(LABELS[spending.quantity]) for spending in progress.spendings)
    lines += [_budget_line(spending, labels, name_width + width) for spending in progress.spendings]
    if result:
        lines.append(result_text(result))
    return "\n".join(lines)


def _columns(spending: Spending) -> list[str]:
    """What every decision settles and what is spent by then, below a heading, equally wide."""
    heading = f"{LABELS[spending.quantity]} settled"
    settled = [amount_text(cost, spending.quantity) for cost in spending.costs]
    width = max(16, len(heading), *map(len, settled))
    shares = [f"{spent / spending.full:.1%}" for spent in spending.spent]
    pairs = zip([heading, *settled], ["spent", *shares], strict=True)
    return [f"  {amount:>{width}}  {share:>7}" for amount, share in pairs]


def _kept(kept: int | str, size: int, levels: Sequence[str]) -> str:
    """What a decision says, 11 characters wide."""
    if levels:
        return f"{levels[kept - 1] if isinstance(kept, int) else kept:>11}"
    return f"{kept:>4} / {size:4d}"


def _title(progress: Progress) -> str:
    limited = [one for one in progress.spendings if math.isfinite(one.amount)]
    if not limited:
        first = progress.spendings[0]
        full = amount_text(first.full, first.quantity)
        whole = "at most" if progress.levels else "uncompressed"
        return f"{progress.title}: no budget, {full} {whole}"
    several = "s" if len(limited) > 1 else ""
    return f"{progress.title}: budget{several} {'; '.join(map(_limit, limited))}"


def _limit(spending: Spending) -> str:
    """A budget in its unit and as a share."""
    amount, full = (amount_text(n, spending.quantity) for n in (spending.amount, spending.full))
    return f"{amount}, {spending.amount / spending.full:.1%} of {full}"


def _budget_line(spending: Spending, labels: int, width: int) -> str:
    """What is spent of one budget, as a bar, after its name ``labels`` characters wide."""
    share = spending.total / spending.full
    bar = list(_bar(share, width))
    text = f"{share:.1%} spent"
    if math.isfinite(spending.amount):
        allowed = spending.amount / spending.full
        bar[min(int(allowed * width), width - 1)] = "|"
        text += f", {allowed:.1%} allowed"
    return f"{LABELS[spending.quantity]:{labels}} {''.join(bar)} {text}"


def result_text(result: Mapping[str, Any]) -> str:
    """Accuracy, score and costs of a finished design, from the info of its last step."""
    return SEPARATOR.join(_result_parts(result))


def result_lines(result: Mapping[str, Any], width: int) -> list[str]:
    """The same in lines of at most ``width`` characters, which end where an item does."""
    lines: list[str] = []
    for part in _result_parts(result):
        longer = f"{lines[-1]}{SEPARATOR}{part}" if lines else part
        if lines and len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def _result_parts(result: Mapping[str, Any]) -> list[str]:
    parts = [f"accuracy {result['accuracy']:.2%} (drop {result['accuracy_drop']:.2%})"]
    if "score" in result:
        parts.append(f"score {result['score']:.3f}")
    fractions = result["cost_fractions"]
    parts += [f"{LABELS.get(name, name)} {share:.1%}" for name, share in fractions.items()]
    return parts if result["feasible"] else [*parts, "over budget"]


def _bar(share: float, width: int) -> str:
    filled = min(max(round(share * width), 0), width)
    return "█" * filled + "░" * (width - filled)
