"""Environment steps per second of Stable-Baselines3's ``VecEnv`` classes and of ``DesignVecEnv``.

    python benchmarks/sb3_vec_env.py AMC-MobileNetV1-v0

prints a table.  All take turns in one process; the clock on the wall counts, because
``SubprocVecEnv`` works in other processes, and medians of the rounds and of the ratios to
``DummyVecEnv`` in the same round are shown.  Actions are drawn beforehand, no algorithm runs.
``PPO`` is timed on the first and the last as well: what is left once it learns.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

from hwenvs.baselines.stable_baselines import DesignVecEnv

ROUNDS = 5
STEPS = 300
DRAWN = 16


def rate(envs: VecEnv, actions: np.ndarray) -> float:
    """Environment steps per second."""
    envs.reset()
    start = time.perf_counter()
    for step in range(STEPS):
        envs.step(actions[step % DRAWN])
    return STEPS * envs.num_envs / (time.perf_counter() - start)


def learning_rate(envs: VecEnv) -> float:
    """Environment steps per second of PPO, updates included."""
    horizon = 14 * 4
    model = PPO("MlpPolicy", envs, n_steps=horizon, batch_size=256, n_epochs=4, device="cpu")
    start = time.perf_counter()
    model.learn(4 * horizon * envs.num_envs)
    return 4 * horizon * envs.num_envs / (time.perf_counter() - start)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", nargs="?", default="AMC-MobileNetV1-v0", metavar="ID")
    name = parser.parse_args().environment
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    print(f"{'copies':>6} {'':16} {'env-steps/s':>12} {'ratio':>7}")
    for count, processes in ((4, True), (64, False), (1024, False)):
        make = [lambda: gym.make(name)] * count
        actions = random.random((DRAWN, count, 1), dtype=np.float32)
        kinds: dict[str, VecEnv] = {"DummyVecEnv": DummyVecEnv(make)}
        if processes:
            kinds["SubprocVecEnv"] = SubprocVecEnv(make)
        kinds["DesignVecEnv"] = DesignVecEnv(name, count)
        rounds = [[rate(envs, actions) for envs in kinds.values()] for _ in range(ROUNDS)]
        show(count, list(kinds), rounds)
        if count == 64:
            pair = [kinds["DummyVecEnv"], kinds["DesignVecEnv"]]
            rounds = [[learning_rate(envs) for envs in pair] for _ in range(ROUNDS)]
            show(count, ["PPO, DummyVecEnv", "PPO, DesignVecEnv"], rounds)
        for envs in kinds.values():
            envs.close()


def show(count: int, kinds: list[str], rounds: list[list[float]]) -> None:
    """One line a kind."""
    for index, kind in enumerate(kinds):
        ratio = median(found[index] / found[0] for found in rounds)
        rates = median(found[index] for found in rounds)
        print(f"{count:6} {kind:17} {rates:12,.0f} {ratio:7.2f}")


if __name__ == "__main__":
    main()
