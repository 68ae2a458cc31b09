"""Steps per second, alone and many at once, and the time from import to the first environment.

    python benchmarks/environments.py AMC-MobileNetV1-v0 HAQ-MobileNetV1-v0

prints a table, without ids of all environments.  Scalar and vector environments are timed in turns
in one process, by its own processor time, so that other processes count less; the median of the
rounds is shown.  Actions are drawn beforehand: drawing them costs more than the steps.  The first
``make`` is timed by the clock on the wall, imports included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from statistics import median

import gymnasium as gym
import numpy as np

import hwenvs
from hwenvs.errors import AnalyticProxyWarning

ENVS = 4096
SCALAR_STEPS = 20_000
VECTOR_STEPS = 500
ROUNDS = 9
DRAWN = 64

FIRST_MAKE = """
import time
start = time.perf_counter()
import gymnasium, hwenvs
gymnasium.make({name!r})
print(time.perf_counter() - start)
"""


def drawn(space: gym.Space, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random actions of a space, an array of ``shape`` of them: choices, or fractions."""
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(space.n, size=shape)
    return rng.random((*shape, *space.shape), dtype=np.float32)


def scalar_rate(env: gym.Env, actions: np.ndarray) -> float:
    """Steps per second of one environment, episodes and resets included."""
    env.reset()
    start = time.process_time()
    for action in actions:
        if env.step(action)[2]:
            env.reset()
    return len(actions) / (time.process_time() - start)


def vector_rate(envs: gym.vector.VectorEnv, actions: np.ndarray) -> float:
    """Decisions per second of all environments together; steps that only reset do not count."""
    envs.reset()
    taken, ended = 0, False
    start = time.process_time()
    for step in range(VECTOR_STEPS):
        taken += 0 if ended else envs.num_envs
        ended = envs.step(actions[step % DRAWN])[2][0]
    return taken / (time.process_time() - start)


def first_make(name: str) -> float:
    """Seconds from a running interpreter to the first environment; the best of several."""
    command = [sys.executable, "-W", "ignore", "-c", FIRST_MAKE.format(name=name)]
    runs = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(5))
    return min(float(run.stdout) for run in runs)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environments", nargs="*", metavar="ID", help="default: all")
    names = parser.parse_args().environments or list(hwenvs.ENVIRONMENTS)
    warnings.simplefilter("ignore", AnalyticProxyWarning)
    print(f"{'id':22} {'steps/s':>12} {f'x {ENVS} steps/s':>16} {'ratio':>7} {'first make':>11}")
    for name in names:
        env = gym.make(name)
        envs = gym.make_vec(name, num_envs=ENVS)
        rng = np.random.default_rng(0)
        alone = drawn(env.action_space, (SCALAR_STEPS,), rng)
        together = drawn(env.action_space, (DRAWN, ENVS), rng)
        rounds = [(scalar_rate(env, alone), vector_rate(envs, together)) for _ in range(ROUNDS)]
        scalar, vector = (median(column) for column in zip(*rounds, strict=True))
        made = first_make(name)
        print(f"{name:22} {scalar:12,.0f} {vector:16,.0f} {vector / scalar:7.0f} {made:9.2f} s")


if __name__ == "__main__":
    main()
