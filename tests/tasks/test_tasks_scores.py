"""Scores of tasks: those of the task alone, 0 for uniform designs, 1 for certified ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.errors import ArgumentError
from hwenvs.tasks import Rule, Task, compiled
from hwenvs.tasks.compiled import compile_task

Play = Callable[..., list[tuple[Any, ...]]]
SMALL = ("amc/resnet20/mobile/latency/0.4", "amc/mobilenet_v1/counts/macs/0.4")


def test_an_episode_is_that_of_the_task_alone_but_for_its_reward(play: Play) -> None:
    task = Task.parse(SMALL[0])
    many, one = gym.make("AMC-Generalist-v0"), gym.make(task.environment, **task.arguments)
    steps, alone = play(many, options={"task": task}), play(one)
    for ours, theirs in zip(steps, alone, strict=True):
        assert np.array_equal(ours[0][: len(theirs[0])], theirs[0])
    info, expected = steps[-1][-1], alone[-1][-1]
    assert info["design"] == tuple(expected["design"].tolist())
    assert {key: info[key] for key in ("accuracy", "costs", "feasible")} == {
        key: expected[key] for key in ("accuracy", "costs", "feasible")
    }
    ends = compile_task(task).certificate
    score = (expected["accuracy"] - ends.reference) / (ends.optimum - ends.reference)
    assert info["score"] == score
    assert steps[-1][1] == max(score, -5.0)
    assert [step[1] for step in steps[1:-1]] == [0.0] * (len(steps) - 2)


def test_the_uniform_design_scores_0_and_rewards_have_a_floor() -> None:
    task = Task.parse(SMALL[0])
    problem = compile_task(task).problem
    for lowest in (-0.25, 0.0):
        env = gym.make("AMC-Generalist-v0", lowest=lowest)
        env.reset(options={"task": task})
        for action in problem.actions(problem.reference.designs)[0]:
            _, reward, _, _, info = env.step(action)
        assert reward == info["score"] == 0.0
        env.reset(options={"task": task})
        for share in [1.0] * 9 + [0.0] * 9:  # early layers whole, nothing left for late ones
            _, reward, _, _, info = env.step(np.array([share], np.float32))
        assert info["score"] < lowest
        assert reward == lowest


def test_the_certified_design_earns_1() -> None:
    from hwenvs.baselines.exact import optimum

    task = Task.parse(SMALL[1])
    problem = compile_task(task).problem
    env = gym.make("AMC-Generalist-v0")
    env.reset(options={"task": task})
    for action in problem.actions([optimum(problem).design])[0]:
        _, reward, ended, _, _ = env.step(action)
    assert ended
    assert reward == pytest.approx(1.0, abs=1e-12)


def test_a_rule_of_ones_own_is_certified_when_it_is_walked(play: Play) -> None:
    rule = Rule("own", "amc", ("resnet20",), (), (("counts", "macs"),), (), (0.35,), ())
    env = gym.make("AMC-Generalist-v0", rule=rule)
    info = play(env)[-1][-1]
    assert info["task"] == "amc/resnet20/counts/macs/0.35"
    assert info["score"] < 1
    flat = Rule("flat", "haq", ("resnet20",), (), (("bismo-edge", "latency"),), (), (1.0,), ())
    env = gym.make("HAQ-Generalist-v0", rule=flat)
    with pytest.raises(ArgumentError, match="no design is better than the uniform one"):
        env.reset()


def test_the_best_design_is_looked_for_once_however_often_tables_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = Task("amc", "resnet20", "counts", "macs", 0.37)  # of no frozen rule
    first = compile_task(task)
    compile_task.cache_clear()  # as happens to the oldest of many tasks
    monkeypatch.setattr(compiled, "certify", lambda _: pytest.fail("looked for again"))
    again = compile_task(task)
    assert again is not first
    assert again.certificate == first.certificate
