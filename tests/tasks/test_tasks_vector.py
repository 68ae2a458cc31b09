"""Copies at once walk tasks of different lengths as single environments do."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

from hwenvs.tasks import Rule, Task
from hwenvs.tasks.compiled import compile_task

SMALL = ("amc/resnet20/mobile/latency/0.4", "amc/mobilenet_v1/counts/macs/0.4")


def test_vector_copies_walk_different_tasks_as_scalar_ones_do() -> None:
    envs = gym.make_vec("AMC-Generalist-v0", num_envs=4, tasks=SMALL)
    alone = [gym.make("AMC-Generalist-v0", tasks=SMALL) for _ in range(4)]
    observations, infos = envs.reset(seed=[0, 1, 2, 3])
    first = [env.reset(seed=seed) for seed, env in enumerate(alone)]
    assert np.array_equal(observations, [observation for observation, _ in first])
    assert set(infos["task"]) == set(SMALL)  # both, of different lengths
    random = np.random.default_rng(0)
    over, ended = np.zeros(4, dtype=bool), 0
    for _ in range(60):
        actions = random.random((4, 1), dtype=np.float32)
        observations, rewards, over_now, _, infos = envs.step(actions)
        for index, env in enumerate(alone):
            if over[index]:  # the step after the last decision resets
                observation, info = env.reset()
                reward, gone = 0.0, False
            else:
                observation, reward, gone, _, info = env.step(actions[index])
            assert np.array_equal(observations[index], observation)
            assert (rewards[index], over_now[index]) == (reward, gone)
            if "task" in info:
                assert infos["task"][index] == info["task"]
            if gone:
                ended += 1
                assert infos["design"][index] == info["design"]
                assert infos["costs"]["macs"][index] == info["costs"]["macs"]
        over = over_now
    assert ended > 8


def test_designs_of_different_lengths_can_end_in_one_step() -> None:
    networks = ("resnet20", "mobilenet_v1")
    rule = Rule("own", "amc", networks, (), (("counts", "macs"),), (), (0.4,), ())
    envs = gym.make_vec("AMC-Generalist-v0", num_envs=2, rule=rule)
    for index, network in enumerate(networks):
        task = Task("amc", network, "counts", "macs", 0.4)
        base = envs.envs[index].unwrapped
        horizon = compile_task(task).problem.horizon
        envs.reset(seed=0) if index == 0 else None
        base.reset(options={"task": task})
        for _ in range(horizon - 1):
            base.step(np.array([0.5], np.float32))
    _, _, over, _, infos = envs.step(np.full((2, 1), 0.5, np.float32))
    assert over.all()
    assert [len(design) for design in infos["design"]] == [18, 14]
