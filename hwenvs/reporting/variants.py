"""Names for solvers that ran with several settings or budgets: ``ddpg (noise 0.5)``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hwenvs.canonical import settled
from hwenvs.solving.records import Run
from hwenvs.solving.solvers import ONE_DESIGN


def labels(runs: Sequence[Run]) -> list[str]:
    """What to call the solver of each run.

    That is its name, unless it ran on one environment with several settings, the evaluations that
    it was allowed among them; then its name and those settings in which its runs differ.
    """
    chosen: dict[tuple[str, str], set[str]] = {}
    for run in runs:
        settings = chosen.setdefault((run.solver, run.task), set())
        settings.add(_key(_settings(run)))
    several = {solver for (solver, _), settings in chosen.items() if len(settings) > 1}
    differing = {solver: _differing([r for r in runs if r.solver == solver]) for solver in several}
    return [_label(run, differing.get(run.solver, [])) for run in runs]


def _differing(runs: Sequence[Run]) -> list[str]:
    """Names of the settings that are not the same in all ``runs``."""
    every = [_settings(run) for run in runs]
    names = sorted({name for settings in every for name in settings})
    values = {name: {_key(settings.get(name)) for settings in every} for name in names}
    return [name for name in names if len(values[name]) > 1]


def _settings(run: Run) -> dict[str, Any]:
    """Hyper-parameters and budget; solvers that make one design need none."""
    if run.solver in ONE_DESIGN:
        return run.hyperparameters
    return {**run.hyperparameters, "evaluations": run.evaluations}


def _label(run: Run, names: Sequence[str]) -> str:
    settings = _settings(run)
    told = [f"{name} {settings[name]}" for name in names if name in settings]
    return f"{run.solver} ({', '.join(told)})" if told else run.solver


def _key(value: Any) -> str:
    return json.dumps(settled(value), sort_keys=True, default=str)
