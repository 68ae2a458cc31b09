"""``hwenvs profile``: how long the layers of networks take on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from hwenvs.cli import outputs
from hwenvs.cli.console import output
from hwenvs.cli.progress import steps
from hwenvs.text import counted

NETWORK_HELP = "Network of the zoo, e.g. mobilenet_v1, or a search space, e.g. proxyless."
LEVELS_HELP = "Widths of each group of channels of a network."
SIGHTINGS_HELP = "Times that every operator of a search space is seen."
RUNTIME_HELP = "onnxruntime or torch; default: onnxruntime where it is installed."


def profile(
    network: Annotated[str, typer.Argument(help=NETWORK_HELP)],
    out: Annotated[Path, typer.Option(help="Table to write, a .json file.", callback=outputs.file)],
    runtime: Annotated[str | None, typer.Option(help=RUNTIME_HELP)] = None,
    threads: Annotated[int, typer.Option(min=1, help="Processor cores an operator may use.")] = 1,
    levels: Annotated[int, typer.Option(min=2, help=LEVELS_HELP)] = 8,
    sightings: Annotated[int, typer.Option(min=1, help=SIGHTINGS_HELP)] = 4,
    rounds: Annotated[int, typer.Option(min=1, help="Times that everything is measured.")] = 3,
    repetitions: Annotated[int, typer.Option(min=1, help="Runs that count in each round.")] = 20,
    warm_up: Annotated[int, typer.Option(min=0, help="Runs before them.")] = 5,
    check: Annotated[
        int, typer.Option(min=0, help="Random designs to predict and to measure as a whole.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random designs.")] = 0,
) -> None:
    """Measure the latency of a network's layers on this machine, as a table for hardware=FILE.

    Layers are timed inside runs of the whole network, pruned to a grid of widths; of a search space
    inside architectures that show every operator several times.  Stop it at any time: the same
    command continues from the journal beside the table; delete the journal to measure anew.  The
    figures are those of this machine: they belong on no leaderboard.
    """
    from hwenvs.errors import ArgumentError
    from hwenvs.profiling.profile import Profiler, Settings
    from hwenvs.profiling.runtimes import get_runtime
    from hwenvs.profiling.subjects import get_subject

    if out.suffix != ".json":
        raise ArgumentError(f"--out must be a .json file, not {str(out)!r}")
    if check == 1:
        raise ArgumentError("--check needs at least 2 designs to rank")
    settings = Settings(rounds, repetitions, warm_up, seed)
    subject, chosen = get_subject(network, levels, sightings), get_runtime(runtime, threads)
    with steps() as report:
        profiler = Profiler(subject, chosen, out, settings, report)
        table = profiler.table()
        if check:
            table = profiler.check(table, check)
    console = output()
    if check:
        console.print(_designs(table["check"]))
    console.print(_summary(table), soft_wrap=True, markup=False)


def _designs(check: dict[str, Any]) -> Table:
    """Predicted beside measured latency, fastest first."""
    shown = Table(box=SIMPLE_HEAD)
    for heading in ("predicted ms", "measured ms", "spread ms", "error"):
        shown.add_column(heading, justify="right")
    columns = ("predicted_ms", "measured_ms", "measured_spread_ms")
    for predicted, measured, spread in sorted(zip(*(check[c] for c in columns), strict=True)):
        error = predicted / measured - 1.0
        shown.add_row(f"{predicted:.3f}", f"{measured:.3f}", f"{spread:.3f}", f"{error:+.1%}")
    return shown


def _summary(table: dict[str, Any]) -> str:
    lines = [table["source"]]
    if "check" in table:
        check = table["check"]
        rank = "undefined" if check["spearman"] is None else f"{check['spearman']:.3f}"
        lines.append(
            f"{counted(len(check['designs']), 'random design')} as a whole: Spearman {rank}, mean "
            f"error {check['mean_error']:.1%}, largest {check['largest_error']:.1%}"
        )
    whole = f"whole runs take {table['factor']:.3f} times the sum of their layers"
    # Below 0 it is nothing that a profiler can take: whole runs spend it beside their layers.
    overhead = round(table["overhead_us"], 1)
    if overhead > 0:
        whole += f", less the {overhead} µs a layer that the profiler took"
    elif overhead < 0:
        whole += f", plus {-overhead} µs a layer spent between them"
    lines.append(f"blocks of {table['block']} channels, {whole}")
    return "\n".join(lines)
