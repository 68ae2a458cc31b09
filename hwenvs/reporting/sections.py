"""What a report says about one environment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwenvs.problems import Problem
from hwenvs.problems.kinds import in_turn, kinds_of
from hwenvs.problems.progress import whole_of
from hwenvs.proxies import MeasuredProxy
from hwenvs.proxies.supernet import SupernetProxy
from hwenvs.reporting import drawing
from hwenvs.reporting.blocks import Block, Items, Paragraph, Picture, Section, Table
from hwenvs.reporting.curves import curves_text, learning_curves
from hwenvs.reporting.layers import channels, channels_text
from hwenvs.reporting.pareto import fronts_text, pareto_fronts
from hwenvs.reporting.results import Results
from hwenvs.reporting.table import budgets_note, full_headings, full_rows
from hwenvs.solving.records import Run
from hwenvs.text import LABELS, counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVES, FRONTS, CHANNELS = "learning_curves", "fronts", "channels"

CURVES_CAPTION = (
    "Best value so far over evaluations (finished designs): lines are medians over the runs, bands "
    "interquartile ranges. Numbers in the legend are the medians at the end."
)
FRONTS_CAPTION = (
    "{accuracy} at no more than a cost: fronts of all designs that the runs of a solver evaluated. "
    "Diamond: uniform; star: optimum, where it is certified; dotted line: the budget. Designs are "
    "lowered into a hard budget, so fronts end there. Designs far below the uniform one are cut "
    "off."
)
CHANNELS_CAPTION = (
    "What each decision keeps: best design of all solvers that had to look for one (bars), uniform "
    "design and optimum, where it is certified (marks), {whole} (pale)."
)

OPTIONS = {"budget", "constraint", "cost", "hardware", "network", "proxy", "reward", "space"}
"""Arguments of environments that ``hwenvs run`` has options for."""


def environment_section(results: Results, place: int) -> Section:
    """Everything about the ``place``-th environment, from 1 on.

    Raises:
        MissingExtraError: without matplotlib.
    """
    suffix = "" if place == 1 else f"-{place}"
    anchor = f"environment-{place}"
    blocks: list[Block] = [Paragraph(text) for text in _about(results)]
    blocks.append(Table(f"Runs on {results.title}.", full_headings(results), full_rows(results)))
    blocks.append(
        picture(f"{CURVES}{suffix}", learning_curves(results), curves_text(results), CURVES_CAPTION)
    )
    if (fronts := pareto_fronts(results)) is not None:
        measured = measures(results.problem)
        accuracy = "Highest measured accuracy" if measured else "Highest estimated accuracy"
        caption = FRONTS_CAPTION.format(accuracy=accuracy)
        blocks.append(picture(f"{FRONTS}{suffix}", fronts, fronts_text(results), caption))
    if hasattr(results.problem, "decisions"):
        kept = channels(results)
        caption = CHANNELS_CAPTION.format(whole=whole_of(results.problem.levels))
        blocks.append(picture(f"{CHANNELS}{suffix}", kept, channels_text(results), caption))
    blocks.append(Section("Designs", f"{anchor}-designs", tuple(_designs(results)), folded=True))
    blocks.append(
        Section("How to repeat it", f"{anchor}-repeat", tuple(_repeat(results)), folded=True)
    )
    return Section(results.title, anchor, tuple(blocks))


def picture(name: str, drawn: Figure, alt: str, caption: str) -> Picture:
    """A figure as a block; its file is called ``name`` and ends in ``.png``."""
    return Picture(f"{name}.png", alt, caption, drawing.png(drawn), float(drawn.get_figwidth()))


def _about(results: Results) -> list[str]:
    problem = results.problem
    text = (
        f"{problem.title}, {counted(problem.horizon, 'decision')}. {_accuracies(problem)} "
        f"(`hwenvs card {results.environment}` says more); the {whole_of(problem.levels)} has "
        f"{problem.baseline:.2%}. "
    )
    if results.optimum is None:
        text += "No optimum can be certified with this proxy: values are rewards."
    else:
        text += f"The {results.optimum.label}: {results.optimum.note}."
    if unproved := _unproved(results):
        text += f" In the records score 1 is the best known design: {', '.join(unproved)}."
    if unequal := budgets_note(results):
        text += f" **{unequal}**"
    if not results.stale:
        return [text]
    changed = (
        "**The environment has changed since these runs were recorded**: their best designs "
        "earn other rewards now. Accuracies and scores of runs are as recorded, those under "
        "“Designs” and of the references are today's."
    )
    return [text, changed]


def measures(problem: Problem) -> bool:
    """Whether every design is tried on real images itself."""
    return isinstance(getattr(problem, "proxy", None), MeasuredProxy | SupernetProxy)


def _accuracies(problem: Problem) -> str:
    """Where accuracies come from, as the beginning of a sentence."""
    card = problem.card
    if measures(problem):
        return f"Accuracies were measured design by design, on {card.data}"
    basis = (
        f"measured on {card.data}" if card.basis == "measured" else f"not measured but {card.basis}"
    )
    return f"Accuracies are estimates of a proxy, {basis}"


def _unproved(results: Results) -> list[str]:
    """What the scored runs say of their score 1 where that is not a proved optimum."""
    runs = [run for entry in results.summaries for run in entry.runs if run.scores is not None]
    return sorted({run.certificate for run in runs if run.certificate} - {"proved"})


def _designs(results: Results) -> list[Block]:
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
    problem, levels = results.problem, results.problem.levels
    numbered = ", ".join(f"{n} {name}" for n, name in enumerate(levels, 1))
    kept = in_turn(kinds_of(problem.names, problem.unit))
    what = f"Operators ({numbered})" if levels else f"Kept {kept}"
    return [
        Table(
            f"Best design of every solver; costs as fractions of the {whole_of(levels)}'s.",
            ["design", "accuracy", *(LABELS[quantity] for quantity in shown)],
            [
                [label, f"{outcome.accuracy[row]:.2%}"]
                + [f"{fractions[quantity][row]:.1%}" for quantity in shown]
                for row, label in enumerate(rows)
            ],
        ),
        Paragraph(f"{what}:"),
        Items(
            tuple(
                f"{label}: `{','.join(str(kept) for kept in design)}`"
                for label, design in rows.items()
            )
        ),
    ]


def _repeat(results: Results) -> list[Block]:
    """A command per solver, with its hyper-parameters and versions."""
    lines = []
    versions: dict[str, str] = {}
    for entry in results.summaries:
        first = entry.runs[0]
        versions |= first.versions
        lines.append(f"`{_command(entry.runs)}`{_settings(first.hyperparameters)}")
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    blocks: list[Block] = [Items(tuple(lines))]
    return [*blocks, Paragraph(f"Versions: {listed}.")] if listed else blocks


def _command(runs: Sequence[Run]) -> str:
    """What makes the runs of one solver again: on the command line, or in Python if it must be."""
    first = runs[0]
    listed = any(isinstance(value, Mapping | list) for value in first.arguments.values())
    if listed or not first.arguments.keys() <= OPTIONS:
        seeds = sorted(run.seed for run in runs)
        given = "".join(f", {key}={value!r}" for key, value in first.arguments.items())
        call = f"{first.solver!r}, {first.environment!r}, {first.evaluations}, seed{given}"
        return f"[solve({call}) for seed in {seeds}]"
    command = ["hwenvs", "run", first.environment, "--solver", first.solver]
    command += ["--evaluations", str(first.evaluations), "--seeds", _seed_text(runs)]
    for key, value in first.arguments.items():
        command += [f"--{key.replace('_', '-')}", "none" if value is None else str(value)]
    return shlex.join(command)


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
