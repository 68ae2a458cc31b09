"""Names for solvers that ran with several settings: ``ddpg (noise 0.5)``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hwenvs.records import Run


def labels(runs: Sequence[Run]) -> list[str]:
    """What to call the solver of each run.

    That is its name, unless it ran on one environment with several settings; then its name and
    those settings in which its runs differ.
    """
    chosen: dict[tuple[str, str], set[str]] = {}
    for run in runs:
        settings = chosen.setdefault((run.solver, run.task), set())
        settings.add(_key(run.hyperparameters))
    several = {solver for (solver, _), settings in chosen.items() if len(settings) > 1}
    differing = {solver: _differing([r for r in runs if r.solver == solver]) for solver in several}
    return [_label(run, differing.get(run.solver, [])) for run in runs]


def _differing(runs: Sequence[Run]) -> list[str]:
    """Names of the settings that are not the same in all ``runs``."""
    names = sorted({name for run in runs for name in run.hyperparameters})
    values = {name: {_key(run.hyperparameters.get(name)) for run in runs} for name in names}
    return [name for name in names if len(values[name]) > 1]


def _label(run: Run, names: Sequence[str]) -> str:
    told = [f"{name} {run.hyperparameters[name]}" for name in names if name in run.hyperparameters]
    return f"{run.solver} ({', '.join(told)})" if told else run.solver


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
