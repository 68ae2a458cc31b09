"""Our own learners over many tasks."""

from __future__ import annotations

from contextlib import suppress

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.agents.ddpg import DDPG
from hwenvs.errors import SolverError
from hwenvs.solving import BudgetSpent
from hwenvs.tasks.recording import TaskRecorder

TASKS = ("amc/resnet20/mobile/latency/0.4", "amc/mobilenet_v1/counts/macs/0.4")


def trained(seed: int) -> tuple[DDPG, TaskRecorder]:
    agent = DDPG(warmup=3, hidden=[16, 16], batch=8)
    env = TaskRecorder(gym.make("AMC-Generalist-v0", tasks=TASKS), evaluations=8, seed=seed)
    with suppress(BudgetSpent):
        agent.solve(env, seed)
    return agent, env


def test_ddpg_learns_over_tasks_of_different_lengths_and_repeats_itself() -> None:
    (agent, env), (_, again) = trained(1), trained(1)
    assert len(env.run.rewards) == 8
    assert set(env.tasks) == set(TASKS)
    assert {len(design) for design in env.run.designs} == {14, 18}
    assert (env.run.rewards, env.tasks) == (again.run.rewards, again.tasks)
    assert trained(2)[1].run.rewards != env.run.rewards
    assert agent.learner is not None
    observation, _ = gym.make("AMC-Generalist-v0", tasks=TASKS).reset(seed=0)
    action = agent.learner.act(observation)
    assert action.shape == (1,)
    assert np.all((action >= 0) & (action <= 1))


def test_a_recorder_of_tasks_wants_many_tasks() -> None:
    with pytest.raises(SolverError, match="walked in a TaskEnv, not a DesignEnv"):
        TaskRecorder(gym.make("AMC-ResNet20-v0"), evaluations=1)
