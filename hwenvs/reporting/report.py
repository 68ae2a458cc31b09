"""The report folder: a page, its figures, and the runs themselves."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwenvs.files import replacing
from hwenvs.records import Run, write_runs
from hwenvs.reporting.results import Results, collect
from hwenvs.reporting.table import markdown, markdown_table
from hwenvs.text import LABELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE, RUNS = "report.md", "runs.jsonl"
CURVES, CHANNELS = "learning_curves", "channels"

EXPLANATION = """\
A score of 0 is the uniform design at the same budget, 1 is the optimum. The median and the
interquartile mean (IQM, with a 95 % bootstrap interval) are over the best scores of the runs;
accuracy is that of the best design of all runs, as the proxy estimates it; an evaluation is one
finished design. The band in the figure is the interquartile range.
"""


def write_report(runs: Sequence[Run], folder: Path) -> list[Results]:
    """Writes ``report.md``, the figures and ``runs.jsonl`` into ``folder``.

    Runs on several environments get a section and figures each; the files of the second are
    called ``learning_curves-2.png`` and so on.

    Args:
        runs: the records.
        folder: made if it is missing; files in it are replaced.

    Returns:
        What the page shows, environment by environment.

    Raises:
        ArgumentError: if there are no runs.
        MissingExtraError: without matplotlib.
    """
    from hwenvs.reporting.plots import channels, learning_curves

    collected = collect(runs)
    folder.mkdir(parents=True, exist_ok=True)
    write_runs(folder / RUNS, runs)
    sections = []
    for place, results in enumerate(collected, start=1):
        suffix = "" if place == 1 else f"-{place}"
        _save(learning_curves(results), folder / f"{CURVES}{suffix}.png")
        _save(channels(results), folder / f"{CHANNELS}{suffix}.png")
        sections.append(_section(results, suffix))
    with replacing(folder / PAGE) as temporary:
        temporary.write_text("\n".join(["# Report\n", *sections]), encoding="utf-8")
    return collected


def report_files(folder: Path, environments: int) -> list[Path]:
    """What :func:`write_report` writes for runs on some number of environments."""
    suffixes = ["", *(f"-{place}" for place in range(2, environments + 1))]
    figures = [f"{name}{suffix}.png" for suffix in suffixes for name in (CURVES, CHANNELS)]
    return [folder / name for name in (PAGE, *figures, RUNS)]


def _section(results: Results, suffix: str) -> str:
    parts = [
        f"## {results.title}\n",
        _about(results),
        markdown_table(results),
        EXPLANATION,
        f"![Learning curves]({CURVES}{suffix}.png)\n",
        f"![Channels kept per layer]({CHANNELS}{suffix}.png)\n",
        "### Designs\n",
        _designs(results),
        "### How to repeat it\n",
        _repeat(results),
    ]
    return "\n".join(parts)


def _about(results: Results) -> str:
    problem, card = results.problem, results.problem.card
    basis = (
        f"measured on {card.data}" if card.basis == "measured" else f"not measured but {card.basis}"
    )
    text = (
        f"{problem.title}, {problem.horizon} decisions. Accuracies are estimates of a proxy, "
        f"{basis} (`hwenvs card {results.environment}` says more); the uncompressed network has "
        f"{problem.baseline:.2%}. "
    )
    if results.optimum is None:
        text += "No optimum can be certified with this proxy: values are rewards.\n"
    else:
        text += f"The {results.optimum.label}: {results.optimum.note}.\n"
    if results.stale:
        text += (
            "\n**The environment has changed since these runs were recorded**: their best designs "
            "earn other rewards now. Accuracies and scores of runs are as recorded, those under "
            "*Designs* and of the references are today's.\n"
        )
    return text


def _designs(results: Results) -> str:
    """Best design of every solver, the reference and the optimum."""
    rows: dict[str, tuple[int, ...]] = {}
    for entry in results.summaries:
        run = entry.best
        rows[f"{entry.solver}, seed {run.seed}"] = tuple(run.designs[run.best])
    for reference in (results.uniform, results.optimum):
        if reference is not None and reference.design not in rows.values():
            rows[reference.label] = reference.design
    outcome = results.problem.evaluate(list(rows.values()))
    fractions = results.problem.fractions(outcome.costs)
    shown = [quantity for quantity in fractions if quantity in LABELS]
    heads = ["design", "accuracy", *(LABELS[quantity] for quantity in shown)]
    table = markdown(
        heads,
        [
            [label, f"{outcome.accuracy[row]:.2%}"]
            + [f"{fractions[quantity][row]:.1%}" for quantity in shown]
            for row, label in enumerate(rows)
        ],
    )
    unit = results.problem.unit
    listed = "".join(
        f"- {label}: `{','.join(str(kept) for kept in design)}`\n" for label, design in rows.items()
    )
    levels = ", ".join(f"{n} {name}" for n, name in enumerate(results.problem.levels, 1))
    what = f"Operators ({levels})" if levels else f"Kept {unit}"
    return f"{table}\nCosts are fractions of the uncompressed network's. {what}:\n\n{listed}"


def _repeat(results: Results) -> str:
    """A command per solver, with its hyper-parameters and versions."""
    lines = []
    versions: dict[str, str] = {}
    for entry in results.summaries:
        first = entry.runs[0]
        versions |= first.versions
        command = ["hwenvs", "run", results.environment, "--solver", entry.solver]
        command += ["--evaluations", str(first.evaluations), "--seeds", _seed_text(entry.runs)]
        for key, value in results.arguments.items():
            command += [f"--{key.replace('_', '-')}", "none" if value is None else str(value)]
        lines.append(f"- `{shlex.join(command)}`{_settings(first.hyperparameters)}\n")
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return "".join(lines) + (f"\nVersions: {listed}.\n" if listed else "")


def _seed_text(runs: Sequence[Run]) -> str:
    """Seeds as ``hwenvs run --seeds`` takes them: a count from 0 on, or a list."""
    seeds = [run.seed for run in runs]
    if sorted(seeds) == list(range(len(seeds))):
        return str(len(seeds))
    return ",".join(map(str, seeds)) + ("," if len(seeds) == 1 else "")


def _settings(hyperparameters: dict[str, Any]) -> str:
    if not hyperparameters:
        return ""
    return " with " + ", ".join(f"{key} {value}" for key, value in hyperparameters.items())


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")
