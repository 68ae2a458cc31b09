"""Fills the table of docs/multiobjective.md: ``python docs/generate_fronts.py``."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
from blocks import filled

import hwenvs  # noqa: F401  # registers
from hwenvs.multiobjective.environment import MultiObjectiveEnv
from hwenvs.solving import solve
from hwenvs.text import LABELS

PAGE = Path(__file__).with_name("multiobjective.md")

SHOWN = ("MO-AMC-ResNet20-v0", "MO-HAQ-ResNet20-v0", "MO-NAS-ProxylessCIFAR-v0")
SOLVERS = ("nsga2", "random")
EVALUATIONS, SEEDS = 400, 3

HEAD = """\
| environment | designs of the front | they have | `nsga2` | `random` |
| --- | ---: | ---: | --- | --- |"""


def shares() -> str:
    """How much of the bound solvers dominate, and how much the certified front does."""
    return "\n".join([HEAD, *(row(name) for name in SHOWN)])


def row(name: str, solvers: tuple[str, ...] = SOLVERS) -> str:
    """A line of the table."""
    env = gym.make(name).unwrapped
    assert isinstance(env, MultiObjectiveEnv)
    front = env.certified_front()
    own = f"{front.hypervolume / front.hypervolume_bound:.3f}"
    cells = [f"`{name}`, {LABELS[env.objectives[1]]}", str(len(front.designs)), own]
    for solver in solvers:
        runs = [
            solve(solver, name.removeprefix("MO-"), EVALUATIONS, seed, budget=1.0)
            for seed in range(SEEDS)
        ]
        cells.append(", ".join(f"{front.share(run):.3f}" for run in runs))
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE, {"shares": shares}), encoding="utf-8")
