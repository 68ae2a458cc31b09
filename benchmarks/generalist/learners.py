"""Learners: each trains on the training tasks of a rule and leaves a policy.

Settings were chosen by scores on *training* tasks, from some ten trials of PPO and eight of DDPG
(4,000 evaluations of ``amc``) with one seed; no test task was looked at.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from lines import Row
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from hwenvs.agents.ddpg import DDPG
from hwenvs.agents.networks import small_networks
from hwenvs.baselines.stable_baselines import TaskVecEnv
from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.leaderboards.perceptron import Policy
from hwenvs.leaderboards.policies import export, read_policy, write_policy
from hwenvs.leaderboards.rollouts import rollout
from hwenvs.reporting.statistics import interquartile_mean
from hwenvs.solving import BudgetSpent
from hwenvs.solving.records import versions
from hwenvs.tasks import Distribution, distribution
from hwenvs.tasks.compiled import compile_task
from hwenvs.tasks.recording import TaskRecorder

IDS = {"amc": "AMC-Generalist-v0", "haq": "HAQ-Generalist-v0"}

GROUPS, COPIES = 16, 16
"""Tasks that PPO walks at a time, and episodes of each."""

RATE = 1e-3
"""PPO's learning rate at the beginning; it falls to 0 in a straight line."""

PPO_SETTINGS: dict[str, Any] = {
    "n_steps": 64,
    "batch_size": 2048,
    "n_epochs": 8,
    "learning_rate": lambda left: RATE * left,
    "gamma": 1.0,
    "gae_lambda": 1.0,
    "policy_kwargs": {"log_std_init": -1.6, "net_arch": [64, 64]},
}

CONSTANTS = 41
"""Constant actions that the control chooses from."""

DDPG_SETTINGS: dict[str, Any] = {
    "replay_episodes": 2000,
    "warmup": 200,
    "updates": 0.25,
    "actor_rate": 3e-4,
    "sigma": 0.15,
    "baseline_rate": 0.05,
}
LAST_SIGMA = 0.1
"""DDPG's noise at the end of training, as a part of that after the warm-up."""


class Count(BaseCallback):
    """Ends training after a number of evaluations, and keeps their scores."""

    def __init__(self, evaluations: int) -> None:
        super().__init__()
        self.evaluations = evaluations
        self.scores: list[float] = []

    def _on_step(self) -> bool:
        self.scores += [info["score"] for info in self.locals["infos"] if "score" in info]
        return len(self.scores) < self.evaluations


def train_ppo(rule: str, evaluations: int, seed: int, path: Path) -> list[float]:
    """PPO on rewards relative to the group; it starts from the best constant and pays for it."""
    wish, constants = best_constant(rule)
    envs = TaskVecEnv(IDS[rule], GROUPS, COPIES, relative=True)
    count = Count(evaluations - len(constants))
    horizons = [compile_task(task).problem.horizon for task in envs.tasks]
    # Every task comes equally often; at the end each copy has an episode under way.
    steps = ceil(np.mean(horizons) * count.evaluations) + envs.num_envs * max(horizons)
    with small_networks():
        model = PPO("MlpPolicy", envs, seed=seed, device="cpu", **PPO_SETTINGS)
        model.set_logger(Logger(folder=None, output_formats=[]))
        torch.nn.init.constant_(model.policy.action_net.bias, wish)
        model.learn(steps, callback=count)
    export(model, path)
    return [*constants, *count.scores]


def train_ddpg(rule: str, evaluations: int, seed: int, path: Path) -> list[float]:
    """Our DDPG on scores, one episode at a time."""
    agent = DDPG(sigma_decay=float(LAST_SIGMA ** (1 / evaluations)), **DDPG_SETTINGS)
    env = TaskRecorder(gym.make(IDS[rule]), evaluations, seed)
    with suppress(BudgetSpent):
        agent.solve(env, seed)
    export(agent, path)
    return env.run.rewards


def choose_constant(rule: str, evaluations: int, seed: int, path: Path) -> list[float]:  # noqa: ARG001
    """The control: what can be had without looking."""
    wish, scores = best_constant(rule)
    write_policy(constant(rule, wish), path)
    return list(scores)


@lru_cache
def best_constant(rule: str) -> tuple[float, tuple[float, ...]]:
    """The one action that suits the training tasks best, and the scores of all that were tried.

    Budgets turn even a constant wish into a design that fits, often a better one than uniform.
    """
    tasks, wishes = list(distribution(rule).train), np.linspace(0.0, 1.0, CONSTANTS)
    rows = [
        [one.score for one in rollout(constant(rule, float(wish)), rule, tasks)] for wish in wishes
    ]
    best = float(wishes[int(np.argmax([interquartile_mean(row) for row in rows]))])
    return best, tuple(score for row in rows for score in row)


def constant(rule: str, wish: float) -> Policy:
    """A policy that always asks for ``wish``."""
    features = gym.make(IDS[rule]).observation_space.shape
    assert features is not None
    return Policy((np.zeros((1, *features)),), (np.array([wish]),), "relu", "clip")


LEARNERS = {"constant": choose_constant, "ppo": train_ppo, "ddpg": train_ddpg}


def check_learner(rule: str, name: str, evaluations: int) -> None:
    """Refuses what could not be trained.

    Raises:
        UnknownNameError: if there is no such learner.
        ArgumentError: if it has no evaluations left when the best constant has been chosen.
    """
    if name not in LEARNERS:
        raise unknown_name("learner", name, LEARNERS)
    spent = CONSTANTS * len(distribution(rule).train)
    least = {"constant": spent, "ppo": spent + 1}.get(name, 1)
    if evaluations < least:
        chosen = f": {spent:,} are for choosing the best constant" if least > 1 else ""
        raise ArgumentError(
            f"{name} takes at least {least:,} evaluations of {rule}, not {evaluations:,}{chosen}"
        )


def learn(found: Distribution, name: str, evaluations: int, seed: int, out: Path) -> Row:
    """Trains a learner and has its policy design every task of both parts, once."""
    check_learner(found.rule.name, name, evaluations)
    rule, started = found.rule.name, time.perf_counter()
    path = out / f"{rule}.{name}.{evaluations}.{seed}.npz"
    scores = LEARNERS[name](rule, evaluations, seed, path)
    seconds = time.perf_counter() - started
    made = rollout(read_policy(path), rule, list(found.all))
    windows = np.array_split(np.array(scores), min(50, len(scores)))
    return {
        "method": name,
        "evaluations": evaluations,
        "seed": seed,
        "seconds": seconds,
        "used": len(scores),
        "training": [float(np.median(window)) for window in windows],
        "scores": {one.task: one.score for one in made},
        "versions": versions(),
    }
