"""Many tasks as Stable-Baselines3's ``VecEnv``, beside the scalar environment."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from stable_baselines3 import PPO

from hwenvs.baselines.stable_baselines import TaskVecEnv
from hwenvs.errors import ActionError, ArgumentError, UnknownNameError
from hwenvs.leaderboards.policies import export
from hwenvs.tasks.environment import TaskEnv

NAMES = {"amc": "AMC-Generalist-v0", "haq": "HAQ-Generalist-v0"}
TASKS = {
    "amc": ("amc/resnet20/mobile/latency/0.4", "amc/mobilenet_v1/counts/macs/0.4"),
    "haq": ("haq/resnet20/counts/size/0.4", "haq/mobilenet_v1/horowitz/energy/0.4"),
}


def made(rule: str, groups: int = 2, copies: int = 2, **arguments: object) -> TaskVecEnv:
    return TaskVecEnv(NAMES[rule], groups, copies, tasks=TASKS[rule], **arguments)


def drawn_actions(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((120, count, 1), dtype=np.float32)


@pytest.mark.parametrize("rule", NAMES)
def test_every_copy_equals_a_scalar_environment(rule: str) -> None:
    envs = made(rule)
    envs.seed(3)
    seen = envs.reset()
    scalars = [TaskEnv(rule) for _ in range(4)]
    expected = [
        env.reset(options={"task": info["task"]})[0]
        for env, info in zip(scalars, envs.reset_infos, strict=True)
    ]
    finished = 0
    for actions in drawn_actions(4):
        np.testing.assert_array_equal(seen, np.stack(expected))
        seen, rewards, ended, infos = envs.step(actions)
        for copy, env in enumerate(scalars):
            observation, reward, done, _, info = env.step(actions[copy])
            assert (rewards[copy], ended[copy]) == (np.float32(reward), done)
            if done:
                finished += 1
                assert infos[copy]["score"] == info["score"]
                assert infos[copy]["task"] == info["task"]
                np.testing.assert_array_equal(infos[copy]["terminal_observation"], observation)
                task = envs.reset_infos[copy]["task"]
                observation = env.reset(options={"task": task})[0]
            expected[copy] = observation
    assert finished >= 8


def test_relative_rewards_compare_an_episode_with_its_group() -> None:
    plain, relative = made("amc", copies=8), made("amc", copies=8, relative=True)
    for envs in (plain, relative):
        envs.seed(3)
        envs.reset()
    compared = 0
    for actions in drawn_actions(16):
        _, scores, ended, _ = plain.step(actions)
        _, rewards, also, _ = relative.step(actions)
        np.testing.assert_array_equal(ended, also)
        for group in (slice(0, 8), slice(8, 16)):
            if ended[group.start]:
                compared += 1
                spread = float(scores[group].std())
                assert abs(rewards[group].mean()) < 1e-5
                assert float(rewards[group].std()) == pytest.approx(spread / (spread + 0.02), 1e-3)
                np.testing.assert_array_equal(
                    np.argsort(rewards[group], stable=True), np.argsort(scores[group], stable=True)
                )
    assert compared >= 8


def test_equal_episodes_are_neither_better_nor_worse() -> None:
    envs = made("haq", relative=True)
    envs.reset()
    rewards = [envs.step(np.full((4, 1), 0.5, np.float32))[1:3] for _ in range(60)]
    assert sum(ended.sum() for _, ended in rewards) >= 4
    assert not any(reward.any() for reward, _ in rewards)


def test_every_task_comes_once_before_any_comes_again() -> None:
    envs = TaskVecEnv(NAMES["haq"], groups=1, copies=1, tasks=(*TASKS["haq"], TASKS["haq"][0]))
    assert len(envs.tasks) == 2
    envs.seed(0)
    envs.reset()
    walked = [envs.reset_infos[0]["task"]]
    while len(walked) < 7:
        if envs.step(np.zeros((1, 1), np.float32))[2][0]:
            walked.append(envs.reset_infos[0]["task"])
    assert [set(walked[i : i + 2]) for i in (0, 2, 4)] == [set(TASKS["haq"])] * 3


def test_a_seed_fixes_which_tasks_are_drawn() -> None:
    orders = []
    for seed in (5, 5, 6):
        envs = TaskVecEnv(NAMES["amc"], groups=12, copies=1)
        envs.seed(seed)
        envs.reset()
        orders.append([info["task"] for info in envs.reset_infos])
    assert orders[0] == orders[1] != orders[2]


def test_ppo_learns_on_it_and_its_policy_can_be_exported(tmp_path: Path) -> None:
    envs = made("amc", relative=True)
    model = PPO("MlpPolicy", envs, n_steps=24, batch_size=48, n_epochs=1, seed=0, device="cpu")
    before = export(model, tmp_path / "policy.npz").weights[0]
    model.learn(200)
    assert (export(model, tmp_path / "policy.npz").weights[0] != before).any()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ArgumentError, match="has no tasks to draw from"):
        TaskVecEnv("AMC-ResNet20-v0")
    with pytest.raises(ArgumentError, match=r"compared with each other must be .* at least 2, not"):
        made("amc", copies=1, relative=True)
    for wrong in (0, -1, 1.5, True, "a", None):
        with pytest.raises(ArgumentError, match="groups must be a whole number of at least 1, not"):
            made("amc", groups=wrong)
        with pytest.raises(ArgumentError, match="copies must be a whole number of at least 1, not"):
            made("amc", copies=wrong)
    envs = made("amc")
    with pytest.raises(ArgumentError, match="all share it"):
        envs.set_attr("copies", 3)
    with pytest.raises(ArgumentError, match="no method 'get_state'"):
        envs.env_method("get_state")
    assert envs.env_is_wrapped(gym.Wrapper) == [False] * 4
    with pytest.raises(ArgumentError, match="have no picture"):
        made("amc", render_mode="rgb_array")


@pytest.mark.parametrize("options", [{"task": TASKS["amc"][0]}, {"nonsense": 1}])
def test_options_are_refused_as_there_are_none(options: dict[str, object]) -> None:
    envs = made("amc")
    envs.set_options(options)
    with pytest.raises(UnknownNameError, match=r"unknown option of reset .* has none"):
        envs.reset()
    envs.set_options()
    envs.reset()


@pytest.mark.parametrize("wrong", [-0.01, 1.05, np.nan])
def test_actions_are_checked_as_everywhere(wrong: float) -> None:
    envs = made("amc")
    actions = np.full((4, 1), 0.5, dtype=np.float32)
    with pytest.raises(ResetNeeded):
        envs.step(actions)
    envs.reset()
    with pytest.raises(ActionError, match="shape"):
        envs.step(actions[:2])
    actions[3] = wrong
    with pytest.raises(ActionError, match="of environment 3 is not in"):
        envs.step(actions)
