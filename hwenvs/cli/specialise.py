"""``hwenvs specialise``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hwenvs.cli import options, outputs
from hwenvs.cli.console import output
from hwenvs.errors import AnalyticProxyWarning
from hwenvs.extras import require
from hwenvs.files import replacing, write_json

CHIPS = "bismo-edge,bismo-cloud,bitfusion:energy,counts:size"


def specialise(
    environment: options.EnvironmentArgument,
    hardware: Annotated[
        str,
        typer.Option(
            help="Chips between commas; NAME:COST where costs differ.",
            show_default=CHIPS.replace(",", ", "),  # such a long word would be cut
        ),
    ] = CHIPS,
    budget: Annotated[float, typer.Option(help="Fraction of the uncompressed cost.")] = 0.6,
    cost: Annotated[str, typer.Option(help="What is budgeted.")] = "latency",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for specialisation.json and .png.", callback=outputs.folder),
    ] = None,
    network: options.NetworkOption = None,
    space: options.SpaceOption = None,
) -> None:
    """Design for several chips; evaluate every chip's best design on every other.

    Rows: the chip that the certified optimum was found for.  Columns: where it is deployed, scaled
    to that chip's budget.
    """
    from hwenvs.hardware import get_hardware
    from hwenvs.reporting.specialisation import heat_map, specialise

    if out is not None:
        require("hwenvs specialise --out", "matplotlib")
    options.check_environment(environment)
    chips = options.parse_names(hardware)
    for chip in chips:
        get_hardware(chip.partition(":")[0])  # an unknown one is told before they are counted
    given = options.environment_arguments(network=network, space=space)
    options.check_subject(environment, given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnalyticProxyWarning)  # the note says it without code
        found = specialise(environment, chips, budget, cost, **given)
    options.note_unmeasured(found.card)
    table = Table(title=f"{found.title}, {budget:.0%} of the cost: accuracy, and cost as designed")
    table.add_column("designed for")
    for chip in found.chips:
        table.add_column(f"on {chip}", justify="right")
    for i, chip in enumerate(found.chips):
        cells = [
            f"{accuracy:.2%} ({fraction:.0%})"
            for accuracy, fraction in zip(found.fitted[i], found.fraction[i], strict=True)
        ]
        table.add_row(chip, *cells)
    output().print(table)
    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    record = {
        "environment": environment,
        "budget": budget,
        "costs": dict(found.cost),
        "designs": dict(zip(found.chips, found.designs, strict=True)),
        "basis": found.card.basis,
        "accuracy": found.accuracy.tolist(),
        "fraction": found.fraction.tolist(),
        "fitted": found.fitted.tolist(),
    }
    write_json(out / "specialisation.json", record)
    with replacing(out / "specialisation.png") as temporary:
        heat_map(found).savefig(temporary, format="png")
    written = ["specialisation.json", "specialisation.png"]
    if found.space is not None:
        from hwenvs.reporting.architectures import architectures

        rows = [
            (f"{chip}: {accuracy:.2%} accuracy", design)
            for chip, accuracy, design in zip(
                found.chips, found.accuracy, found.designs, strict=True
            )
        ]
        with replacing(out / "architectures.png") as temporary:
            architectures(found.space, rows).savefig(temporary, format="png")
        written.append("architectures.png")
    for name in written:
        output().print(f"wrote {out / name}", markup=False, soft_wrap=True)
