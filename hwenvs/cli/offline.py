"""``hwenvs export-minari``: runs as an offline data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwenvs.cli import options
from hwenvs.cli.console import output
from hwenvs.cli.report import read_results
from hwenvs.registration import bare_id
from hwenvs.text import counted


def export_minari(
    records: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS...", help="Files of run or compare (.jsonl), or a sweep's folder."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAMESPACE/NAME-vN", help="Of the data set; default: environment and solver."
        ),
    ] = None,
    environment: Annotated[
        str | None, typer.Option(metavar="ID", help="Only runs of this environment.")
    ] = None,
    solvers: Annotated[
        str | None, typer.Option(help="Only runs of these, names between commas.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="For the metadata.")] = None,
    author_email: Annotated[str | None, typer.Option(help="For the metadata.")] = None,
    data_format: Annotated[
        str, typer.Option("--format", help="arrow, parquet or hdf5 (needs h5py).")
    ] = "arrow",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a data set of this name.")
    ] = False,
) -> None:
    """Export runs as a Minari data set for offline reinforcement learning.

    Every recorded design is walked again with the actions that ask for it, and must earn what the
    record says.  An episode is an evaluation; they keep their order.  The data set goes where
    Minari looks for it: MINARI_DATASETS_PATH, or ~/.minari/datasets.
    """
    from hwenvs.offline import export_minari as export

    runs = [run for path in records for run in read_results(path)]
    if environment is not None:
        environment = bare_id(environment)
        options.check_environment(environment)
        runs = [run for run in runs if run.environment == environment]
    if solvers is not None:
        names = options.parse_names(solvers)
        runs = [run for run in runs if run.solver in names]
    dataset = export(
        runs,
        name,
        author=author,
        author_email=author_email,
        data_format=data_format,
        overwrite=overwrite,
    )
    output().print(
        f"{dataset.id}: {counted(dataset.total_episodes, 'episode')}, "
        f"{counted(dataset.total_steps, 'step')} in "
        f"{dataset.storage.data_path}",
        markup=False,
        soft_wrap=True,
    )
