"""Writes docs/reference.md and draws what docs/results.md shows of the same runs.

    python docs/generate_reference.py

All of it follows from the compact records in docs/results/reference.  A test says when the page is
stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hwenvs.leaderboards.suites import load_suite
from hwenvs.leaderboards.unions import trace_suites
from hwenvs.reporting.blocks import Block, Document, Paragraph, Picture, Section, Table
from hwenvs.reporting.compact import read_compact
from hwenvs.reporting.curves import learning_curves
from hwenvs.reporting.drawing import png
from hwenvs.reporting.layers import channels
from hwenvs.reporting.markdown import markdown_page
from hwenvs.reporting.overall import overall
from hwenvs.reporting.overview import overall_section
from hwenvs.reporting.results import KNOWING, Results, Summary, collect
from hwenvs.reporting.statistics import improvement_interval
from hwenvs.reporting.table import full_headings, full_rows, number, range_text

HERE = Path(__file__).parent
RECORDS = HERE / "results" / "reference"
PAGE = HERE / "reference.md"

HEAD = """\
The bundled solvers with their default settings, {evaluations} evaluations (finished designs), up to
{seeds} seeds. Solvers that make one design ran once. Seconds are wall time of one run on one core
of a shared two-core machine: their order of magnitude means something, no more. Made with

{commands}

and `python docs/generate_reference.py`, which writes this page. Every record holds the evaluations
that were better than all before them, so that curves can be drawn again:
`hwenvs.reporting.compact.read_compact`."""

COMMANDS = """\
    hwenvs sweep benchmarks/sweeps/reference/{name}.yaml --out {name} --workers 2 --gzip
    hwenvs report {name} --compact docs/results/reference/{name}.jsonl.gz --overwrite"""

SUITE = "all"
"""What all solvers are compared on together."""

BEYOND = """\
Measured environments that are in no suite of the leaderboard, and do not count above. The solvers
of Stable-Baselines3 that are tuned were tuned on the first evaluations of `AMC-ResNet20-v0` and
`HAQ-ResNet20-v0`: what they reach there says less than what they reach elsewhere."""

DRAWN = {
    "AMC-MobileNetV1-v0": "mobilenetv1",
    "AMC-MobileNetV2-v0": "mobilenetv2",
    "AMC-ResNet20-v0": "resnet20",
    "AMC-ResNet56-v0": "resnet56",
    "HAQ-MobileNetV1-v0": "haq-mobilenetv1",
    "HAQ-MobileNetV2-v0": "haq-mobilenetv2",
    "DeepCompression-LeNet5-Ratio-v0": "deep-compression-lenet5",
}
"""Environments whose curves and best designs docs/results.md shows, and names of the pictures."""

CONTENDERS = ("decomposition", "sb3-ppo", "turbo", "cma-es", "ddpg", "random")
"""Whose curves are drawn there."""

SUBJECT = "ddpg"
"""The solver of the papers: where does it lose?"""


def read() -> list[Results]:
    """All runs, by the titles of their environments."""
    files = sorted(RECORDS.glob("*.jsonl.gz"))
    runs = [run for file in files for run in read_compact(file)]
    return sorted(collect(runs), key=lambda results: results.title)


def document(everything: Sequence[Results]) -> Document:
    """The page, before it is Markdown, and its pictures."""
    tasks = [task for suite in trace_suites(load_suite(SUITE)) for task in suite.tasks]
    ranked = [(task.environment, dict(task.arguments)) for task in tasks]
    collected = [one for one in everything if (one.environment, one.arguments) in ranked]
    together = overall(collected)
    assert together is not None
    blocks: list[Block] = [Paragraph(_head(everything)), overall_section(together, collected)]
    blocks += [losses(collected), *map(_environment, collected)]
    if beyond := [one for one in everything if one not in collected]:
        inside: tuple[Block, ...] = (Paragraph(BEYOND), *map(_environment, beyond))
        blocks.append(Section("Beyond the suites", "beyond", inside))
    return Document("Reference results", tuple(_beside(block) for block in blocks))


def _environment(results: Results) -> Section:
    table = Table(f"Runs on {results.title}.", full_headings(results), full_rows(results))
    return Section(results.title, results.title, (table,))


def losses(collected: Sequence[Results]) -> Section:
    """Which solvers are better than :data:`SUBJECT`, environment by environment."""
    tried = [one for one in collected if any(e.solver == SUBJECT for e in one.summaries)]
    counts: dict[str, list[int]] = {}
    rows = []
    for results in tried:
        mine = next(entry for entry in results.summaries if entry.solver == SUBJECT)
        others = [e for e in results.summaries if e.solver not in (SUBJECT, *KNOWING)]
        better = []
        for entry in others:
            verdict = compare(entry, mine)
            counts.setdefault(entry.solver, [0, 0, 0])[1 - verdict] += 1
            better += [f"{entry.solver} {number(entry.mean, 2)}"] * (verdict > 0)
        mean = number(mine.mean) + range_text(mine.interval)
        rows.append([results.title, mean, ", ".join(better) or "nobody"])
    order = sorted(counts, key=lambda solver: (-counts[solver][0], solver))
    text = (
        f"A solver counts as better than `{SUBJECT}` on an environment where the 95 % interval of "
        "the probability that its run beats one of it lies above one half, as worse where it lies "
        "below, and as undecided otherwise."
    )
    heads = ["solver", "better on", "undecided on", "worse on"]
    on = f"environments, of {len(tried)} that `{SUBJECT}` ran on"
    numbers = [[solver, *map(str, counts[solver])] for solver in order]
    blocks = (
        Paragraph(text),
        Table(f"Numbers of {on}.", heads, numbers),
        Table(
            "Solvers that are better, with the interquartile means of their scores.",
            ["environment", f"IQM score of {SUBJECT} [95 %]", "better are"],
            rows,
        ),
    )
    return Section(f"Where {SUBJECT.upper()} loses", "losses", blocks)


def compare(entry: Summary, other: Summary) -> int:
    """1 if ``entry`` is better than ``other``, -1 if it is worse, 0 if that is undecided."""
    low, high = improvement_interval([entry.finals], [other.finals])
    return (low > 0.5) - (high < 0.5)


def _head(everything: Sequence[Results]) -> str:
    runs = [run for one in everything for entry in one.summaries for run in entry.runs]
    names = sorted(file.name.removesuffix(".jsonl.gz") for file in RECORDS.glob("*.jsonl.gz"))
    return HEAD.format(
        evaluations=max(run.evaluations for run in runs),
        seeds=len({run.seed for run in runs}),
        commands="\n\n".join(COMMANDS.format(name=name) for name in names),
    )


def _beside(block: Block) -> Block:
    """Pictures lie with the records."""
    if isinstance(block, Section):
        return replace(block, blocks=tuple(_beside(inner) for inner in block.blocks))
    if isinstance(block, Picture):
        return replace(block, name=f"{RECORDS.relative_to(HERE)}/{block.name}")
    return block


def drawings(everything: Sequence[Results]) -> dict[str, bytes]:
    """Learning curves and best designs, PNGs by name of their file."""
    drawn = {}
    for results in everything:
        if results.arguments or results.environment not in DRAWN:
            continue
        name = DRAWN[results.environment]
        contenders = tuple(e for e in results.summaries if e.solver in CONTENDERS)
        drawn[f"{name}-curves.png"] = png(learning_curves(replace(results, summaries=contenders)))
        drawn[f"{name}-designs.png"] = png(channels(results))
    return drawn


def main() -> None:
    """Writes the page and the pictures."""
    everything = read()
    made = document(everything)
    PAGE.write_text(markdown_page(made), encoding="utf-8")
    for picture in made.pictures():
        (HERE / picture.name).write_bytes(picture.data)
    for name, data in drawings(everything).items():
        (RECORDS.parent / name).write_bytes(data)


if __name__ == "__main__":
    main()
