"""Policies act as their files say, and exported ones as they were trained."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.agents.ddpg import Learner, Settings
from hwenvs.errors import SolverError
from hwenvs.leaderboards.dynamics import tasks_of
from hwenvs.leaderboards.entries import POLICY
from hwenvs.leaderboards.perceptron import Policy
from hwenvs.leaderboards.policies import export, read_policy, write_policy
from hwenvs.leaderboards.rollouts import rollout
from hwenvs.tasks.environment import TaskEnv

RULE = "haq"
FEATURES = len(TaskEnv(RULE).observation_names)


def drawn_at_random(activation: str, output: str, width: int = 16) -> Policy:
    random = np.random.default_rng(3)
    sizes = [FEATURES, width, width, 1]
    weights = tuple(random.normal(size=(o, i)) for i, o in pairwise(sizes))
    return Policy(weights, tuple(random.normal(size=o) for o in sizes[1:]), activation, output)


def test_what_is_done_on_a_task_does_not_depend_on_the_others() -> None:
    policy = drawn_at_random("tanh", "sigmoid")
    tasks = list(tasks_of(RULE)[::12])
    together = rollout(policy, RULE, tasks)
    assert [one.task for one in together] == [task.id for task in tasks]
    assert tuple(rollout(policy, RULE, [task])[0] for task in tasks) == together


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("output", ["clip", "tanh", "sigmoid"])
def test_acting_is_the_perceptron_it_says(activation: str, output: str) -> None:
    policy = drawn_at_random(activation, output)
    seen = np.random.default_rng(0).random((200, FEATURES), dtype=np.float32)
    hidden = seen.astype(np.float64)
    for weight, bias in zip(policy.weights[:-1], policy.biases[:-1], strict=True):
        hidden = hidden @ weight.T + bias
        hidden = np.tanh(hidden) if activation == "tanh" else np.maximum(hidden, 0)
    last = hidden @ policy.weights[-1].T + policy.biases[-1]
    squashed = {
        "clip": np.clip(last, 0, 1),
        "tanh": (1 + np.tanh(last)) / 2,
        "sigmoid": 1 / (1 + np.exp(-last)),
    }[output]
    assert np.abs(policy.act(seen) - squashed).max() < 6e-7
    assert (policy.act(seen) == np.concatenate([policy.act(row[None]) for row in seen])).all()


def test_a_policy_comes_back_as_it_was_written(tmp_path: Path) -> None:
    policy = drawn_at_random("tanh", "tanh")
    write_policy(policy, tmp_path / POLICY)
    again = read_policy(tmp_path / POLICY)
    assert (again.activation, again.output) == ("tanh", "tanh")
    for first, second in zip(
        policy.weights + policy.biases, again.weights + again.biases, strict=True
    ):
        assert np.array_equal(first, second)


def seen_by(env: TaskEnv, episodes: int = 4) -> Any:
    """Observations [n, F] of random episodes."""
    env.action_space.seed(0)
    found = []
    for seed in range(episodes):
        observation, _ = env.reset(seed=seed)
        ended = False
        while not ended:
            found.append(observation)
            observation, _, ended, _, _ = env.step(env.action_space.sample())
    return np.stack(found)


@pytest.mark.parametrize("name", ["PPO", "A2C", "DDPG", "TD3", "SAC", "TQC"])
@pytest.mark.filterwarnings("ignore")
def test_an_exported_model_acts_as_it_predicts(name: str, tmp_path: Path) -> None:
    library = pytest.importorskip("sb3_contrib" if name == "TQC" else "stable_baselines3")
    kind: Callable[..., Any] = getattr(library, name)
    model = kind(
        "MlpPolicy", TaskEnv(RULE), policy_kwargs={"net_arch": [16, 16]}, seed=3, device="cpu"
    )
    exported = export(model, tmp_path / POLICY)
    seen = seen_by(TaskEnv(RULE))
    assert len(seen) > 100
    told, _ = model.predict(seen, deterministic=True)
    acted = read_policy(tmp_path / POLICY).act(seen)
    assert np.abs(acted - told).max() < 1e-5
    assert len(np.unique(acted)) > 10, "a constant would agree by luck"
    assert (exported.act(seen) == acted).all()


def test_our_own_agent_is_exported_as_it_acts(tmp_path: Path) -> None:
    learner = Learner(FEATURES, 1, Settings(hidden=(16, 16)), seed=1)
    export(learner, tmp_path / POLICY)
    seen = seen_by(TaskEnv(RULE), episodes=1)
    told = np.stack([learner.act(row) for row in seen])
    assert np.abs(read_policy(tmp_path / POLICY).act(seen) - told).max() < 1e-5


@pytest.mark.filterwarnings("ignore")
def test_what_a_file_cannot_say_is_not_exported(tmp_path: Path) -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    from gymnasium.wrappers import NormalizeObservation
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
    from torch import nn

    from hwenvs.agents.ddpg import DDPG

    def ppo(env: Any, **policy: Any) -> Any:
        arguments = {"net_arch": [4], **policy}
        return sb3.PPO("MlpPolicy", env, policy_kwargs=arguments, device="cpu")

    normalised = VecNormalize(DummyVecEnv([lambda: TaskEnv(RULE)]))
    for model, message in (
        (ppo(normalised), "are normalised"),
        (ppo(NormalizeObservation(TaskEnv(RULE))), "from 0 to 1 .* not normalised or rescaled"),
        (ppo(TaskEnv(RULE), net_arch=[4] * 8), "a policy has 1 to 8 layers"),
        (ppo(TaskEnv(RULE), net_arch=[4097]), "weight_0: 4,097 units; at most 4,096"),
        (ppo(TaskEnv(RULE), activation_fn=nn.ELU), "must be all ReLU or all Tanh, not ELU"),
        (pytest.importorskip("sb3_contrib").RecurrentPPO("MlpLstmPolicy", TaskEnv(RULE)), "rememb"),
        (DDPG(), "has learned nothing yet"),
        (object(), "no policy that can be exported"),
    ):
        with pytest.raises(SolverError, match=message):
            export(model, tmp_path / POLICY)
    assert not (tmp_path / POLICY).exists()
