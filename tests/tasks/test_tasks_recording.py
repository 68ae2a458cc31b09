"""Our own learners over many tasks."""

from __future__ import annotations

from contextlib import suppress

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.agents import ddpg
from hwenvs.agents.ddpg import DDPG
from hwenvs.agents.replay import Replay
from hwenvs.errors import ArgumentError, SolverError
from hwenvs.solving import BudgetSpent, get_solver
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


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_ddpg_remembers_as_many_episodes_whichever_task_is_drawn_first(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    memories: list[Replay] = []

    class Watched(Replay):
        def __init__(self, *arguments: int) -> None:
            super().__init__(*arguments)
            memories.append(self)

    monkeypatch.setattr(ddpg, "Replay", Watched)
    agent = DDPG(warmup=20, hidden=[8, 8], replay_episodes=5)
    env = TaskRecorder(gym.make("AMC-Generalist-v0", tasks=TASKS), evaluations=9, seed=seed)
    with suppress(BudgetSpent):
        agent.solve(env, seed)
    (memory,) = memories
    *before, _ = env.run.designs  # the budget is spent before the last one is remembered
    assert len(memory) == sum(map(len, before[-5:]))


def test_the_first_task_that_the_seed_draws_is_the_first_one_walked() -> None:
    for seed in range(3):
        drawn = gym.make("AMC-Generalist-v0")
        expected = [drawn.reset(**how)[1]["task"] for how in ({"seed": seed}, {}, {})]
        env = TaskRecorder(gym.make("AMC-Generalist-v0"), evaluations=9, seed=seed)
        assert [env.reset()[1]["task"] for _ in range(3)] == expected


@pytest.mark.parametrize(
    "name",
    [
        "cma-es",
        "decomposition",
        "exact",
        "genetic",
        "nsga2",
        "random",
        "regularized-evolution",
        "sb3-ppo",
        "turbo",
        "uniform",
    ],
)
def test_solvers_that_plan_on_one_problem_say_that_they_cannot_learn_over_tasks(name: str) -> None:
    env = TaskRecorder(gym.make("AMC-Generalist-v0", tasks=TASKS), evaluations=12)
    with pytest.raises(SolverError, match="one problem cannot learn over tasks"):
        get_solver(name).solve(env, 0)
    assert env.run.rewards == []


def test_nothing_that_asks_for_one_problem_walks_several() -> None:
    env = TaskRecorder(gym.make("AMC-Generalist-v0", tasks=TASKS), evaluations=12)
    actions = np.full((14, 1), 0.5, np.float32)
    for ask in (
        lambda: env.evaluate([8] * 14),
        lambda: env.play(actions),
        lambda: env.actions([[8] * 14]),
        env.chain,
    ):
        with pytest.raises(SolverError, match="as an environment of its own"):
            ask()
    assert env.tasks == []


@pytest.mark.parametrize("evaluations", [0, -1, 2.5, True, "a", None])
def test_a_budget_that_is_no_count_is_refused(evaluations: object) -> None:
    with pytest.raises(ArgumentError, match="evaluations must be a whole number of at least 1"):
        TaskRecorder(gym.make("AMC-Generalist-v0", tasks=TASKS), evaluations)


def test_a_seed_that_is_none_is_refused() -> None:
    for seed in (-1, 1.5, True, None, 2**64):
        with pytest.raises(ArgumentError, match="seed must be"):
            TaskRecorder(gym.make("AMC-Generalist-v0", tasks=TASKS), 1, seed)
