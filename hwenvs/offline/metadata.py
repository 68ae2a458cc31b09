"""What a data set says about itself: the environment, where its episodes come from, its scores."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import hwenvs
from hwenvs.errors import SolverError
from hwenvs.offline.episodes import problem_of
from hwenvs.solving.records import Run, versions
from hwenvs.text import counted


def default_name(runs: Sequence[Run]) -> str:
    """``hwenvs/amc-resnet20/cma-es-v0``: the environment, and the solver (``mixed`` if several)."""
    environment = runs[0].environment.rpartition(":")[2].lower()
    solvers = {run.solver for run in runs}
    solver = re.sub(r"[^-\w]+", "-", solvers.pop()) if len(solvers) == 1 else "mixed"
    return f"hwenvs/{re.sub(r'-v[0-9]+$', '', environment)}/{solver}-v0"


def episode_metadata(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """What Minari's collectors say of an episode, and where it comes from."""
    for run in runs:
        for index, (design, reward) in enumerate(zip(run.designs, run.rewards, strict=True)):
            rewards = np.append(np.zeros(len(design) - 1), reward)
            yield {
                "rewards_sum": float(rewards.sum()),
                "rewards_mean": float(rewards.mean()),
                "rewards_std": float(rewards.std()),
                "rewards_max": float(rewards.max()),
                "rewards_min": float(rewards.min()),
                "solver": run.solver,
                "solver_seed": run.seed,
                "evaluation": index,
                "design": list(design),
            }


def dataset_metadata(
    runs: Sequence[Run],
    env: gym.Env[Any, Any],
    name: str,
    description: str | None,
    author: str | None,
    author_email: str | None,
) -> dict[str, Any]:
    """What Minari's collectors say of a data set, and under ``hwenvs`` where it comes from.

    Args:
        runs: records of one environment.
        env: that environment.
        name: of the data set.
        description: in a sentence; None for one about solvers and environment.
        author: of the data set; None leaves it out.
        author_email: likewise.
    """
    from minari import __version__

    found: dict[str, Any] = {
        "dataset_id": name,
        "minari_version": __version__,
        "algorithm_name": ", ".join(dict.fromkeys(run.solver for run in runs)),
        "description": description or _description(runs),
        "requirements": [f"hwenvs=={hwenvs.__version__}"],
        "hwenvs": {
            "environment": runs[0].environment,
            "arguments": runs[0].arguments,
            "replayed_with": versions(),
            "runs": [_source(run) for run in runs],
        },
        **_reference_scores(env),
    }
    given = {"author": author, "author_email": author_email}
    return {**found, **{key: {value} for key, value in given.items() if value is not None}}


def _source(run: Run) -> dict[str, Any]:
    return {
        "solver": run.solver,
        "seed": run.seed,
        "episodes": len(run.designs),
        "hyperparameters": run.hyperparameters,
        "versions": run.versions,
    }


def _reference_scores(env: gym.Env[Any, Any]) -> dict[str, float]:
    """The ends of the score, so that Minari's normalised score is the one of this package."""
    from hwenvs.baselines.exact import optimum

    problem = problem_of(env)
    try:
        best = optimum(problem).reward
    except SolverError:  # accuracies are measured: nobody knows the best
        return {}
    zero = float(problem.reference.reward[0])
    return {"ref_min_score": zero, "ref_max_score": best} if best > zero else {}


def _description(runs: Sequence[Run]) -> str:
    designs = counted(sum(len(run.designs) for run in runs), "design")
    solvers = ", ".join(dict.fromkeys(run.solver for run in runs))
    return f"{designs} that {solvers} evaluated on {runs[0].environment}, in order"
