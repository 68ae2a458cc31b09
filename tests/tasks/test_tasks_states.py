"""Episodes of many tasks go on alike: equal seeds, copies, saved states."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from hwenvs.errors import DesignError, UnknownNameError
from hwenvs.registration import TASK_ENVIRONMENTS

Play = Callable[..., list[tuple[Any, ...]]]
IDS = tuple(TASK_ENVIRONMENTS)
SMALL = ("amc/resnet20/mobile/latency/0.4", "amc/mobilenet_v1/counts/macs/0.4")


def same(one: Sequence[tuple[Any, ...]], other: Sequence[tuple[Any, ...]]) -> bool:
    """Whether two episodes agree bit for bit."""
    return len(one) == len(other) and all(
        a[0].tobytes() == b[0].tobytes() and a[1:] == b[1:] for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("name", IDS)
def test_equal_seeds_walk_equal_tasks_with_equal_results(play: Play, name: str) -> None:
    one, other = gym.make(name), gym.make(name)
    for env in (one, other):
        env.reset(seed=5)
    for episode in range(4):
        assert same(play(one, episode), play(other, episode))


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("name", IDS)
def test_a_copy_goes_on_as_the_original_does(play: Play, name: str, copier: Any) -> None:
    env = gym.make(name).unwrapped
    env.reset(seed=11)
    for _ in range(5):
        env.step(np.array([0.6], np.float32))
    other = copier(env)
    assert other.get_state() == env.get_state()
    ended = False
    while not ended:
        ours, theirs = (one.step(np.array([0.4], np.float32)) for one in (env, other))
        assert same([ours], [theirs])
        ended = ours[2]
    for one in (env, other):
        with pytest.raises(ResetNeeded):
            one.step(np.array([0.4], np.float32))
    assert same(play(env), play(other))  # the next task is drawn alike


def test_pickles_do_not_carry_tables() -> None:
    env = gym.make("AMC-Generalist-v0").unwrapped
    env.reset(options={"task": SMALL[1]})
    assert len(pickle.dumps(env)) < 200_000


def test_states_of_one_task_can_be_entered_from_another(play: Play) -> None:
    env = gym.make("AMC-Generalist-v0").unwrapped
    env.reset(options={"task": SMALL[0]})
    for _ in range(3):
        seen = env.step(np.array([0.7], np.float32))[0]
    state = env.get_state()
    after = env.step(np.array([0.2], np.float32))
    play(env, options={"task": SMALL[1]})
    assert np.array_equal(env.set_state(state), seen)
    assert same([env.step(np.array([0.2], np.float32))], [after])
    assert np.array_equal(env.set_state((SMALL[0], state.design)), seen)


@pytest.mark.parametrize(
    "refused",
    [
        (SMALL[1], [10_000]),
        (SMALL[1], [8] * 15),
        (SMALL[1], 5),
        (SMALL[1], None),
        (SMALL[1],),
        ("amc/resnet20", []),
        ([], []),
        5,
        None,
    ],
)
def test_a_state_that_is_refused_leaves_the_episode_where_it_was(refused: Any) -> None:
    env = gym.make("AMC-Generalist-v0").unwrapped
    env.reset(options={"task": SMALL[1]})
    for _ in range(3):
        env.step(np.array([0.7], np.float32))
    env.reset(options={"task": SMALL[0]})
    env.step(np.array([0.6], np.float32))
    before, other = env.get_state(), copy.deepcopy(env)
    with pytest.raises(
        (DesignError, UnknownNameError), match=r"state|unknown task|is not an option"
    ):
        env.set_state(refused)
    assert env.get_state() == before
    assert same(*([one.step(np.array([0.3], np.float32))] for one in (env, other)))


def test_what_is_no_state_is_told_in_one_sentence() -> None:
    env = gym.make("AMC-Generalist-v0").unwrapped
    with pytest.raises(DesignError, match="a state is a task and the decisions so far, not 5"):
        env.set_state(5)
    with pytest.raises(DesignError, match="a state is a list of at most 18 entries, not None"):
        env.set_state((SMALL[0], None))
    with pytest.raises(ResetNeeded):
        env.get_state()
