"""Steps per second of the bundled DDPG beside Stable-Baselines3's, on one core.

    OMP_NUM_THREADS=1 python benchmarks/ddpg_against_sb3.py

Both learn on the same environment with two hidden layers of 300 units, batches of 64 and one update
of actor and critic per step; they take turns in one process.  Counted are the episodes after the
warm-up, by the process's own time, so that other jobs on the machine count less; the median of the
rounds is shown, and the median of the ratios of neighbouring rounds.

Stable-Baselines3 is timed as leanly as it can be used: without its Monitor and logger, with
one-step targets, and with torch set as for the bundled agent (one thread, numbers below 1e-38 are
zero).  ``--plain`` times what a user types instead: ``DDPG("MlpPolicy", ID).learn(...)``;
``--fused`` gives it torch's fused optimizer, which the bundled agent has and which is not its own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import gymnasium as gym
import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.noise import NormalActionNoise

import hwenvs
from hwenvs.solving import Solver, get_solver, solve

WARMUP = 10
BATCH = 64
HIDDEN = (300, 300)


def timed_solver(solver: Solver, name: str, episodes: int, seed: int) -> float:
    """Steps per second of ``solver`` after its warm-up."""
    stamps: list[float] = []
    solve(
        solver,
        name,
        # One more than the warm-up before the first stamp that counts: all later ones learn.
        evaluations=WARMUP + 1 + episodes,
        seed=seed,
        callback=lambda *_: stamps.append(time.process_time()),
    )
    horizon = gym.spec(name).make().unwrapped.problem.horizon
    return episodes * horizon / (stamps[-1] - stamps[WARMUP])


class Stamps(BaseCallback):
    """Process time at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def _on_step(self) -> bool:
        self.times.append(time.process_time())
        return True


def timed_plain(name: str, episodes: int, seed: int) -> float:
    """Steps per second of ``DDPG("MlpPolicy", name).learn(...)`` after its warm-up."""
    horizon = gym.spec(name).make().unwrapped.problem.horizon
    stamps = Stamps()
    model = stable_baselines3.DDPG(
        "MlpPolicy",
        name,
        batch_size=BATCH,
        learning_starts=WARMUP * horizon,
        train_freq=(1, "episode"),
        gradient_steps=-1,
        action_noise=NormalActionNoise(np.zeros(1), np.full(1, 0.5)),
        policy_kwargs={"net_arch": list(HIDDEN)},
        seed=seed,
        device="cpu",
    )
    model.learn((WARMUP + 2 + episodes) * horizon, callback=stamps)
    first, last = (WARMUP + 1) * horizon - 1, (WARMUP + 1 + episodes) * horizon - 1
    return episodes * horizon / (stamps.times[last] - stamps.times[first])


def main() -> None:
    """Reads the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", nargs="?", default="AMC-MobileNetV1-v0")
    parser.add_argument("--episodes", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--fused", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    common = {"hidden": HIDDEN, "batch": BATCH, "warmup": WARMUP, "updates": 1.0}
    ours = get_solver("ddpg", **common)
    # So little decay changes nothing; what decays has a fused optimizer.
    decay = 1e-12 if given.fused else 0.0
    theirs = get_solver("sb3-ddpg", lookahead=1, weight_decay=decay, **common)
    contestants: dict[str, Callable[[int], float]] = {
        "hwenvs ddpg": lambda seed: timed_solver(ours, given.environment, given.episodes, seed),
        "stable-baselines3": lambda seed: (
            timed_plain(given.environment, given.episodes, seed)
            if given.plain
            else timed_solver(theirs, given.environment, given.episodes, seed)
        ),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for seed in range(given.rounds + 1):
        for name, run in contestants.items():
            rate = run(seed)
            if seed:  # the first round warms everything up
                rates[name].append(rate)
    print(f"{given.environment}, hwenvs {hwenvs.__version__}, torch {torch.__version__}, ", end="")
    print(f"stable-baselines3 {stable_baselines3.__version__}")
    for name, found in rates.items():
        print(f"{name:18} {median(found):7.0f} steps/s  ({min(found):.0f} to {max(found):.0f})")
    first, second = rates.values()
    print(f"ratio              {median(a / b for a, b in zip(first, second, strict=True)):7.2f}")


if __name__ == "__main__":
    main()
