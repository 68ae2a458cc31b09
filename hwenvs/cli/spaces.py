"""What ``hwenvs calibrate operator-selection`` does: the table of a search space."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwenvs.cli.console import output
from hwenvs.cli.progress import portable_command, steps

if TYPE_CHECKING:
    from hwenvs.networks import Space


def calibrate_space(
    space: str,
    out: Path,
    changes: dict[str, Any],
    data: Path | None,
    dataset: str | None,
    weights: Path | None,
    workers: int,
    zero_cost: int,
) -> None:
    """Measures the table of a search space."""
    import torch

    from hwenvs.calibration.images import find_dataset
    from hwenvs.calibration.spaces.bench import SupernetBench, open_supernet_bench
    from hwenvs.calibration.spaces.calibration import PLANS, SpaceCalibration, SpacePlan
    from hwenvs.calibration.spaces.table import write_space_table
    from hwenvs.networks import get_space

    torch.set_num_threads(1)  # workers have one thread each, and so has the only one
    known = get_space(space)
    given = {key: value for key, value in changes.items() if value is not None}
    plan = replace(PLANS.get(known.name, SpacePlan()), **given)

    def bench_on(rows: tuple[int, int]) -> SupernetBench:
        norm_rows = range(*plan.norm_images)
        return open_supernet_bench(known, norm_rows, range(*rows), data, weights, dataset)

    bench = bench_on(plan.evaluation_images)
    judge = None if plan.heldout_images is None else bench_on(plan.heldout_images)
    with steps() as report:
        calibration = SpaceCalibration(bench, plan, out, workers, report, judge)
        result = calibration.run()
        scores = score_correlations(known, result.fitted[:zero_cost], data, report)
    about = {
        **({"zero_cost": scores} if scores else {}),
        "data": find_dataset(known.name, dataset)[0],
        "command": portable_command(sys.argv[1:]),
    }
    paths = write_space_table(calibration, result, about)
    console = output()
    for key, value in result.fidelity().items():
        console.print(f"{key.replace('_', ' ')}: {value}")
    for path in paths:
        console.print(f"wrote {path}", markup=False)


def score_correlations(
    space: Space, measured: list[dict[str, Any]], data: Path | None, report: Any
) -> dict[str, Any]:
    """Rank correlations of scores without training with measured accuracies, for the card."""
    import numpy as np

    from hwenvs.proxies.zero_cost.correlation import correlations

    if not measured:
        return {}
    designs = np.array([record["design"] for record in measured])
    accuracies = np.array([record["top1"] for record in measured])
    found = correlations(space, designs, accuracies, data=data, progress=report)
    ranks = {name: round(rank, 4) if np.isfinite(rank) else None for name, rank in found.items()}
    return {"architectures": len(measured), "spearman": ranks}
