"""Fills the tables of docs/tasks.md: ``python docs/generate_tasks.py``; a test says when to."""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from blocks import filled

from hwenvs.tasks import RULES, VARIANTS, distribution
from hwenvs.tasks.certificates import frozen_content
from hwenvs.tasks.environment import TaskEnv
from hwenvs.tasks.probes import chip_features, hardware_names

HERE = Path(__file__).parent
PAGE = HERE / "tasks.md"
RESULTS = HERE / "results"

SHOWN = {
    "amc": (
        "pointwise: cost of a MAC, whole",
        "depthwise: cost of a MAC, whole",
        "linear: cost of a MAC, whole",
        "dense: cost left, half the inputs",
        "depthwise: cost left, a quarter of both",
        "linear: cost left, a quarter of both",
    ),
    "haq": (
        "depthwise: cost of a MAC, 8 bits",
        "linear: cost of a MAC, 8 bits",
        "dense: cost left, 4-bit weights",
        "dense: cost left, 4-bit activations",
        "linear: cost left, 4-bit activations",
        "pointwise: cost left, 2 bits",
    ),
}
"""Features of a chip that are shown, of many."""


def page() -> str:
    """The page with its tables filled anew."""
    return filled(PAGE, BLOCKS)


def parts() -> str:
    """What each rule trains and tests on."""
    rows = ["| rule | | to train on | held back |", "| --- | --- | --- | --- |"]
    for name, rule in RULES.items():
        pairs = {
            "networks": (rule.train_networks, rule.test_networks),
            "chips": (_chips(rule.train_chips), _chips(rule.test_chips)),
            "budgets": (rule.train_budgets, rule.test_budgets),
        }
        for what, (train, test) in pairs.items():
            told = (", ".join(map(str, values)) for values in (train, test))
            rows.append(f"| `{name}` | {what} | {' | '.join(told)} |")
    return "\n".join(rows)


def counts() -> str:
    """How many tasks there are."""
    rows = [
        "| rule | training | new budget | + chip | + network | all new | over budget | too flat |",
        "| --- |" + " ---: |" * 7,
    ]
    order = ("budget", "chip, budget", "network, budget", "network, chip, budget")
    for name in RULES:
        found, groups = distribution(name), distribution(name).groups()
        reasons = Counter("budget" in why for why in frozen_content(name)["left_out"].values())
        numbers = [len(found.train), *(len(groups[group]) for group in order)]
        numbers += [reasons[True], reasons[False]]
        rows.append(f"| `{name}` | {' | '.join(map(str, numbers))} |")
    return "\n".join(rows)


def environment() -> str:
    """The class's own page."""
    text = inspect.cleandoc(TaskEnv.__doc__ or "").partition("\nRaises:")[0]
    text = re.sub(r"^## ", "### ", text, flags=re.MULTILINE).replace(
        " [tasks.md](tasks.md) shows", " this page shows"
    )
    title, _, rest = text.partition("\n")
    return f"## The environments `AMC-Generalist-v0` and `HAQ-Generalist-v0`\n\n{title}\n{rest}"


def chips() -> str:
    """Features of the chips of each rule."""
    blocks = []
    for name, shown in SHOWN.items():
        rows = [
            f"| `{name}` | part | {' | '.join(shown)} | nearest training chip |",
            "| --- | --- |" + " ---: |" * len(shown) + " --- |",
        ]
        rule = RULES[name]
        for part, pairs in (("train", rule.train_chips), ("test", rule.test_chips)):
            for chip, cost in pairs:
                known = dict(
                    zip(hardware_names(name), chip_features(name, chip, cost), strict=True)
                )
                values = " | ".join(f"{known[feature]:.2f}" for feature in shown)
                near = _nearest(name, chip, cost) if part == "test" else ""
                rows.append(f"| {chip}, {cost} | {part} | {values} | {near} |")
        blocks.append("\n".join(rows))
    return "\n\n".join(blocks)


def _nearest(name: str, chip: str, cost: str) -> str:
    """The training chip that looks most like ``chip``, and by how much they differ at most."""
    own = chip_features(name, chip, cost)
    apart = {
        f"{other}, {what}": float(abs(chip_features(name, other, what) - own).max())
        for other, what in RULES[name].train_chips
    }
    nearest = min(apart, key=apart.__getitem__)
    return f"{nearest} ({apart[nearest]:.2f})"


def results() -> str:
    """Interquartile means of the benchmark, if it was run."""
    blocks = []
    for name in RULES:
        path = RESULTS / f"generalist_{name}.json"
        if path.is_file():
            blocks.append(_table(json.loads(path.read_text(encoding="utf-8"))))
            if path.with_suffix(".png").is_file():
                text = f"Scores on the tasks of {name}, by group and method"
                blocks.append(f"![{text}](results/{path.stem}.png)")
    return "\n\n".join(blocks) or "No results are shipped yet."


def _table(content: dict) -> str:
    groups = content["groups"]
    methods = list(dict.fromkeys(m for entry in groups.values() for m in entry["methods"]))
    heads = " | ".join(f"{group} ({len(entry['tasks'])})" for group, entry in groups.items())
    rows = [f"| `{content['rule']}` | {heads} |", "| --- |" + " ---: |" * len(groups)]
    for method in methods:
        cells = []
        for entry in groups.values():
            found = entry["methods"].get(method)
            cells.append(
                ""
                if found is None
                else "{:.2f} [{:.2f}, {:.2f}]".format(found["iqm"], *found["interval"])
            )
        rows.append(f"| {method} | {' | '.join(cells)} |")
    told = (
        "Interquartile means of the scores over tasks and seeds, 95 % intervals. In brackets: how "
        "many tasks there are, and how many evaluations a policy was trained with."
    )
    return "\n".join(rows) + f"\n\n{told}"


def _chips(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return [f"{chip}{'*' if chip in VARIANTS else ''} {cost}" for chip, cost in pairs]


BLOCKS: dict[str, Callable[[], str]] = {
    "parts": parts,
    "counts": counts,
    "environment": environment,
    "chips": chips,
    "results": results,
}

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
