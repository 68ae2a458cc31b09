"""Looks for settings of the Stable-Baselines3 solvers, with Optuna.

    OMP_NUM_THREADS=1 python benchmarks/tune_sb3.py sb3-ppo --trials 60 --workers 2

A trial runs the solver on the tuning environments, 400 evaluations for each of several seeds, and
is worth the mean over environments of the median final score.  The first trial is what the
solver's YAML says now; settings that fall behind on the first environments are given up.  Trials
are kept in a journal, so that an interrupted study goes on where it stopped (``--trials`` counts
all of them), and several processes may work on one.  In the end the best settings are printed as
the YAML; ``--write`` puts them into its place.

The tuning environments are on no leaderboard: the small CIFAR-10 networks for fractions; for
choices operator selection with a chip and a budget that no suite has.
"""

from __future__ import annotations

import argparse
import dataclasses
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import optuna
import yaml
from optuna.storages.journal import JournalFileBackend

from hwenvs.baselines import stable_baselines
from hwenvs.solving import get_solver
from hwenvs.solving.pool import solve_many

FRACTIONS: tuple[dict[str, Any], ...] = (
    {"environment": "AMC-ResNet20-v0"},
    {"environment": "HAQ-ResNet20-v0"},
)
CHOICES: dict[str, Any] = {
    "environment": "NAS-ProxylessCIFAR-v0",
    "hardware": "gpu",
    "budget": 0.85,
}
TASKS = dict.fromkeys(("sb3-dqn", "sb3-maskable-ppo"), (*FRACTIONS, CHOICES))
"""Tuning environments of the solvers that choose; all others have the first two."""

REPLAY: dict[str, Any] = {
    "width": [64, 128, 300],
    "rate": (1e-4, 1e-2),
    "batch": [32, 64, 128],
    "lookahead": [0, 1, 4],
    "warmup": [10, 20, 40, 80],
    "updates": [0.5, 1.0],  # a quarter was clearly worse, at three rates
}
ACTOR: dict[str, Any] = {
    **REPLAY,
    "width": [64, 128],  # 300 takes minutes a run
    "updates": [0.5],
    "soft_update": (3e-3, 5e-2),
    "weight_decay": [0.0, 0.3, 1.0, 3.0],
}
NOISY: dict[str, Any] = {
    **ACTOR,
    "sigma": (0.1, 1.0),
    "sigma_decay": [0.97, 0.98, 0.99, 0.995, 1.0],
}
SOFT: dict[str, Any] = {**ACTOR, "entropy": (1e-3, 0.3), "target_entropy": [-3.0, -2.0, -1.0, 0.0]}
POLICY: dict[str, Any] = {
    "width": [16, 64, 128],
    "rate": (1e-4, 3e-2),
    "episodes": [2, 4, 8, 16],
    "gae_lambda": [0.9, 0.95, 1.0],
    "entropy": [0.0, 1e-3, 1e-2],
    "log_std": [-1.5, -1.0, -0.7, -0.4, 0.0],
}
PROXIMAL: dict[str, Any] = {
    **POLICY,
    "episodes": [4, 8, 16],
    "batch_episodes": [1, 2, 4],
    "epochs": [5, 10, 20],
    "clip": [0.1, 0.2, 0.3],
}
MASKABLE: dict[str, Any] = {**PROXIMAL, "levels": [8, 11, 21]}
MASKABLE.pop("log_std")

SPACES: dict[str, dict[str, Any]] = {
    "sb3-ddpg": NOISY,
    "sb3-td3": {**NOISY, "policy_delay": [1, 2, 3], "target_noise": [0.0, 0.05, 0.1, 0.2]},
    "sb3-sac": SOFT,
    "sb3-tqc": {**SOFT, "dropped": [0, 2, 5]},
    "sb3-dqn": {
        **REPLAY,
        "levels": [8, 11, 21],
        "target_episodes": [1, 4, 10],
        "exploration": [0.25, 0.5, 0.75],
        "epsilon": [0.01, 0.02, 0.05],
    },
    "sb3-ppo": PROXIMAL,
    "sb3-a2c": POLICY,
    "sb3-maskable-ppo": MASKABLE,
    "sb3-recurrent-ppo": {**PROXIMAL, "memory": [16, 32, 64]},
    "sb3-ars": {
        "width": [0, 8, 16],
        "directions": [2, 4, 8],
        "best": [1, 2, 4],
        "rate": (0.02, 1.0),
        "spread": (0.02, 1.0),
    },
}
"""What is searched: lists are choices, pairs are ranges on a logarithmic scale."""


def settings_of(name: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """Hyper-parameters of a solver for what a trial has ``chosen``: ``width`` for all layers."""
    settings = dict(chosen)
    width = settings.pop("width")
    settings["hidden"] = [width] * (2 if name != "sb3-ars" else 1) if width else []
    if name == "sb3-ars":
        settings["best"] = min(settings["best"], settings["directions"])
    return settings


def now(name: str) -> dict[str, Any]:
    """What the YAML says, as a trial would choose it."""
    current = dict(get_solver(name).hyperparameters)
    current["width"] = (*current["hidden"], 0)[0]
    return {key: current[key] for key in SPACES[name]}


def suggested(trial: optuna.Trial, name: str) -> dict[str, Any]:
    """Draws from the space of a solver."""
    chosen: dict[str, Any] = {}
    for key, values in SPACES[name].items():
        if isinstance(values, tuple):
            chosen[key] = trial.suggest_float(key, *values, log=True)
        else:
            chosen[key] = trial.suggest_categorical(key, values)
    return settings_of(name, chosen)


def worth(trial: optuna.Trial, given: argparse.Namespace) -> float:
    """Mean over environments of the median final score."""
    solver = get_solver(given.solver, **suggested(trial, given.solver))
    medians: list[float] = []
    for place, task in enumerate(TASKS.get(given.solver, FRACTIONS)):
        common = {**task, "solver": solver, "evaluations": given.evaluations}
        tasks = [{**common, "seed": seed} for seed in range(given.seeds)]
        runs = [run for _, run in solve_many(tasks, given.workers)]
        medians.append(median(float(run.best_so_far()[-1]) for run in runs))
        trial.report(sum(medians) / len(medians), place)
        if trial.should_prune():
            raise optuna.TrialPruned
    return sum(medians) / len(medians)


def done(study: optuna.Study) -> int:
    """Trials that came to an end, given up or not; those of a killed process did not."""
    finished = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    return len(study.get_trials(deepcopy=False, states=finished))


def yaml_text(study: optuna.Study, given: argparse.Namespace) -> str:
    """The YAML of the best settings, with how they were found."""
    name = given.solver
    solver = get_solver(name, **settings_of(name, study.best_params))
    before = study.trials[0].value
    notes = (
        f"Best of {done(study)} trials of `python benchmarks/tune_sb3.py {name}`,",
        f"{datetime.now(UTC):%Y-%m-%d}, stable-baselines3 {version('stable-baselines3')}.",
        f"Worth: mean over {'; '.join(described(task) for task in TASKS.get(name, FRACTIONS))}",
        f"of the median of {given.seeds} scores after {given.evaluations} evaluations.",
        f"Found: {study.best_value:.3f}; before: {before:.3f}.",
    )
    values = dataclasses.asdict(solver.settings)  # type: ignore[attr-defined]
    rounded = {key: _rounded(value) for key, value in values.items()}
    body = yaml.safe_dump(rounded, sort_keys=False, default_flow_style=None)
    return "".join(f"# {line}\n" for line in notes) + body


def described(task: dict[str, Any]) -> str:
    """A tuning environment in words."""
    changes = [f"{key}={value}" for key, value in task.items() if key != "environment"]
    return f"{task['environment']} ({', '.join(changes)})" if changes else task["environment"]


def _rounded(value: object) -> object:
    """Three digits are plenty; tuples become lists."""
    if isinstance(value, tuple):
        return list(value)
    return float(f"{value:.3g}") if isinstance(value, float) else value


def main() -> None:
    """Reads the command line, tunes and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("solver", choices=SPACES)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--evaluations", type=int, default=400)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--journal", type=Path, default=Path("tune_sb3.journal"))
    parser.add_argument("--write", action="store_true", help="replace the solver's YAML")
    given = parser.parse_args()
    study = optuna.create_study(
        study_name=f"{given.solver}, {given.evaluations} evaluations, {given.seeds} seeds",
        storage=optuna.storages.JournalStorage(JournalFileBackend(str(given.journal))),
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=12),
        load_if_exists=True,
    )
    # Another seed after an interruption: the same one would draw the first trials once more.
    seed = len(study.trials)
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=12, multivariate=True, seed=seed)
    if not study.trials:
        study.enqueue_trial(now(given.solver))
    left = given.trials - done(study)
    if left > 0:
        study.optimize(lambda trial: worth(trial, given), n_trials=left)
    text = yaml_text(study, given)
    print(text, end="")
    if given.write:
        folder = Path(stable_baselines.__file__).parent
        (folder / f"{given.solver}.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
